// `rein train` with the real program: what it writes can be run, gone on with, and looked at.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "common/csv_table.hpp"
#include "common/error.hpp"
#include "study/report/training_page.hpp"
#include "study/training/recorded_trace.hpp"
#include "study/training/trainer.hpp"
#include "study/training/training_plan.hpp"
#include "support/process.hpp"
#include "support/run_files.hpp"
#include "support/simulated_run_files.hpp"

namespace rein {
namespace {

namespace fs = std::filesystem;

const std::string kProgram = REIN_PROGRAM;
const std::string kXavier = REIN_SOURCE_DIR "/configs/runs/jetson-xavier-nx.yaml";

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

struct Result {
  int status = 0;
  std::string output;
  std::string errors;
};

Result rein(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), kProgram);
  Process process(arguments);
  const int status = process.wait();
  return {status, process.output(), process.errors()};
}

/// A few short episodes.
Result train(const std::string& file, const fs::path& output, const std::string& episodes,
             const std::vector<std::string>& more = {}) {
  std::vector<std::string> arguments = {
      "train", file,         "--episodes", episodes,   "--environments", "2", "--validate-every",
      "4",     "--duration", "2",          "--output", output.string()};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return rein(arguments);
}

/// The learning curve but for the time that it took.
std::string curve_in(const fs::path& folder) {
  std::string text;
  std::string line;
  for (const char c : read_file(folder / "training.csv")) {
    line += c;
    if (c == '\n') {
      text += line.substr(0, line.rfind(',')) + "\n";
      line.clear();
    }
  }
  return text;
}

DOCTEST_TEST_CASE("what was trained near a board runs on the board, and learns on") {
  const TemporaryFolder folder;
  const fs::path output = folder.path() / "trained";
  const Result result = train(kXavier, output, "8");
  DOCTEST_CAPTURE(result.errors);
  DOCTEST_REQUIRE(result.status == 0);
  DOCTEST_CHECK(result.errors.empty());  // No progress bar where there is no terminal.
  DOCTEST_CHECK(contains(result.output, "episodes  periods   reward  top-1 %"));
  DOCTEST_CHECK(contains(result.output, "after 8 episodes: " + (output / "agent.json").string()));
  for (const char* const file :
       {"agent.json", "best/agent.json", "training.json", "training.csv", "config.yaml",
        "config/jetson-xavier-nx.yaml", "machine.json", "report.html"}) {
    DOCTEST_CAPTURE(file);
    DOCTEST_CHECK(fs::is_regular_file(output / file));
  }

  // In the nominal board, and in a scenario with a battery, which no phase of the run's own has.
  for (const auto& checkpoint : {output, output / "best" / "agent.json"}) {
    const fs::path run = folder.path() / ("run-" + checkpoint.stem().string());
    const std::string scenario = REIN_SOURCE_DIR "/configs/scenarios/battery.yaml";
    const Result resumed = rein({"run", kXavier, "--load", checkpoint.string(), "--duration", "2",
                                 "--set", "scenario=" + scenario, "--output", run.string()});
    DOCTEST_CAPTURE(resumed.errors);
    DOCTEST_CHECK(resumed.status == 0);
    DOCTEST_CHECK(read_file(run / "checkpoint" / "agent.json") != read_file(output / "agent.json"));
  }
}

DOCTEST_TEST_CASE("a training that is gone on with is to the bit one in one piece") {
  const SimulatedRunFiles files;
  const fs::path whole = files.folder.path() / "whole";
  const fs::path parts = files.folder.path() / "parts";
  DOCTEST_REQUIRE(train(files.run().string(), whole, "8", {"--jobs", "1"}).status == 0);
  DOCTEST_REQUIRE(train(files.run().string(), parts, "4", {"--jobs", "2"}).status == 0);
  const Result again = train(files.run().string(), parts, "8");
  DOCTEST_CHECK(again.status == 2);
  DOCTEST_CHECK(contains(again.errors, "expected a folder without a training"));
  const Result other = train(files.run().string(), parts, "8", {"--resume", "--seed", "7"});
  DOCTEST_CHECK(other.status == 3);
  DOCTEST_CHECK(contains(other.errors, "expected the training of the same run files"));
  DOCTEST_CHECK(train(files.run().string(), parts, "8", {"--resume"}).status == 0);
  DOCTEST_CHECK(read_file(parts / "agent.json") == read_file(whole / "agent.json"));
  DOCTEST_CHECK(curve_in(parts) == curve_in(whole));
}

