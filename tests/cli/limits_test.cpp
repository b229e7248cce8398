// What becomes of the program where it may have little of something.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "common/files.hpp"
#include "common/parallel.hpp"
#include "support/process.hpp"
#include "support/sanitized.hpp"
#include "support/simulated_run_files.hpp"
#include "support/temporary_tree.hpp"

namespace rein {
namespace {

using Words = std::vector<std::string>;

struct Limited {
  Limited(const std::string& limit, const Words& words) : process(with(limit, words)) {
    status = process.wait();
  }
  static Words with(const std::string& limit, const Words& words) {
    Words shell = {"/bin/sh", "-c", "ulimit -S " + limit + "; exec \"$0\" \"$@\""};
    shell.insert(shell.end(), words.begin(), words.end());
    return shell;
  }
  /// The program has not begun: the loader ends it, and says so in many ways.
  bool is_not_loaded() const { return status == 127; }

  Process process;
  int status = 0;
};

/// What a killed run left, to be put back.
struct Leftover {
  Leftover() {
    tree.write("/sys/governor", "userspace\n");
    tree.write("/var/lib/rein/state",
               "rein-state 1 4711 boot\nvalue " + governor() + "\tondemand\n");
    std::filesystem::permissions(tree.root().resolve("/var/lib/rein/state"),
                                 std::filesystem::perms::owner_read);
  }
  std::string governor() const { return tree.root().resolve("/sys/governor").string(); }
  Words restore() const { return {REIN_PROGRAM, "restore", "--sysfs-root", tree.path().string()}; }

