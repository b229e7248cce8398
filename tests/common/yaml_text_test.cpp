// Whatever is written as YAML by hand, or as CSV, is read back byte by byte.
#include "common/yaml_text.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/config_node.hpp"
#include "common/csv_table.hpp"
#include "common/json_text.hpp"
#include "common/printable.hpp"
#include "common/random.hpp"
#include "support/odd_text.hpp"

namespace rein {
namespace {

constexpr int kDraws = 20'000;

DOCTEST_TEST_CASE("text that means something to YAML was read back as another") {
  Random random(1);
  for (int i = 0; i < kDraws; ++i) {
    const std::string text = odd_text(random);
    const std::string key = odd_text(random);
    DOCTEST_CAPTURE(text);
    DOCTEST_CAPTURE(key);
    const std::string document =
        fmt::format("a: {}\n{}: {{{}: [{}, {}]}}\n", yaml_text(text), yaml_quoted("k" + key),
                    yaml_text("f" + key), yaml_quoted(text), yaml_text(text));
    const ConfigNode node = ConfigNode::parse(document, "test");
    DOCTEST_REQUIRE(node.at("a").text() == text);
    const ConfigNode list = node.at("k" + key).at("f" + key);
    DOCTEST_REQUIRE(list.items()[0].text() == text);
    DOCTEST_REQUIRE(list.items()[1].text() == text);
    // And as the node writes it, again and again the same.
    const std::string dumped = node.dump();
    const ConfigNode again = ConfigNode::parse(dumped, "test");
    DOCTEST_REQUIRE(again.at("k" + key).at("f" + key).items()[0].text() == text);
    DOCTEST_REQUIRE(again.at("a").text() == text);
    DOCTEST_REQUIRE(again.dump() == dumped);
  }
}

DOCTEST_TEST_CASE("a document keeps its shape when it is written again") {
  const std::string text =
      "a:\n  - b: 1\n    c:\n      - [1, {d: ~}]\n      - e\n  - - x\n    - \"null\"\n"
      "f: {g: [], h: {}}\ni: \"\"\nj: ~\n";
  DOCTEST_CHECK(ConfigNode::parse(text, "test").dump() == text);
  const std::string anchored = "a: &x {b: 1}\nc: *x\n";
  DOCTEST_CHECK(ConfigNode::parse(anchored, "test").dump() == "a: {b: 1}\nc: {b: 1}\n");
  const std::string key(2000, 'k');
  const ConfigNode node =
      ConfigNode::parse(fmt::format("a:\n  ? {}\n  : {{? {} : 2}}\n", key, key), "test");
  const ConfigNode again = ConfigNode::parse(node.dump(), "test");
  DOCTEST_CHECK(again.at("a").at(key).at(key).number() == 2.0);
}

DOCTEST_TEST_CASE("what is set as text is that text") {
  Random random(2);
  ConfigNode node = ConfigNode::parse("a: {b: 1}\n", "test");
  for (int i = 0; i < 1000; ++i) {
    const std::string text = odd_text(random);
    node.set_text("a.b", text, "test");
    DOCTEST_REQUIRE(node.at("a").at("b").text() == text);
    DOCTEST_REQUIRE(ConfigNode::parse(node.dump(), "test").at("a").at("b").text() == text);
  }
}

DOCTEST_TEST_CASE("cells of a CSV file are read back whatever they hold") {
  Random random(3);
  for (int i = 0; i < 1000; ++i) {
    const std::vector<std::string> row = {odd_text(random), odd_text(random), odd_text(random)};
    const CsvTable table = parse_csv(csv_line({"a", "b,\"", "c"}) + csv_line(row), "test");
    DOCTEST_REQUIRE(table.columns[1] == "b,\"");
    DOCTEST_REQUIRE(table.rows.size() == 1);
    DOCTEST_REQUIRE(table.rows[0].cells == row);
  }
}

DOCTEST_TEST_CASE("a path that is no UTF-8 ended what wrote JSON with an exception") {
  Random random(4);
  for (int i = 0; i < 1000; ++i) {
    const std::string text = odd_text(random);
    const nlohmann::ordered_json json = {{"text", text}};
    DOCTEST_REQUIRE_FALSE(nlohmann::json::parse(json_text(json)).is_discarded());
    const std::string valid = as_utf8(text);
    DOCTEST_REQUIRE(nlohmann::json::parse(nlohmann::json(valid).dump()) == valid);
    // What is written as JSON is read as YAML.
    const std::string written = json_text(nlohmann::ordered_json{{"text", valid}}, 1);
    DOCTEST_REQUIRE(ConfigNode::parse(written, "test").at("text").text() == valid);
  }
  for (const char* const text : {"\xE0\x80\xA0", "\xED\xA0\x80", "\xF4\x90\x80\x80",
                                 "\xF0\x80\x80\xA0", "\xC0\xAF", "\xE2\x82"}) {
    DOCTEST_CAPTURE(text);
    DOCTEST_CHECK_NOTHROW(nlohmann::json(as_utf8(text)).dump());
    DOCTEST_CHECK(printable(text) != text);
  }
  DOCTEST_CHECK(as_utf8("caf\xE9, café") == "caf\\xe9, café");
}

}  // namespace
}  // namespace rein
