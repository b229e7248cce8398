#include "common/files.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "common/error.hpp"
#include "common/printable.hpp"
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

DOCTEST_TEST_CASE(
    "a pipe, a device, a socket and a path that is too long are refused, not waited for") {
  const TemporaryFolder folder;
  const auto pipe = folder.path() / "pipe";
  DOCTEST_REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  const auto check = [](const std::filesystem::path& path, const std::string& problem) {
    DOCTEST_CHECK_THROWS_WITH_AS(read_file(path), (path.string() + ": " + problem).c_str(),
                                 ConfigError);
  };
  check(pipe, "expected a regular file, found a pipe: write it into a file first");
  check("/dev/zero", "expected a regular file, found a device");
  const auto long_path = folder.path() / std::string(300, 'n');
  check(long_path, "cannot be read: File name too long");
  DOCTEST_CHECK_FALSE(is_there(long_path));
  DOCTEST_CHECK_FALSE(is_regular(long_path));
  DOCTEST_CHECK_FALSE(is_folder(long_path));
}

DOCTEST_TEST_CASE("a file is as large as may be, or refused by its size alone") {
  const TemporaryFolder folder;
  const auto file = folder.path() / "file";
  write_file(file, "12345");
  DOCTEST_CHECK(read_file(file, 5) == "12345");
  DOCTEST_CHECK_THROWS_WITH_AS(read_file(file, 4),
                               (file.string() + ": expected at most 4 bytes, found 5").c_str(),
                               ConfigError);
  // A file of the kernel says that it is empty.
  DOCTEST_CHECK(read_file("/proc/self/status").size() > 100);
  DOCTEST_CHECK_THROWS_WITH_AS(read_file("/proc/self/status", 10),
                               "/proc/self/status: expected at most 10 bytes, found more",
                               ConfigError);
}

DOCTEST_TEST_CASE("what is shown of a text is one line of so many bytes, and whole UTF-8") {
  DOCTEST_CHECK(printable("a\nb\tc\x1b\x7f", 80) == "a\\nb\\tc\\x1b\\x7f");
  DOCTEST_CHECK(printable("abc", 3) == "abc");
  DOCTEST_CHECK(printable("abcd", 3) == "abc...");
  DOCTEST_CHECK(printable("ab\u00e4d", 3) == "ab...");
}

}  // namespace
}  // namespace rein