DOCTEST_TEST_CASE("several runs with the same knobs and features are trained for together") {
  const SimulatedRunFiles files;
  const fs::path faster = files.folder.path() / "faster.yaml";
  write_file(faster, SimulatedRunFiles::kRun);
  RunFiles::edit(faster, "rate_hz: 30", "rate_hz: 50");
  const fs::path output = files.folder.path() / "out";
  DOCTEST_CHECK(train(files.run().string(), output, "4", {faster.string()}).status == 0);
  DOCTEST_CHECK(fs::exists(output / "config" / "small.yaml"));
  DOCTEST_CHECK(fs::exists(output / "config" / "faster.yaml"));
}

DOCTEST_TEST_CASE("an interrupted training ends well, and can be gone on with") {
  const SimulatedRunFiles files;
  const fs::path output = files.folder.path() / "out";
  Process process({kProgram, "train", files.run().string(), "--episodes", "100000000", "--output",
                   output.string()});
  while (!fs::exists(output / "best" / "agent.json")) {
    std::this_thread::yield();
  }
  process.send(SIGINT);
  DOCTEST_CHECK(process.wait() == 130);
  DOCTEST_CHECK(contains(process.errors(), "rein: interrupted: "));
  DOCTEST_CHECK(fs::exists(output / "agent.json"));
  DOCTEST_CHECK(fs::exists(output / "report.html"));
  // Beyond what is reached, there is nothing left to do but to say so.
  DOCTEST_CHECK(rein({"train", files.run().string(), "--episodes", "1", "--resume", "--output",
                      output.string()})
                    .status == 0);
}

DOCTEST_TEST_CASE("an agent learns from the traces of another") {
  const SimulatedRunFiles files;
  const fs::path run = files.folder.path() / "run";
  DOCTEST_REQUIRE(
      rein({"run", files.run().string(), "--agent", "random", "--output", run.string()}).status ==
      0);
  const std::string trace = (run / "trace.csv").string();
  const fs::path output = files.folder.path() / "out";
  const Result result = train(files.run().string(), output, "4", {"--trace", trace});
  DOCTEST_CAPTURE(result.errors);
  DOCTEST_REQUIRE(result.status == 0);
  DOCTEST_CHECK(contains(result.errors, "worse than no training at all"));
  DOCTEST_CHECK(contains(result.errors, "--environments has no effect"));
  // The folder of the run is as good.
  const fs::path again = files.folder.path() / "again";
  DOCTEST_REQUIRE(train(files.run().string(), again, "4", {"--trace", run.string()}).status == 0);
  DOCTEST_CHECK(read_file(again / "agent.json") == read_file(output / "agent.json"));
  // Each time it is shown, one transition fewer than it has periods.
  const std::string rows = read_file(trace);
  const auto periods = std::ranges::count(rows, '\n') - 1;
  DOCTEST_CHECK(contains(curve_in(output), "\n4," + std::to_string(4 * (periods - 1)) + ","));
  DOCTEST_CHECK(rein({"run", files.run().string(), "--load", output.string(), "--duration", "1",
                      "--output", (files.folder.path() / "on").string()})
                    .status == 0);
}

