// `rein evaluate` on a small simulated board, with the real program, and what is made of it.
#include <doctest/doctest.h>

#include <atomic>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "cli/evaluation/parallel.hpp"
#include "cli/report/evaluation.hpp"
#include "cli/report/evaluation_page.hpp"
#include "cli/report/evaluation_table.hpp"
#include "cli/report/plot.hpp"
#include "common/error.hpp"
#include "support/process.hpp"
#include "support/run_files.hpp"
#include "support/simulated_run_files.hpp"

namespace rein {
namespace {

const std::string kProgram = REIN_PROGRAM;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

struct Result {
  int status = 0;
  std::string output;
  std::string errors;
};

Result evaluate(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {kProgram, "evaluate"});
  Process process(arguments);
  const int status = process.wait();
  return {status, process.output(), process.errors()};
}

nlohmann::json summary_in(const std::filesystem::path& folder) {
  return nlohmann::json::parse(read_file(folder / "summary.json"));
}

nlohmann::json result_of(const nlohmann::json& summary, const std::string& agent) {
  for (const auto& result : summary["results"]) {
    if (result["agent"] == agent) {
      return result;
    }
  }
  return nullptr;
}

DOCTEST_TEST_CASE("an evaluation does not depend on how many episodes are played at once") {
  const SimulatedRunFiles files;
  const auto other = files.folder.path() / "other.yaml";
  write_file(other, "name: other\nphases: [{name: all, duration_s: 5}]\n");
  const auto play = [&](const std::string& name, const std::string& jobs) {
    const auto output = files.folder.path() / name;
    const Result result =
        evaluate({files.run().string(), "--scenarios", files.scenario().string(), other.string(),
                  "--seeds", "3", "--jobs", jobs, "--traces", "--output", output.string()});
    DOCTEST_CAPTURE(result.errors);
    DOCTEST_REQUIRE(result.status == 0);
    DOCTEST_CHECK(contains(result.output, "small, other, max_accuracy"));
    DOCTEST_CHECK(contains(result.output, "mean of 2 boards and scenarios"));
    return output;
  };
  const auto one = play("one", "1");
  const auto two = play("two", "2");
  DOCTEST_CHECK(read_file(one / "summary.json") == read_file(two / "summary.json"));
  DOCTEST_CHECK(read_file(one / "report.html") == read_file(two / "report.html"));
  const std::filesystem::path episode = "runs/small/test/q_learning/seed-2";
  DOCTEST_CHECK(read_file(one / episode / "trace.csv") == read_file(two / episode / "trace.csv"));
  DOCTEST_CHECK(std::filesystem::exists(one / episode / "summary.json"));

  const auto summary = summary_in(one);
  DOCTEST_CHECK(summary["seeds"] == nlohmann::json({1, 2, 3}));
  DOCTEST_CHECK(summary["agents"].size() == 5);
  DOCTEST_CHECK(summary["results"].size() == 10);
  const auto oracle = result_of(summary, "oracle");
  DOCTEST_CHECK(oracle["figures"]["objective_share"]["mean"] == 1.0);
  DOCTEST_CHECK(oracle["figures"]["regret"]["mean"] == 0.0);
  DOCTEST_CHECK(oracle["episodes"] == 3);
  DOCTEST_CHECK(result_of(summary, "best_static")["configurations"].size() == 3);

  // An episode is what `rein run` plays with that seed.
  const auto alone = files.folder.path() / "alone";
  Process run({kProgram, "run", (one / "config/small/test.yaml").string(), "--seed", "2",
               "--output", alone.string()});
  DOCTEST_REQUIRE(run.wait() == 0);
  DOCTEST_CHECK(read_file(alone / "trace.csv") == read_file(one / episode / "trace.csv"));
}

DOCTEST_TEST_CASE("the oracle is played as the measure even where nobody asked for it") {
  const SimulatedRunFiles files;
  const auto output = files.folder.path() / "out";
  const Result result = evaluate({files.run().string(), "--agents", "random", "--seeds", "1",
                                  "--duration", "1", "--output", output.string()});
  DOCTEST_REQUIRE(result.status == 0);
  const auto summary = summary_in(output);
  DOCTEST_CHECK(summary["agents"].size() == 2);
  DOCTEST_CHECK(result_of(summary, "random")["figures"]["regret"]["mean"] > 0.0);
  DOCTEST_CHECK(result_of(summary, "random")["figures"]["regret"]["spread"] == nullptr);

  const Result again = evaluate({files.run().string(), "--output", output.string()});
  DOCTEST_CHECK(again.status == 2);
  DOCTEST_CHECK(contains(again.errors, "expected a folder without results"));
}

DOCTEST_TEST_CASE("practice is played by those who learn, with seeds of its own") {
  const SimulatedRunFiles files;
  const auto play = [&](const std::string& practice) {
    const auto output = files.folder.path() / practice;
    const Result result =
        evaluate({files.run().string(), "--agents", "q_learning,random", "--seeds", "2",
                  "--practice", practice, "--output", output.string()});
    DOCTEST_REQUIRE(result.status == 0);
    return summary_in(output);
  };
  const auto fresh = play("0");
  const auto practised = play("3");
  DOCTEST_CHECK(result_of(fresh, "random") == result_of(practised, "random"));
  DOCTEST_CHECK(result_of(fresh, "q_learning") != result_of(practised, "q_learning"));
  DOCTEST_CHECK(practised["practice"] == 3);
}

DOCTEST_TEST_CASE("mistakes are found before anything is played") {
  const SimulatedRunFiles files;
  const RunFiles live;
  const auto output = (files.folder.path() / "out").string();
  const auto check = [&](std::vector<std::string> arguments, int status, const std::string& part) {
    arguments.insert(arguments.end(), {"--output", output});
    const Result result = evaluate(arguments);
    DOCTEST_CAPTURE(result.errors);
    DOCTEST_CHECK(result.status == status);
    DOCTEST_CHECK(contains(result.errors, part));
    DOCTEST_CHECK(result.errors.find('\n') == result.errors.size() - 1);
    DOCTEST_CHECK_FALSE(std::filesystem::exists(output));
  };
  check({files.run().string(), "--agents", "psychic"}, 2, "found 'psychic'");
  check({files.run().string(), "--agents", "random,random"}, 2, "found 'random' twice");
  check({files.run().string(), files.run().string()}, 2, "found 'small' with 'test' twice");
  check({live.run().string()}, 3, "platform.kind: expected simulated");
  check({files.run().string(), "--set", "period_ms=0"}, 3, "period_ms: expected a number");
  check({files.run().string(), "--set", "agent.discount=7"}, 3, "agent.discount: expected");
  check({files.run().string(), "--scenarios", (files.folder.path() / "none.yaml").string()}, 3,
        "expected a file that exists");
}

DOCTEST_TEST_CASE(
    "what goes wrong in an episode is told with its name, and the others are written") {
  const SimulatedRunFiles files;
  const auto output = files.folder.path() / "out";
  // A file where one episode's folder would be.
  write_file(output / "runs/small/test/random", "in the way");
  const Result result = evaluate({files.run().string(), "--agents", "random,static", "--seeds", "2",
                                  "--duration", "1", "--traces", "--output", output.string()});
  DOCTEST_CHECK(result.status == 1);
  DOCTEST_CHECK(contains(result.errors, "rein: small, test, random, seed 1: "));
  DOCTEST_CHECK(contains(result.errors, "rein: small, test, random, seed 2: "));
  const auto summary = summary_in(output);
  DOCTEST_CHECK(summary["errors"].size() == 2);
  DOCTEST_CHECK(result_of(summary, "random")["episodes"] == 0);
  DOCTEST_CHECK(result_of(summary, "static")["episodes"] == 2);
  DOCTEST_CHECK(contains(read_file(output / "report.html"), "small, test, random, seed 1: "));
}

DOCTEST_TEST_CASE("an evaluation that is interrupted writes what was played to the end") {
  const SimulatedRunFiles files;
  const auto output = files.folder.path() / "out";
  Process process({kProgram, "evaluate", files.run().string(), "--seeds", "10000", "--traces",
                   "--output", output.string()});
  // By then some are complete.
  while (!std::filesystem::exists(output / "runs/small/test/q_learning/seed-2/summary.json")) {
    std::this_thread::yield();
  }
  process.send(SIGINT);
  DOCTEST_CHECK(process.wait() == 0);
  DOCTEST_CHECK(contains(process.errors(), "rein: interrupted: "));
  const auto oracle = result_of(summary_in(output), "oracle");
  DOCTEST_CHECK(oracle["episodes"] >= 1);
  DOCTEST_CHECK(oracle["episodes"] < 10000);
  DOCTEST_CHECK(oracle["figures"]["objective_share"]["mean"] == 1.0);
}

DOCTEST_TEST_CASE("rein report makes the same report from what an evaluation wrote") {
  const SimulatedRunFiles files;
  const auto output = files.folder.path() / "out";
  const Result result =
      evaluate({files.run().string(), "--seeds", "2", "--output", output.string()});
  DOCTEST_REQUIRE(result.status == 0);
  const std::string page = read_file(output / "report.html");
  std::filesystem::remove(output / "report.html");
  Process report({kProgram, "report", output.string()});
  DOCTEST_REQUIRE(report.wait() == 0);
  DOCTEST_CHECK(read_file(output / "report.html") == page);
  const auto tables = [](const std::string& text) { return text.substr(0, text.rfind("mean of")); };
  DOCTEST_CHECK(tables(report.output()) == tables(result.output));
  Process several({kProgram, "report", output.string(), output.string()});
  DOCTEST_CHECK(several.wait() == 2);
}

report::Evaluation sample() {
  report::Evaluation evaluation{.version = "1", .seeds = {1}, .practice = 0};
  for (const auto& [agent, share] : {std::pair{"oracle", 1.0}, {"<x-1>&\"other\"", 0.9}}) {
    const report::Averages figures = {{"objective_share", {share, 0.01}},
                                      {"violation", {0.02, 0.0}},
                                      {"violation_above_oracle", {-0.00001, 0.0}},
                                      {"regret", {std::nullopt, std::nullopt}}};
    evaluation.totals.push_back({agent, figures});
    evaluation.results.push_back({.run = "</script><script>",
                                  .board = "board",
                                  .scenario = "<i>",
                                  .objective = "max_accuracy",
                                  .agent = agent,
                                  .episodes = 1,
                                  .figures = figures,
                                  .configurations = {"<u>"}});
  }
  evaluation.errors = {"<em>"};
  return evaluation;
}

DOCTEST_TEST_CASE("an evaluation's table says what is known, and marks the best but the oracle") {
  const report::Evaluation evaluation = sample();
  const report::Table table = report::compare_agents(report::worlds_of(evaluation).front());
  DOCTEST_CHECK(table.rows[0][1].text == "100.00 ±1.00");
  DOCTEST_CHECK(table.rows[1][1].text == "90.00 ±1.00");
  DOCTEST_CHECK(table.rows[1][3].text == "0.00");  // And not -0.00.
  DOCTEST_CHECK(table.rows[1].back().text == "–");
  DOCTEST_CHECK_FALSE(table.rows[0][1].best);
}

DOCTEST_TEST_CASE("an evaluation's page escapes names and loads nothing") {
  const std::string page = report::make_page(sample(), "<config>");
  for (const std::string name :
       {"<x-1>", "</script>", "<script>", "<i>", "<u>", "<em>", "<config>"}) {
    DOCTEST_CAPTURE(name);
    DOCTEST_CHECK_FALSE(contains(page, name));
  }
  DOCTEST_CHECK_FALSE(contains(page, "http:"));
  DOCTEST_CHECK_FALSE(contains(page, "https:"));
  DOCTEST_CHECK(contains(page, "<svg class=\"figure\""));
}

DOCTEST_TEST_CASE("an evaluation is read back as it was written, and mistakes have their place") {
  const TemporaryFolder folder;
  const auto file = folder.path() / "summary.json";
  const std::string text = sample().to_json().dump(1);
  write_file(file, text);
  DOCTEST_CHECK(report::is_evaluation(folder.path()));
  DOCTEST_CHECK(report::read_evaluation(folder.path()).to_json().dump(1) == text);
  RunFiles::edit(file, "\"mean\": 1.0", "\"mean\": \"x\"");
  try {
    report::read_evaluation(folder.path());
    DOCTEST_FAIL("was accepted");
  } catch (const ConfigError& error) {
    DOCTEST_CHECK(contains(error.what(), "figures.objective_share.mean: expected a number"));
  }
}

DOCTEST_TEST_CASE("a plot holds all its points, and none that is not a number") {
  const report::Plot plot{
      .title = "t",
      .x_title = "x",
      .y_title = "y",
      .categories = {},
      .points = {
          {.x = 1.0, .y = 5.0}, {.x = 1.0, .y = 5.0, .series = 9}, {.x = std::nan(""), .y = 1.0}}};
  const std::string svg = report::to_svg(plot);
  DOCTEST_CHECK_FALSE(contains(svg, "nan"));
  std::size_t marks = 0;
  for (auto at = svg.find("class=\"mark"); at != std::string::npos;
       at = svg.find("class=\"mark", at + 1)) {
    ++marks;
  }
  DOCTEST_CHECK(marks == 2);
  DOCTEST_CHECK(contains(report::to_svg({.title = "empty"}), "</svg>"));
}

DOCTEST_TEST_CASE("parallel work is all done, once each") {
  for (const std::size_t jobs : {1U, 3U, 50U}) {
    std::vector<std::atomic<int>> done(20);
    run_parallel(done.size(), jobs, [&](std::size_t i) { ++done[i]; });
    for (const auto& count : done) {
      DOCTEST_CHECK(count == 1);
    }
  }
  run_parallel(0, 4, [](std::size_t) { DOCTEST_FAIL("there is nothing to do"); });
}

}  // namespace
}  // namespace rein
