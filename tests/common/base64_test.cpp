#include "common/base64.hpp"

#include <doctest/doctest.h>

#include <string>

#include "common/random.hpp"

namespace rein {
namespace {

std::string encode(const std::string& text) {
  return to_base64(std::as_bytes(std::span(text.data(), text.size())));
}

DOCTEST_TEST_CASE("base64 is that of RFC 4648's test vectors, and back") {
  const std::pair<std::string, std::string> vectors[] = {
      {"", ""},        {"f", "Zg=="},

      {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, text] : vectors) {
    DOCTEST_CHECK(encode(plain) == text);
    const auto bytes = from_base64(text);
    DOCTEST_REQUIRE(bytes.has_value());
    DOCTEST_CHECK(std::string(reinterpret_cast<const char*>(bytes->data()), bytes->size()) ==
                  plain);
  }
}

DOCTEST_TEST_CASE("every byte survives") {
  std::string all;
  for (int i = 0; i < 256; ++i) {
    all += static_cast<char>(i);
  }
  const auto bytes = from_base64(encode(all));
  DOCTEST_REQUIRE(bytes.has_value());
  DOCTEST_CHECK(std::string(reinterpret_cast<const char*>(bytes->data()), bytes->size()) == all);
}

DOCTEST_TEST_CASE("what is not base64 is refused") {
  for (const char* text : {"Zg", "Zg=", "Z===", "====", "Zm9v\n", "Zm9*", "Zg==Zg=="}) {
    DOCTEST_CAPTURE(text);
    DOCTEST_CHECK_FALSE(from_base64(text).has_value());
  }
}

}  // namespace
}  // namespace rein