DOCTEST_TEST_CASE("a model-based agent is taught by machines that are swept, and learns on") {
  const TemporaryFolder folder;
  const fs::path whole = folder.path() / "whole";
  const fs::path parts = folder.path() / "parts";
  const auto teach = [](const fs::path& output, const std::string& episodes,
                        const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"--agent", "model_based"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Result result = train(kXavier, output, episodes, arguments);
    DOCTEST_CAPTURE(result.errors);
    DOCTEST_REQUIRE(result.status == 0);
  };
  teach(whole, "48", {"--jobs", "2"});
  teach(parts, "24", {"--jobs", "1"});
  const std::string first = read_file(parts / "agent.json");
  const fs::path run = folder.path() / "run";
  const Result loaded = rein({"run", kXavier, "--agent", "model_based", "--load", parts.string(),
                              "--duration", "2", "--output", run.string()});
  DOCTEST_CAPTURE(loaded.errors);
  DOCTEST_CHECK(loaded.status == 0);
  DOCTEST_CHECK(read_file(run / "checkpoint" / "agent.json") != first);
  teach(parts, "48", {"--resume"});
  DOCTEST_CHECK(read_file(parts / "agent.json") != first);
  DOCTEST_CHECK(read_file(parts / "agent.json") == read_file(whole / "agent.json"));
  DOCTEST_CHECK(curve_in(parts) == curve_in(whole));
}

/// A profile of the run, in a file beside it.
fs::path profile_of(const fs::path& run, const std::string& name,
                    const std::vector<std::string>& more = {}) {
  fs::path file = run.parent_path() / name;
  std::vector<std::string> arguments = {"profile", run.string(), "--output", file.string()};
  arguments.insert(arguments.end(), more.begin(), more.end());
  DOCTEST_REQUIRE(rein(arguments).status == 0);
  return file;
}

DOCTEST_TEST_CASE(
    "a training near a machine that was measured says how near, and can be gone on with") {
  const SimulatedRunFiles files;
  const std::string run = files.run().string();
  const std::string board = read_file(files.board());
  RunFiles::edit(files.board(), "compute_ms: 8", "compute_ms: 12");
  const std::string profile = profile_of(files.run(), "profile.csv").string();
  RunFiles::edit(files.board(), "compute_ms: 12", "compute_ms: 12.1");
  const std::string other = profile_of(files.run(), "other.csv").string();
  write_file(files.board(), board);

  const fs::path whole = files.folder.path() / "whole";
  const fs::path parts = files.folder.path() / "parts";
  const Result first = train(run, whole, "8", {"--profile", profile});
  DOCTEST_CAPTURE(first.errors);
  DOCTEST_REQUIRE(first.status == 0);
  DOCTEST_CHECK(first.output.starts_with("calibrated to " + profile + ": mean error of service "));
  const std::string calibration = read_file(whole / "calibration.json");
  DOCTEST_CHECK(contains(calibration, "\"cpu.cnn.compute_ms\": {\n   \"before\": 8.0,"));
  DOCTEST_CHECK(contains(read_file(whole / "config.yaml"), profile));

  DOCTEST_REQUIRE(train(run, parts, "4", {"--profile", profile}).status == 0);
  for (const auto& without : {std::vector<std::string>{}, {"--profile", other}}) {
    std::vector<std::string> arguments = {"--resume"};
    arguments.insert(arguments.end(), without.begin(), without.end());
    const Result refused = train(run, parts, "8", arguments);
    DOCTEST_CHECK(refused.status == 3);
    DOCTEST_CHECK(contains(refused.errors, "expected the training of the same run files, profile"));
  }
  DOCTEST_CHECK(train(run, parts, "8", {"--resume", "--profile", profile}).status == 0);
  DOCTEST_CHECK(read_file(parts / "agent.json") == read_file(whole / "agent.json"));
  DOCTEST_CHECK(curve_in(parts) == curve_in(whole));

  const fs::path nominal = files.folder.path() / "nominal";
  DOCTEST_REQUIRE(train(run, nominal, "8").status == 0);
  DOCTEST_CHECK(curve_in(nominal) != curve_in(whole));
  DOCTEST_CHECK_FALSE(fs::exists(nominal / "calibration.json"));
}

/// The profile of a machine that no board of this kind can be like.
std::string with_wild_times(const std::string& profile) {
  CsvTable table = parse_csv(profile, "profile");
  const auto column = static_cast<std::size_t>(std::ranges::find(table.columns, "service_ms") -
                                               table.columns.begin());
  std::string text = fmt::format("{}\n", fmt::join(table.columns, ","));
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    auto cells = table.rows[i].cells;
    cells[column] = i % 3 == 0 ? "0.1" : "400";
    text += fmt::format("{}\n", fmt::join(cells, ","));
  }
  return text;
}

