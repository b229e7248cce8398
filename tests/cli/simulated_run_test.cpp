// `rein run` on a simulated board, with the real program.
#include <doctest/doctest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/process.hpp"
#include "support/run_files.hpp"
#include "support/simulated_run_files.hpp"

namespace rein {
namespace {

const std::string kProgram = REIN_PROGRAM;

/// Runs to the end, and returns the output folder.
std::filesystem::path run(const std::filesystem::path& file, const std::filesystem::path& output,
                          std::vector<std::string> more = {}) {
  std::vector<std::string> command = {kProgram, "run", file.string(), "--output", output.string()};
  command.insert(command.end(), more.begin(), more.end());
  Process process(command);
  const int status = process.wait();
  DOCTEST_CAPTURE(process.errors());
  DOCTEST_REQUIRE(status == 0);
  return output;
}

DOCTEST_TEST_CASE("a simulated run writes all its files, and the same ones for the same seed") {
  const SimulatedRunFiles files;
  const auto first = run(files.run(), files.folder.path() / "first");
  const auto second = run(files.run(), files.folder.path() / "second");
  const auto other = run(files.run(), files.folder.path() / "other", {"--seed", "2"});
  for (const std::string file :
       {"trace.csv", "trace.yaml", "summary.json", "config.yaml", "machine.json"}) {
    DOCTEST_CAPTURE(file);
    DOCTEST_CHECK(read_file(first / file) == read_file(second / file));
  }
  DOCTEST_CHECK(read_file(first / "trace.csv") != read_file(other / "trace.csv"));
  DOCTEST_CHECK(std::filesystem::exists(first / "checkpoint" / "agent.json"));
  const auto summary = nlohmann::json::parse(read_file(first / "summary.json"));
  DOCTEST_CHECK(summary["ended"] == "completed");
  DOCTEST_CHECK(summary["periods"] == 80);
  DOCTEST_CHECK(summary["decision_us"]["p99"] == 0.0);
  const auto machine = nlohmann::json::parse(read_file(first / "machine.json"));
  DOCTEST_CHECK(machine["platform"] == "simulated");
  DOCTEST_CHECK(machine["simulated"][0] == "small");
}

DOCTEST_TEST_CASE("a simulated run is repeated from what it left behind alone") {
  SimulatedRunFiles files;
  const TemporaryFolder elsewhere;
  const auto first = run(files.run(), elsewhere.path() / "first", {"--seed", "3"});
  for (const auto& file : {files.run(), files.board(), files.network(), files.scenario()}) {
    std::filesystem::remove(file);
  }
  const auto again = run(first / "config.yaml", elsewhere.path() / "again");
  DOCTEST_CHECK(read_file(first / "trace.csv") == read_file(again / "trace.csv"));
  DOCTEST_CHECK(read_file(first / "config.yaml") == read_file(again / "config.yaml"));
}

DOCTEST_TEST_CASE(
    "a run with recorded arrivals, its own or its scenario's, is repeated elsewhere") {
  for (const bool by_scenario : {false, true}) {
    DOCTEST_CAPTURE(by_scenario);
    SimulatedRunFiles files;
    write_file(files.folder.path() / "times.csv", "arrival_s\n0\n0.1\n0.11\n0.5\n");
    RunFiles::edit(by_scenario ? files.scenario() : files.run(),
                   by_scenario ? "name: test\n" : "arrival: poisson,",
                   by_scenario ? "name: test\narrival: recorded\nrecording: times.csv\n"
                               : "arrival: recorded, recording: times.csv,");
    const TemporaryFolder elsewhere;
    const auto first = run(files.run(), elsewhere.path() / "first");
    const auto again = run(first / "config.yaml", elsewhere.path() / "again");
    DOCTEST_CHECK(read_file(first / "trace.csv") == read_file(again / "trace.csv"));
    DOCTEST_CHECK(read_file(first / "trace.csv").find(",recorded,") != std::string::npos);
    Process report({REIN_PROGRAM, "report", first.string()});
    DOCTEST_CHECK(report.wait() == 0);
  }
}

DOCTEST_TEST_CASE(
    "a run with a profile in an odd folder was not to be repeated from its config.yaml") {
  for (const std::string name : {"a #b: {c}", "null", " x ", "it's \"\\x\"", "\xE9\n~"}) {
    DOCTEST_CAPTURE(name);
    const SimulatedRunFiles files;
    const auto folder = files.folder.path() / name;
    std::filesystem::create_directory(folder);
    Process profile({REIN_PROGRAM, "profile", files.run().string(), "--periods", "1", "--output",
                     (folder / "p.csv").string()});
    DOCTEST_REQUIRE(profile.wait() == 0);
    for (const auto& file : {files.run(), files.board(), files.network(), files.scenario()}) {
      std::filesystem::rename(file, folder / file.filename());
    }
    const auto first = run(folder / files.run().filename(), files.folder.path() / "first",
                           {"--agent", "alert", "--set", "agent.profile=p.csv", "--duration", "1"});
    const auto again = run(first / "config.yaml", files.folder.path() / "again");
    DOCTEST_CHECK(read_file(first / "config.yaml") == read_file(again / "config.yaml"));
    DOCTEST_CHECK(read_file(first / "trace.csv") == read_file(again / "trace.csv"));
  }
}

DOCTEST_TEST_CASE("an oracle and the best static configuration are played, and go on") {
  const SimulatedRunFiles files;
  for (const std::string agent : {"oracle", "best_static"}) {
    DOCTEST_CAPTURE(agent);
    const auto output = run(files.run(), files.folder.path() / agent, {"--agent", agent});
    const auto summary = nlohmann::json::parse(read_file(output / "summary.json"));
    DOCTEST_CHECK(summary["agent"] == agent);
    DOCTEST_CHECK(summary["explored_periods"] == 0);
    run(files.run(), files.folder.path() / (agent + "-more"),
        {"--agent", agent, "--load", (output / "checkpoint").string()});
  }
}

DOCTEST_TEST_CASE(
    "a shield on a simulated board is there if it is asked for, and counts what it does") {
  const SimulatedRunFiles files;
  const auto interventions = [&](const std::string& name, const std::vector<std::string>& more) {
    const auto output = run(files.run(), files.folder.path() / name, more);
    const auto shield = nlohmann::json::parse(read_file(output / "summary.json"))["shield"];
    int sum = 0;
    for (const int count : shield["by_reason"]) {
      sum += count;
    }
    DOCTEST_CHECK(shield["interventions"] == sum);
    return sum;
  };
  // What looks at the mask before it draws need not be stopped.
  const std::vector<std::string> busy = {"--agent", "governor", "--set",
                                         "applications.0.requests.rate_hz=90"};
  DOCTEST_CHECK(interventions("bare", busy) == 0);
  auto shielded = busy;
  shielded.insert(shielded.end(), {"--set", "shield=true"});
  DOCTEST_CHECK(interventions("shielded", shielded) > 0);

  Process process(
      {kProgram, "run", files.run().string(), "--dry-run", "--set", "shield={hold: 1}"});
  DOCTEST_CHECK(process.wait() == 3);
  DOCTEST_CHECK(process.errors().find("shield.hold") != std::string::npos);
}

DOCTEST_TEST_CASE("a dry run on a simulated board says so, and leaves nothing behind") {
  const SimulatedRunFiles files;
  Process process({kProgram, "run", files.run().string(), "--dry-run"});
  DOCTEST_CHECK(process.wait() == 0);
  const std::string output = process.output();
  DOCTEST_CHECK(output.find("small (simulated)") != std::string::npos);
  DOCTEST_CHECK(output.find("busy") != std::string::npos);
  DOCTEST_CHECK(output.find("frequency.cpu") != std::string::npos);
}

DOCTEST_TEST_CASE("an oracle on a real machine is refused in one line before anything is played") {
  const RunFiles files;
  Process process({kProgram, "run", files.run().string(), "--agent", "oracle", "--dry-run",
                   "--log-level", "error"});
  const int status = process.wait();
  const std::string errors = process.errors();
  DOCTEST_CAPTURE(errors);
  DOCTEST_CHECK(errors.find('\n') == errors.size() - 1);
  DOCTEST_CHECK(status == 3);
  DOCTEST_CHECK(errors ==
                "rein: --agent oracle: agent.kind: oracle needs a simulated board: `platform: "
                "{kind: simulated}`\n");
}

}  // namespace
}  // namespace rein
