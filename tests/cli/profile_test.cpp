// `rein profile` and the agents that start from one, with the real program on a simulated board.
#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "support/process.hpp"
#include "support/simulated_run_files.hpp"

namespace rein {
namespace {

struct Outcome {
  int status;
  std::string output;
  std::string errors;
};

Outcome rein(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), REIN_PROGRAM);
  Process process(arguments);
  const int status = process.wait();
  return {status, process.output(), process.errors()};
}

DOCTEST_TEST_CASE("a profile has a row for each configuration, the same for the same seed") {
  const SimulatedRunFiles files;
  const std::string first = (files.folder.path() / "first.csv").string();
  const std::string second = (files.folder.path() / "second.csv").string();
  const auto outcome = rein({"profile", files.run().string(), "--output", first});
  DOCTEST_CHECK(outcome.status == 0);
  DOCTEST_CHECK(outcome.output == first + "\n");
  rein({"profile", files.run().string(), "--output", second});
  const std::string text = read_file(first);
  DOCTEST_CHECK(text == read_file(second));
  DOCTEST_CHECK(text.starts_with("action,width.app,mapping.app,"));
  // Two widths, places and clocks, and three bandwidths.
  DOCTEST_CHECK(std::ranges::count(text, '\n') == 1 + 2 * 2 * 2 * 3);
}

DOCTEST_TEST_CASE("a profile is not written over, and has to be of this run") {
  const SimulatedRunFiles files;
  const std::string csv = (files.folder.path() / "profile.csv").string();
  DOCTEST_REQUIRE(rein({"profile", files.run().string(), "--output", csv}).status == 0);
  DOCTEST_CHECK(rein({"profile", files.run().string(), "--output", csv}).status == 2);

  const std::string use = "agent={kind: alert, profile: profile.csv}";
  DOCTEST_CHECK(rein({"run", files.run().string(), "--set", use, "--output",
                      (files.folder.path() / "run").string()})
                    .status == 0);
  // Also from its own effective configuration, which lies elsewhere.
  DOCTEST_CHECK(rein({"run", (files.folder.path() / "run" / "config.yaml").string(), "--output",
                      (files.folder.path() / "again").string()})
                    .status == 0);
  DOCTEST_CHECK(read_file(files.folder.path() / "run" / "trace.csv") ==
                read_file(files.folder.path() / "again" / "trace.csv"));
  const auto other = rein({"run", files.run().string(), "--set", use, "--set",
                           "controls={bandwidth: false}", "--dry-run"});
  DOCTEST_CHECK(other.status == 3);
  DOCTEST_CHECK(other.errors.find("profile.csv:1: expected the columns") != std::string::npos);
}

DOCTEST_TEST_CASE("rivals without a profile get the best one there is, and play alike each time") {
  const SimulatedRunFiles files;
  for (const std::string agent :
       {"governor", "alert", "poet", "slackfit", "fulcrum", "prime_q", "ztt"}) {
    DOCTEST_CAPTURE(agent);
    const auto output = files.folder.path() / agent;
    DOCTEST_REQUIRE(
        rein({"run", files.run().string(), "--agent", agent, "--output", (output / "one").string()})
            .status == 0);
    DOCTEST_REQUIRE(rein({"run", files.run().string(), "--agent", agent, "--output",
                          (output / "other").string()})
                        .status == 0);
    DOCTEST_CHECK(read_file(output / "one" / "trace.csv") ==
                  read_file(output / "other" / "trace.csv"));
  }
}

/// It runs `rein`, which catches the signal.
bool catches(pid_t pid, int signal) {
  const std::string process = "/proc/" + std::to_string(pid);
  if (std::filesystem::read_symlink(process + "/exe").filename() != "rein") {
    return false;
  }
  const std::string status = read_file(process + "/status");
  const std::string key = "SigCgt:\t";
  const auto mask = std::stoull(status.substr(status.find(key) + key.size()), nullptr, 16);
  return (mask >> (signal - 1) & 1U) != 0;
}

DOCTEST_TEST_CASE("a profile that is interrupted is written as far as it came") {
  const SimulatedRunFiles files;
  const std::string csv = (files.folder.path() / "profile.csv").string();
  Process process(
      {REIN_PROGRAM, "profile", files.run().string(), "--output", csv, "--periods", "1000000"});
  // It takes minutes, so it is still at it when it has begun to catch the signal.
  while (!catches(process.pid(), SIGINT)) {
    std::this_thread::yield();
  }
  process.send(SIGINT);
  DOCTEST_CHECK(process.wait() == 130);
  DOCTEST_CHECK(process.errors().find("of 24 configurations were measured") != std::string::npos);
  DOCTEST_CHECK(std::filesystem::exists(csv));
}

DOCTEST_TEST_CASE("a profile that was interrupted could not be gone on with") {
  const SimulatedRunFiles files;
  const std::string csv = (files.folder.path() / "profile.csv").string();
  const std::vector<std::string> command = {REIN_PROGRAM, "profile", files.run().string(),
                                            "--output", csv};
  auto resumed = command;
  resumed.emplace_back("--resume");
  Process early(resumed);
  DOCTEST_CHECK(early.wait() == 2);
  DOCTEST_CHECK(early.errors().find("--resume: expected a profile that was begun") !=
                std::string::npos);
  DOCTEST_REQUIRE(Process(command).wait() == 0);
  const std::string whole = read_file(csv);
  // As if it had been interrupted after the tenth.
  std::size_t end = 0;
  for (int i = 0; i < 11; ++i) {
    end = whole.find('\n', end) + 1;
  }
  write_file(csv, whole.substr(0, end));
  DOCTEST_CHECK(Process(command).wait() == 2);
  DOCTEST_CHECK(Process(resumed).wait() == 0);
  const std::string again = read_file(csv);
  DOCTEST_CHECK(again.starts_with(whole.substr(0, end)));
  DOCTEST_CHECK(std::ranges::count(again, '\n') == std::ranges::count(whole, '\n'));
  // Nothing is left to do.
  DOCTEST_CHECK(Process(resumed).wait() == 0);
  DOCTEST_CHECK(read_file(csv) == again);
}

}  // namespace
}  // namespace rein