DOCTEST_TEST_CASE("a calibration that left most of the error went on in silence") {
  const SimulatedRunFiles files;
  const fs::path profile = profile_of(files.run(), "profile.csv");
  write_file(profile, with_wild_times(read_file(profile)));
  const fs::path output = files.folder.path() / "out";
  const Result refused = train(files.run().string(), output, "2", {"--profile", profile.string()});
  DOCTEST_CAPTURE(refused.errors);
  DOCTEST_CHECK(refused.status == 3);
  DOCTEST_CHECK(refused.errors.starts_with("rein: " + profile.string() +
                                           ": expected the profile of a machine that small can be "
                                           "made like to within 50 %, found mean error of"));
  DOCTEST_CHECK(contains(refused.errors, "--max-error "));
  DOCTEST_CHECK_FALSE(fs::exists(output));
  const Result doubted = train(files.run().string(), output, "2",
                               {"--profile", profile.string(), "--max-error", "1e9"});
  DOCTEST_CHECK(doubted.status == 0);
  DOCTEST_CHECK(contains(doubted.errors, "warning: the calibrated board is still "));
}

DOCTEST_TEST_CASE(
    "every learner can be trained for the quickstart near a machine that was measured") {
  const TemporaryFolder folder;
  const std::string run = REIN_SOURCE_DIR "/configs/runs/quickstart-simulated.yaml";
  const std::string profile = (folder.path() / "profile.csv").string();
  DOCTEST_REQUIRE(rein({"profile", run, "--output", profile}).status == 0);
  // As our network names its levels.
  DOCTEST_CHECK(contains(read_file(profile), "\n23,1.00,all2,2cpu,"));
  for (const std::string agent : {"q_learning", "dqn", "actor_critic", "model_based"}) {
    DOCTEST_CAPTURE(agent);
    const fs::path output = folder.path() / agent;
    const Result result = train(run, output, "4", {"--profile", profile, "--agent", agent});
    DOCTEST_CAPTURE(result.errors);
    DOCTEST_REQUIRE(result.status == 0);
    DOCTEST_CHECK(rein({"run", run, "--agent", agent, "--load", (output / "best").string(),
                        "--duration", "1", "--output", (output / "run").string()})
                      .status == 0);
  }
}

DOCTEST_TEST_CASE("sweeps measured the whole machine's power where the budget is on our own") {
  const TemporaryFolder folder;
  const fs::path output = folder.path() / "out";
  const std::string run = REIN_SOURCE_DIR "/configs/runs/quickstart-simulated.yaml";
  DOCTEST_REQUIRE(train(run, output, "24", {"--agent", "model_based"}).status == 0);
  const auto agent = nlohmann::json::parse(read_file(output / "agent.json"));
  // The mean over actions that serve for half of the time: 0.5 x 3 W for each CPU of the place, and
  // idle power is nobody's. With it there are 2 W more.
  const double scale_w = agent.at("policy").at("model").at("power_scales_w").at("power_ours_w");
  DOCTEST_CHECK(scale_w > 1.4);
  DOCTEST_CHECK(scale_w < 3.0);
}

DOCTEST_TEST_CASE("a trace is read back to what was seen, done and earned") {
  const SimulatedRunFiles files;
  const fs::path run = files.folder.path() / "run";
  DOCTEST_REQUIRE(
      rein({"run", files.run().string(), "--agent", "static", "--output", run.string()}).status ==
      0);
  const TrainedRuns runs({.files = {files.run()}});
  const auto transitions = read_transitions(run / "trace.csv", runs.problem());
  DOCTEST_REQUIRE(transitions.size() > 2);
  const auto& features = runs.problem().observations.features();
  for (std::size_t i = 0; i < transitions.size(); ++i) {
    const PeriodRecord& each = transitions[i];
    DOCTEST_REQUIRE(runs.problem().actions.encode(each.action) ==
                    runs.problem().actions.size() - 1);
    DOCTEST_REQUIRE(each.observation.size() == features.size());
    double sum = 0.0;
    for (const auto& term : each.result.info.reward_terms) {
      sum += term.value;
    }
    DOCTEST_REQUIRE(each.result.reward == doctest::Approx(sum).epsilon(1e-6));
    if (i > 0) {
      DOCTEST_REQUIRE(each.observation == transitions[i - 1].result.observation);
    }
  }
  DOCTEST_CHECK(transitions.front().result.info.reward_terms.front().name == "objective");
  // A deadline of 15 ms.
  const auto deadline = std::ranges::find(features, "deadline.app", &Feature::name);
  DOCTEST_CHECK(transitions.front().observation[deadline - features.begin()] ==
                doctest::Approx(-0.455977));
}