  test::TemporaryTree tree;
};

const std::string kOutOfMemory =
    "rein: out of memory: end other programs, or raise the limit (`ulimit -v`)\n";

DOCTEST_TEST_CASE("a program that may have little memory does what it does, and ends") {
  if (test::is_skipped_when_sanitized()) {
    return;
  }
  // From what is too little for the threads of libraries to what is enough for them.
  for (const char* kib : {"20000", "30000", "60000", "80000", "100000", "150000", "250000"}) {
    DOCTEST_CAPTURE(kib);
    const Leftover leftover;
    const Limited limited(std::string("-v ") + kib, leftover.restore());
    if (limited.status == 1) {
      DOCTEST_CHECK(limited.process.errors() == kOutOfMemory);
      DOCTEST_CHECK(leftover.tree.exists("/var/lib/rein/state"));
    } else if (!limited.is_not_loaded()) {
      DOCTEST_CHECK(limited.status == 0);
      DOCTEST_CHECK(leftover.tree.read("/sys/governor") == "ondemand");
    }
  }
}

DOCTEST_TEST_CASE("computing with matrices without the memory for it ends with one line") {
  if (test::is_skipped_when_sanitized()) {
    return;
  }
  int num_refused = 0;
  for (const char* kib : {"20000", "25000", "30000", "40000", "80000", "150000"}) {
    DOCTEST_CAPTURE(kib);
    const SimulatedRunFiles files;
    const Limited limited(std::string("-v ") + kib,
                          {REIN_PROGRAM, "train", files.run().string(), "--agent", "model_based",
                           "--episodes", "2", "--duration", "2", "--validate-every", "2",
                           "--output", (files.folder.path() / "out").string()});
    if (limited.is_not_loaded() || limited.status == 0) {
      continue;
    }
    ++num_refused;
    DOCTEST_CHECK(limited.status == 1);
    DOCTEST_CHECK(limited.process.errors().ends_with(kOutOfMemory));
  }
  DOCTEST_MESSAGE("refused " << num_refused << " of 6");
}

DOCTEST_TEST_CASE("serving without the memory for it ends with one line, whatever lacks it") {
  if (test::is_skipped_when_sanitized()) {
    return;
  }
  const std::string network = REIN_SOURCE_DIR "/models/trained/fashion-mnist.rein";
  int num_refused = 0;
  for (const char* kib :
       {"20000", "30000", "50000", "70000", "80000", "90000", "120000", "180000", "400000"}) {
    DOCTEST_CAPTURE(kib);
    const Limited limited(
        std::string("-v ") + kib,
        {REIN_PROGRAM, "network", "benchmark", REIN_SOURCE_DIR "/models/trained/fashion-mnist.rein",
         "--batch", "8", "--repeat", "10"});
    if (limited.is_not_loaded() || limited.status == 0) {
      continue;
    }
    ++num_refused;
    const std::string said = limited.process.errors();
    DOCTEST_CHECK(limited.status == 1);
    DOCTEST_CHECK(std::ranges::count(said, '\n') == 1);
    DOCTEST_CHECK(said.find("memory") != std::string::npos);
  }
  DOCTEST_MESSAGE("refused " << num_refused << " of 9");
  DOCTEST_CHECK(num_refused > 2);
}

DOCTEST_TEST_CASE("a file that may not be as long as it has to be is an error, and no signal") {
  // In blocks of 512 bytes, or of 1024 with other shells.
  for (const char* limit : {"-f 0", "-f 1"}) {
    DOCTEST_CAPTURE(limit);
    const SimulatedRunFiles files;
    const Limited limited(limit, {REIN_PROGRAM, "run", files.run().string(), "--output",
                                  (files.folder.path() / "out").string()});
    DOCTEST_CHECK(limited.status == 1);
  }
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    lines.push_back(line);
  }
  return lines;
}

DOCTEST_TEST_CASE("what failed after a run's own error was told before it, or not at all") {
  const SimulatedRunFiles files;
  const auto run = [&](const std::string& name, std::optional<rlim_t> largest_file) {
    Process process({REIN_PROGRAM, "run", files.run().string(), "--log-level", "off", "--output",
                     (files.folder.path() / name).string()},
                    largest_file);
    const int status = process.wait();
    return std::pair(status, lines_of(process.errors()));
  };
  DOCTEST_REQUIRE(run("whole", std::nullopt).first == 0);
  const auto size = [&](const std::string& name) {
    return std::filesystem::file_size(files.folder.path() / "whole" / name);
  };
  // What comes first fits, the trace does not; a summary and a checkpoint have no place.
  const rlim_t limit =
      std::max({size("config.yaml"), size("machine.json"), size("trace.yaml")}) + 1;
  DOCTEST_REQUIRE(limit < size("trace.csv"));
  for (const std::string file : {"summary.json", "checkpoint/agent.json"}) {
    std::filesystem::create_directories(files.folder.path() / "cut" / file);
  }
  const auto [status, lines] = run("cut", limit);
  DOCTEST_CHECK(status == 1);
  DOCTEST_REQUIRE(lines.size() == 3);
  DOCTEST_CHECK(lines[0] == "rein: trace.csv: a row cannot be written: File too large");
  DOCTEST_CHECK(lines[1].find("summary.json: cannot be written") != std::string::npos);
  DOCTEST_CHECK(lines[2].find("agent.json: cannot be written") != std::string::npos);
}

DOCTEST_TEST_CASE("a summary that could not be written took the checkpoint with it") {
  const SimulatedRunFiles files;
  const auto output = files.folder.path() / "out";
  std::filesystem::create_directories(output / "summary.json");
  Process process({REIN_PROGRAM, "run", files.run().string(), "--output", output.string()});
  DOCTEST_CHECK(process.wait() == 1);
  DOCTEST_CHECK(lines_of(process.errors()).size() == 1);
  DOCTEST_CHECK(process.errors().find("summary.json: cannot be written") != std::string::npos);
  DOCTEST_CHECK(std::filesystem::exists(output / "checkpoint" / "agent.json"));
}

DOCTEST_TEST_CASE("episodes that failed were not told where the report could not be written") {
  const SimulatedRunFiles files;
  const auto output = files.folder.path() / "out";
  std::filesystem::create_directories(output / "report.html");
  write_file(output / "runs", "");
  Process process({REIN_PROGRAM, "evaluate", files.run().string(), "--agents", "random", "--seeds",
                   "1", "--traces", "--output", output.string()});
  DOCTEST_CHECK(process.wait() == 1);
  const auto lines = lines_of(process.errors());
  DOCTEST_REQUIRE(lines.size() == 3);
  DOCTEST_CHECK(lines[0].starts_with("rein: small, test, random, seed 1: "));
  DOCTEST_CHECK(lines[1].starts_with("rein: small, test, oracle, seed 1: "));
  DOCTEST_CHECK(lines[2].find("report.html: cannot be written") != std::string::npos);
}

DOCTEST_TEST_CASE("a stack that is too small is told before it is used") {
  const Leftover leftover;
  const Limited limited("-s 128", leftover.restore());
  DOCTEST_CHECK(limited.status == 1);
  DOCTEST_CHECK(limited.process.errors() ==
                "rein: expected at least 256 KiB of stack (`ulimit -s`), found 128\n");
}

DOCTEST_TEST_CASE("few open files are an error of what needs them, and nothing is left") {
  if (test::is_skipped_when_sanitized()) {
    return;
  }
  for (int limit = 4; limit <= 24; limit += 2) {
    DOCTEST_CAPTURE(limit);
    const Leftover leftover;
    const Limited limited("-n " + std::to_string(limit), leftover.restore());
    if (limited.is_not_loaded()) {
      continue;
    }
    DOCTEST_CHECK(limited.status <= 1);
    const bool is_done = leftover.tree.read("/sys/governor") == "ondemand";
    DOCTEST_CHECK(is_done == (limited.status == 0));
    DOCTEST_CHECK(is_done != leftover.tree.exists("/var/lib/rein/state"));
    DOCTEST_CHECK(std::ranges::count(limited.process.errors(), '\n') == limited.status);
  }
}

DOCTEST_TEST_CASE("what one of many pieces of work throws comes out, and no other begins") {
  for (const std::size_t jobs : {1U, 3U}) {
    std::atomic<std::size_t> num_begun = 0;
    const auto work = [&](std::size_t i) {
      ++num_begun;
      if (i == 2) {
        throw std::runtime_error("third");
      }
    };
    DOCTEST_CHECK_THROWS_WITH_AS(run_parallel(1'000'000, jobs, work), "third", std::runtime_error);
    DOCTEST_CHECK(num_begun < 1'000'000);
  }
}

DOCTEST_TEST_CASE("where there may be no more threads the work is done all the same") {
  if (test::is_skipped_when_sanitized()) {
    return;
  }
  const pid_t child = fork();
  if (child == 0) {
    // There is no room for the stack of another one.
    const rlimit nothing_more{1 << 20, RLIM_INFINITY};
    setrlimit(RLIMIT_AS, &nothing_more);
    std::atomic<std::size_t> count = 0;
    run_parallel(100, 4, [&](std::size_t) { ++count; });
    _exit(count == 100 ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  DOCTEST_CHECK(status == 0);
}

}  // namespace
}  // namespace rein
