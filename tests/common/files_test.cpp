#include "common/files.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "common/error.hpp"
#include "common/folder.hpp"
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

DOCTEST_TEST_CASE("a link in the place of a draft, a result or a trace is replaced, not followed") {
  const TemporaryFolder folder;
  const auto precious = folder.path() / "precious";
  write_file(precious, "precious");
  for (const char* name : {"summary.json.part", "summary.json"}) {
    std::filesystem::create_symlink(precious, folder.path() / name);
    write_file(folder.path() / "summary.json", "new");
    DOCTEST_CHECK(read_file(precious) == "precious");
    DOCTEST_CHECK(read_file(folder.path() / "summary.json") == "new");
    std::filesystem::remove(folder.path() / "summary.json");
  }
  const auto trace = folder.path() / "trace.csv";
  for (const auto if_there : {OutputFile::IfThere::kFail, OutputFile::IfThere::kAppend}) {
    std::filesystem::create_symlink(precious, trace);
    DOCTEST_CHECK_THROWS_AS(OutputFile(trace, if_there), Error);
    std::filesystem::remove(trace);
  }
  std::filesystem::create_symlink(precious, trace);
  OutputFile(trace, OutputFile::IfThere::kReplace) << "row\n";
  DOCTEST_CHECK(read_file(trace) == "row\n");
  DOCTEST_CHECK(read_file(precious) == "precious");
}

DOCTEST_TEST_CASE("an output file is new, replaced or gone on with") {
  const TemporaryFolder folder;
  const auto file = folder.path() / "a" / "trace.csv";
  OutputFile(file, OutputFile::IfThere::kFail) << "one\n";
  DOCTEST_CHECK_THROWS_WITH_AS(OutputFile(file, OutputFile::IfThere::kFail),
                               (file.string() + ": cannot be written: File exists").c_str(), Error);
  OutputFile(file, OutputFile::IfThere::kAppend) << "two\n";
  DOCTEST_CHECK(read_file(file) == "one\ntwo\n");
  {
    OutputFile shortened(file, OutputFile::IfThere::kAppend);
    shortened.shorten(4);
    shortened << "2\n";
  }
  DOCTEST_CHECK(read_file(file) == "one\n2\n");
  OutputFile(file, OutputFile::IfThere::kReplace) << "three\n";
  DOCTEST_CHECK(read_file(file) == "three\n");
}

DOCTEST_TEST_CASE("a device, a pipe or a folder in the place of a result stays what it is") {
  const TemporaryFolder folder;
  const auto pipe = folder.path() / "pipe";
  mkfifo(pipe.c_str(), 0600);
  const std::string end = ": cannot be written: expected a file or nothing, found ";
  DOCTEST_CHECK_THROWS_WITH_AS(write_file(pipe, "x"),
                               (pipe.string() + end + "a device, pipe or socket").c_str(), Error);
  DOCTEST_CHECK_THROWS_AS(write_file("/dev/null", "x"), Error);
  DOCTEST_CHECK(std::filesystem::is_character_file("/dev/null"));
  DOCTEST_CHECK_THROWS_WITH_AS(write_file(folder.path(), "x"),
                               (folder.path().string() + end + "a folder").c_str(), Error);
}

DOCTEST_TEST_CASE("a full disk is named, and neither the old file nor its folder suffers") {
  // RLIMIT_FSIZE is as good as a full disk: the write comes back short, then fails.
  const TemporaryFolder folder;
  const auto file = folder.path() / "result";
  write_file(file, "old");
  const pid_t child = fork();
  if (child == 0) {
    const rlimit limit{.rlim_cur = 1000, .rlim_max = 1000};
    setrlimit(RLIMIT_FSIZE, &limit);
    std::signal(SIGXFSZ, SIG_IGN);
    try {
      write_file(file, std::string(5000, 'x'));
      _exit(1);
    } catch (const Error& error) {
      _exit(error.what() == file.string() + ": cannot be written: File too large" ? 0 : 2);
    }
  }
  int status = -1;
  waitpid(child, &status, 0);
  DOCTEST_CHECK(status == 0);
  DOCTEST_CHECK(read_file(file) == "old");
  DOCTEST_CHECK_FALSE(std::filesystem::exists(file.string() + ".part"));
}

DOCTEST_TEST_CASE("root follows its own links to folders and nobody else's") {
  const TemporaryFolder folder;
  const auto target = folder.path() / "target";
  const auto link = folder.path() / "checkpoint";
  make_folder(target);
  std::filesystem::create_directory_symlink("target", link);
  write_file(link / "mine", "x");
  DOCTEST_CHECK(read_file(target / "mine") == "x");
  if (geteuid() != 0) {
    DOCTEST_MESSAGE("SKIPPED: only root can give a link away");
    return;
  }
  DOCTEST_REQUIRE(lchown(link.c_str(), 65534, 65534) == 0);
  DOCTEST_CHECK_THROWS_WITH_AS(
      write_file(link / "agent.json", "x"),
      (link.string() + ": cannot use this folder: expected a folder at 'checkpoint', found a "
                       "symbolic link of user 65534")
          .c_str(),
      Error);
  DOCTEST_CHECK_FALSE(std::filesystem::exists(target / "agent.json"));
}

DOCTEST_TEST_CASE("a file is removed only while it is the one that is open") {
  const TemporaryFolder temporary;
  const Folder folder(temporary.path());
  const auto file = temporary.path() / "state";
  write_file(file, "old");
  const int descriptor = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  write_file(file, "new");
  DOCTEST_CHECK(remove_from(folder.descriptor(), "state", descriptor) == ESTALE);
  DOCTEST_CHECK(read_file(file) == "new");
  std::filesystem::remove(file);
  DOCTEST_CHECK(remove_from(folder.descriptor(), "state", descriptor) == 0);
  close(descriptor);
}

DOCTEST_TEST_CASE("why a folder cannot be used is told by its number too") {
  const TemporaryFolder temporary;
  const auto reason = [](const std::filesystem::path& path) {
    try {
      const Folder folder(path, Folder::IfMissing::kFail);
    } catch (const FolderError& error) {
      return error.reason();
    }
    return 0;
  };
  write_file(temporary.path() / "file", "");
  std::filesystem::create_directory_symlink("file", temporary.path() / "link");
  DOCTEST_CHECK(reason(temporary.path() / "none") == ENOENT);
  DOCTEST_CHECK(reason(temporary.path() / "file") == ENOTDIR);
  DOCTEST_CHECK(reason(temporary.path() / "link") == ENOTDIR);
  DOCTEST_CHECK(reason(temporary.path() / std::string(300, 'x')) == ENAMETOOLONG);
  DOCTEST_CHECK(reason(temporary.path()) == 0);
}

DOCTEST_TEST_CASE("links that lead in a circle end in a line") {
  const TemporaryFolder folder;
  std::filesystem::create_directory_symlink("b", folder.path() / "a");
  std::filesystem::create_directory_symlink("a", folder.path() / "b");
  DOCTEST_CHECK_THROWS_AS(make_folder(folder.path() / "a" / "c"), Error);
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
  DOCTEST_CHECK(printable("h\xC3\xB6he, \xE6\x97\xA5") == "h\xC3\xB6he, \xE6\x97\xA5");
  DOCTEST_CHECK(printable("\xFF\xC2\x9B") == "\\xff\\xc2\\x9b");
  DOCTEST_CHECK(printable("abc", 3) == "abc");
  DOCTEST_CHECK(printable("abcd", 3) == "abc...");
  DOCTEST_CHECK(printable("ab\u00e4d", 3) == "ab...");
}

}  // namespace
}  // namespace rein