/// The profile of a machine that was too slow for everything: `requests` is 0, the next five empty.
std::string with_nothing_served(const std::string& profile) {
  const std::string head = profile.substr(0, profile.find('\n') + 1);
  const std::string knobs = head.substr(0, head.find(",requests"));
  const auto columns = std::ranges::count(knobs, ',');
  std::string text = head;
  std::istringstream rows(profile.substr(head.size()));
  for (std::string row; std::getline(rows, row);) {
    std::size_t end = 0;
    for (auto i = columns; i >= 0; --i) {
      end = row.find(',', end) + 1;
    }
    text += row.substr(0, end) + "0,,,,,," + row.substr(row.rfind(',') + 1) + "\n";
  }
  return text;
}

DOCTEST_TEST_CASE("what cannot be trained is refused in one line, with nothing written") {
  const SimulatedRunFiles files;
  const RunFiles live;
  const fs::path output = files.folder.path() / "out";
  const auto check = [&](const std::string& file, const std::vector<std::string>& more, int status,
                         const std::string& part) {
    const Result result = train(file, output, "4", more);
    DOCTEST_CAPTURE(result.errors);
    DOCTEST_CHECK(result.status == status);
    DOCTEST_CHECK(contains(result.errors, part));
    DOCTEST_CHECK(result.errors.find('\n') == result.errors.size() - 1);
    DOCTEST_CHECK_FALSE(fs::exists(output));
  };
  const std::string run = files.run().string();
  check("none.yaml", {}, 3, "none.yaml");
  check(live.run().string(), {}, 3, "platform.kind: expected simulated");
  check(run, {"--agent", "static"}, 3, "agent.kind: expected an agent that learns, found 'static'");
  check(run, {"--agent", "oracle"}, 3, "expected an agent that learns");
  check(run, {"--set", "agent.discount=7"}, 3, "agent.discount: expected");
  check(run, {"--resume"}, 2, "--resume: expected the folder of a training that was begun");
  check(run, {run}, 2, "found 'small' twice");
  check(run, {kXavier}, 3, "jetson-xavier-nx.yaml: expected the knobs of " + run);

  const fs::path second = files.folder.path() / "second.yaml";
  write_file(second, SimulatedRunFiles::kRun);
  const fs::path profile = profile_of(files.run(), "profile.csv");
  const std::string measured = read_file(profile);
  check(run, {second.string(), "--profile", profile.string()}, 2,
        "--profile: expected one run file, since a profile is of one machine, found 2");
  check(run, {"--profile", profile.string(), "--trace", "trace.csv"}, 2,
        "--profile: expected no --trace beside it");
  check(run, {"--profile", (files.folder.path() / "none.csv").string()}, 3, "none.csv");
  check(run, {"--profile", profile.string(), "--set", "controls={bandwidth: false}"}, 3,
        "profile.csv:1: expected the columns");
  RunFiles::edit(profile, ",cpu0,", ",cpu9,");
  check(run, {"--profile", profile.string()}, 3, "profile.csv:2: column mapping.app: expected");
  write_file(profile, with_nothing_served(measured));
  check(run, {"--profile", profile.string()}, 3,
        "profile.csv: expected a configuration that served requests, found none");

  const fs::path trace = files.folder.path() / "trace.csv";
  check(run, {"--trace", trace.string()}, 3, "trace.csv: expected a trace.csv, found none");
  write_file(trace, "period,reward\n0,1\n1,1\n");
  for (const std::string agent : {"model_based", "actor_critic", "prime_q", "ztt"}) {
    check(run, {"--agent", agent, "--trace", trace.string()}, 3,
          "--trace: expected an agent that can learn from what others did (q_learning, dqn), "
          "found " +
              agent);
  }
  check(run, {"--trace", trace.string()}, 3, "expected the column width.app of this run");

  const fs::path recorded = files.folder.path() / "run";
  DOCTEST_REQUIRE(
      rein({"run", run, "--agent", "static", "--duration", "1", "--output", recorded.string()})
          .status == 0);
  const std::string good = read_file(recorded / "trace.csv");
  write_file(trace, good);
  RunFiles::edit(trace, ",observed.width.app", ",observed.height.app");
  check(run, {"--trace", trace.string()}, 3, "found the column observed.height.app");
  write_file(trace, good);
  RunFiles::edit(trace, ",-0.455977185,", ",0.294022815,");  // As log10(ms) / 4.
  check(
      run, {"--trace", trace.string()}, 3,
      "trace.csv:2: observed.deadline.app: expected -0.455977, which is how this version shows 15, "
      "found 0.294023 (a trace of another version has to be recorded anew)");
  write_file(trace, good);
  RunFiles::edit(trace, ",all2,", ",all3,");
  check(run, {"--trace", trace.string()}, 3,
        "trace.csv:2: mapping.app: expected a level of this run (cpu0, all2), found 'all3'");
  write_file(trace, good.substr(0, good.find('\n', good.find('\n') + 1) + 1));
  check(run, {"--trace", trace.string()}, 3, "expected two periods or more, found 1");
  const std::string described = read_file(recorded / "trace.yaml");
  for (const auto& [from, to, told] :
       {std::tuple{"period_s: 0.1", "period_s: 0.2",
                   "period_s: expected 0.1 as in this run, found 0.2"},
        {"kind: max_accuracy", "kind: min_latency",
         "objective: expected {kind: max_accuracy} as in this run, found {kind: min_latency}"},
        {"prices: {latency: 10", "prices: {latency: 9", "prices: expected {latency: 10"}}) {
    write_file(recorded / "trace.yaml", described);
    RunFiles::edit(recorded / "trace.yaml", from, to);
    check(run, {"--trace", recorded.string()}, 3, std::string("run/trace.yaml: ") + told);
  }
  write_file(recorded / "trace.yaml", described);
  RunFiles::edit(recorded / "trace.yaml", "version: 2", "version: 3");
  check(run, {"--trace", recorded.string()}, 3, "run/trace.yaml:3:10: version: expected at most 2");
}

