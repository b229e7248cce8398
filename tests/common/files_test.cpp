#include "common/files.hpp"

#include <doctest/doctest.h>

#include "common/error.hpp"
#include "support/temporary_folder.hpp"

namespace rein {
namespace {

DOCTEST_TEST_CASE("what is written is read back, and replaces what was there") {
  const TemporaryFolder folder;
  const auto file = folder.path() / "a" / "b.txt";
  write_file(file, "first");
  write_file(file, std::string_view("sec\0nd", 6));
  DOCTEST_CHECK(read_file(file) == std::string("sec\0nd", 6));
  DOCTEST_CHECK_FALSE(std::filesystem::exists(file.string() + ".part"));
}

DOCTEST_TEST_CASE("a file that cannot be read is named") {
  const TemporaryFolder folder;
  const auto file = folder.path() / "missing";
  DOCTEST_CHECK_THROWS_WITH_AS(
      read_file(file), (file.string() + ": cannot be read: No such file or directory").c_str(),
      Error);
  DOCTEST_CHECK_THROWS_WITH_AS(
      read_file(folder.path()),
      (folder.path().string() + ": expected a file, found a folder").c_str(), Error);
}

DOCTEST_TEST_CASE("a folder cannot be made where a file is") {
  const TemporaryFolder folder;
  write_file(folder.path() / "file", "");
  DOCTEST_CHECK_THROWS_AS(make_folder(folder.path() / "file" / "below"), Error);
}

}  // namespace
}  // namespace rein