DOCTEST_TEST_CASE("the report shows the curve, and names are escaped in it") {
  const report::Training training{
      .agent = "a<b",
      .boards = {"one & two"},
      .objective = Objective::Kind::kMinPower,
      .objective_name = "min_power",
      .curve = {{.episodes = 0, .periods = 0, .reward = -1.0, .objective = 9.0, .violation = 0.5},
                {.episodes = 40, .periods = 100, .reward = 0.5, .objective = 7.0, .violation = 0.1},
                {.episodes = 80, .periods = 200, .reward = 0.25, .objective = 6.0}},
      .config = "seed: 1",
      .version = "1"};
  DOCTEST_CHECK(report::best_of(training.curve).episodes == 40);
  const std::string text = report::to_text(training);
  DOCTEST_CHECK(contains(text, "power W"));
  DOCTEST_CHECK(contains(text, "0.5000"));
  const std::string page = report::make_page(training);
  DOCTEST_CHECK(contains(page, "training of a&lt;b"));
  DOCTEST_CHECK(contains(page, "one &amp; two"));
  DOCTEST_CHECK(contains(page, "after 40 episodes: 7.00"));
  DOCTEST_CHECK_FALSE(contains(page, "{{"));
  DOCTEST_CHECK_FALSE(contains(page, "<script"));
}

}  // namespace
}  // namespace rein
