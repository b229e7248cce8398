// `rein evaluate` on a small simulated board, with the real program, and what is made of it.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "common/error.hpp"
#include "common/parallel.hpp"
#include "study/evaluation/episode_log.hpp"
#include "study/report/evaluation_page.hpp"
#include "study/report/evaluation_results.hpp"
#include "study/report/evaluation_table.hpp"
#include "study/report/plot.hpp"
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
    auto output = files.folder.path() / name;
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
  // Whoever was the best is what all are measured against.
  double least = 1.0;
  for (const auto& result : summary["results"]) {
    least = std::min(least, result["figures"]["regret"]["mean"].get<double>());
  }
  DOCTEST_CHECK(least == 0.0);
  DOCTEST_CHECK(oracle["episodes"] == 3);
  DOCTEST_CHECK(result_of(summary, "best_static")["configurations"].size() == 3);

  // An episode is what `rein run` plays with that seed.
  const auto alone = files.folder.path() / "alone";
  Process run({kProgram, "run", (one / "config/small/test.yaml").string(), "--seed", "2",
               "--output", alone.string()});
  DOCTEST_REQUIRE(run.wait() == 0);
  DOCTEST_CHECK(read_file(alone / "trace.csv") == read_file(one / episode / "trace.csv"));
  DOCTEST_CHECK(read_file(alone / "trace.yaml") == read_file(one / episode / "trace.yaml"));
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

DOCTEST_TEST_CASE("what the oracle came to is taken from the cache, and is the same") {
  const SimulatedRunFiles files;
  const auto cache = std::filesystem::path(std::getenv("XDG_CACHE_HOME")) / "rein/episodes";
  std::filesystem::remove_all(cache);
  const auto kept = [&] {
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(cache)) {
      if (entry.is_regular_file()) {
        paths.push_back(entry.path());
      }
    }
    return paths;
  };
  const auto play = [&](const std::string& name, std::vector<std::string> options) {
    const auto output = files.folder.path() / name;
    options.insert(options.end(), {files.run().string(), "--agents", "best_static,random",
                                   "--seeds", "2", "--output", output.string()});
    DOCTEST_REQUIRE(evaluate(options).status == 0);
    return read_file(output / "summary.json");
  };
  const std::string summary = play("first", {});
  DOCTEST_CHECK(kept().size() == 4);  // Two kinds with two seeds.
  DOCTEST_CHECK(play("second", {}) == summary);
  DOCTEST_CHECK(kept().size() == 4);
  // Another agent in the run file is no other world; another deadline is.
  DOCTEST_CHECK(play("agent", {"--set", "agent={kind: random}"}) == summary);
  DOCTEST_CHECK(kept().size() == 4);
  const std::string other = play("other", {"--set", "budgets.latency.deadline_ms=11"});
  DOCTEST_CHECK(other != summary);
  DOCTEST_CHECK(kept().size() == 8);

  // What is in it is what counts ...
  for (const auto& path : kept()) {
    auto outcome = nlohmann::ordered_json::parse(read_file(path));
    outcome["figures"]["reward"] = 77.0;
    write_file(path, outcome.dump());
  }
  const auto changed = nlohmann::json::parse(play("changed", {}));
  DOCTEST_CHECK(result_of(changed, "oracle")["figures"]["reward"]["mean"] == 77.0);
  // ... unless nobody asks for it.
  DOCTEST_CHECK(play("without", {"--no-cache"}) == summary);
}

DOCTEST_TEST_CASE(
    "a suite's worlds are written, played once, and can be played again by their files") {
  const SimulatedRunFiles files;
  const auto drawn = files.folder.path() / "drawn";
  const std::vector<std::string> suite = {"--suite", "held-out", "--seed", "5", "--worlds", "3"};
  const auto with = [](std::vector<std::string> some, const std::vector<std::string>& more) {
    some.insert(some.end(), more.begin(), more.end());
    return some;
  };
  const Result listed = evaluate(with(suite, {"--dry-run", "--output", drawn.string()}));
  DOCTEST_CAPTURE(listed.errors);
  DOCTEST_REQUIRE(listed.status == 0);
  DOCTEST_CHECK(contains(listed.output, "w01"));
  DOCTEST_CHECK(contains(listed.output, "w03"));
  DOCTEST_CHECK_FALSE(std::filesystem::exists(drawn / "summary.json"));

  const auto played = files.folder.path() / "played";
  const std::vector<std::string> agents = {"--agents", "random", "--duration", "2"};
  const Result result = evaluate(with(with(suite, agents), {"--output", played.string()}));
  DOCTEST_CAPTURE(result.errors);
  DOCTEST_REQUIRE(result.status == 0);
  const auto summary = summary_in(played);
  DOCTEST_CHECK(summary["seeds"] == nlohmann::json({1}));
  DOCTEST_CHECK(summary["results"].size() == 6);
  std::vector<std::string> again = {"--seeds", "1"};
  for (const char* const name : {"w01.yaml", "w02.yaml", "w03.yaml"}) {
    DOCTEST_CHECK(read_file(drawn / "worlds" / name) == read_file(played / "worlds" / name));
    again.push_back((drawn / "worlds" / name).string());
  }
  const auto replayed = files.folder.path() / "replayed";
  DOCTEST_REQUIRE(evaluate(with(with(again, agents), {"--output", replayed.string()})).status == 0);
  DOCTEST_CHECK(summary_in(replayed)["results"] == summary["results"]);

  const auto other = files.folder.path() / "other";
  DOCTEST_REQUIRE(evaluate({"--suite", "held-out", "--seed", "6", "--worlds", "1", "--dry-run",
                            "--output", other.string()})
                      .status == 0);
  DOCTEST_CHECK(read_file(other / "worlds/w01.yaml") != read_file(drawn / "worlds/w01.yaml"));
}

DOCTEST_TEST_CASE("what does not go with a suite is refused") {
  const SimulatedRunFiles files;
  const Result neither = evaluate({"--seeds", "1"});
  DOCTEST_CHECK(neither.status == 2);
  DOCTEST_CHECK(contains(neither.errors, "expected RUN.yaml or --suite held-out, found neither"));
  const Result both = evaluate({files.run().string(), "--suite", "held-out"});
  DOCTEST_CHECK(both.status == 2);
  DOCTEST_CHECK(contains(both.errors, files.run().string()));
  const Result unknown = evaluate({"--suite", "held-in"});
  DOCTEST_CHECK(unknown.status == 2);
  DOCTEST_CHECK(contains(unknown.errors, "held-out"));
  DOCTEST_CHECK(evaluate({files.run().string(), "--worlds", "3"}).status == 2);
  DOCTEST_CHECK(evaluate({"--suite", "held-out", "--worlds", "0"}).status == 2);
}

DOCTEST_TEST_CASE("where the oracle is beaten, regret is beside the better, and it is said") {
  const SimulatedRunFiles files;
  const auto output = files.folder.path() / "out";
  const auto play = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {files.run().string(), "--variants",
                               (files.folder.path() / "variants.yaml").string(), "--duration", "3",
                               "--seeds", "2", "--output", output.string()});
    const Result result = evaluate(more);
    DOCTEST_REQUIRE(result.status == 0);
    return result.output;
  };
  // An oracle that looks ahead as little as it may.
  write_file(files.folder.path() / "variants.yaml",
             "- {name: oracle, agent: {kind: oracle, horizon: 10}}\n"
             "- {name: best_static, agent: {kind: best_static}}\n"
             "- {name: random, agent: {kind: random}}\n");
  const std::string text = play({"--set", "budgets.latency.deadline_ms=40"});
  const auto summary = summary_in(output);
  DOCTEST_REQUIRE(summary["measures"].size() == 1);
  const auto& measure = summary["measures"][0];
  double best = -1e9;
  for (const auto& result : summary["results"]) {
    best = std::max(best, result["figures"]["reward"]["mean"].get<double>());
  }
  for (const auto& result : summary["results"]) {
    const double reward = result["figures"]["reward"]["mean"].get<double>();
    DOCTEST_CHECK(result["figures"]["regret"]["mean"].get<double>() ==
                  doctest::Approx(best - reward));
  }
  DOCTEST_CHECK(result_of(summary, measure["agent"])["figures"]["regret"]["mean"] == 0.0);
  DOCTEST_CHECK(contains(text, "measured against the best that was played: the oracle in"));
  // And again by the report.
  DOCTEST_CHECK(contains(read_file(output / "report.html"), "Regret and shares: measured against"));
  const auto read = report::read_evaluation(output);
  DOCTEST_REQUIRE(read.measures.size() == 1);
  DOCTEST_CHECK(read.measures[0].agent == measure["agent"]);
}

DOCTEST_TEST_CASE("what is not the oracle, how often and by how much, is one line") {
  report::Evaluation evaluation;
  DOCTEST_CHECK(report::describe_measures(evaluation).empty());
  evaluation.measures = {{"a", "x", "oracle", 0.0, std::nullopt},
                         {"b", "x", "alert", 0.2, 0.3},
                         {"c", "x", "best_static", 0.4, 0.1},
                         {"d", "x", "alert", 0.3, 0.1}};
  DOCTEST_CHECK(report::describe_measures(evaluation) ==
                "measured against the best that was played: the oracle in 1 of 4 boards and "
                "scenarios, alert in 2, best_static in 1, above it by 0.300 in the mean and 0.400 "
                "at most; by more than two standard errors in 2");
  evaluation.measures = {{"b", "x", "alert", 0.2, std::nullopt}};
  DOCTEST_CHECK(
      contains(report::describe_measures(evaluation), "one seed does not say what of it is noise"));
}

DOCTEST_TEST_CASE("scenarios that several runs were played in have their mean regret in a table") {
  report::Evaluation evaluation;
  evaluation.totals = {{.agent = "one"}, {.agent = "two"}};
  const auto add = [&](const char* run, const char* scenario, const char* agent, double regret) {
    evaluation.results.push_back({.run = run,
                                  .scenario = scenario,
                                  .agent = agent,
                                  .figures = {{"regret", {.mean = regret, .spread = {}}}}});
  };
  for (const char* const scenario : {"x", "y"}) {
    add("a", scenario, "one", 0.1);
    add("b", scenario, "one", 0.3);
    add("a", scenario, "two", 0.5);
    add("b", scenario, "two", 0.5);
  }
  add("a", "alone", "one", 0.1);
  const report::Table table = report::compare_scenarios(evaluation);
  DOCTEST_REQUIRE(table.rows.size() == 2);
  DOCTEST_CHECK(table.rows[0][0].text == "x");
  DOCTEST_CHECK(table.rows[0][1].text == "2");
  DOCTEST_CHECK(table.rows[0][2].text == "0.200");
  DOCTEST_CHECK(table.rows[1][3].text == "0.500");
  evaluation.results.resize(4);
  DOCTEST_CHECK(report::compare_scenarios(evaluation).rows.empty());
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

/// Three variants of two kinds, one of which has learned in a run.
std::filesystem::path write_variants(const SimulatedRunFiles& files) {
  const auto learned = files.folder.path() / "learned";
  Process run(
      {kProgram, "run", files.run().string(), "--seed", "77", "--output", learned.string()});
  DOCTEST_REQUIRE(run.wait() == 0);
  std::filesystem::create_directory(files.folder.path() / "trained");
  std::filesystem::copy(learned / "checkpoint/agent.json",
                        files.folder.path() / "trained/small.json");
  auto file = files.folder.path() / "variants.yaml";
  write_file(file,
             "- {name: narrow 50%, agent: {kind: static, configuration: {width: 0.5}}}\n"
             "- {name: fresh, agent: {kind: q_learning, discount: 0.7}}\n"
             "- {name: trained, agent: {kind: q_learning}, load: 'trained/{run}.json'}\n"
             "- {name: practised, agent: {kind: q_learning}, practice: 2}\n");
  return file;
}

DOCTEST_TEST_CASE("a run file shields agents that learn, and a variant whom it wants") {
  const SimulatedRunFiles files;
  const auto variants = files.folder.path() / "variants.yaml";
  write_file(variants,
             "- {name: random, agent: {kind: random}}\n"
             "- {name: guarded, agent: {kind: random}, shield: true}\n"
             "- {name: learner, agent: {kind: q_learning}}\n"
             "- {name: reckless, agent: {kind: q_learning}, shield: false}\n");
  const auto output = files.folder.path() / "out";
  const Result result = evaluate({files.run().string(), "--variants", variants.string(), "--seeds",
                                  "1", "--traces", "--set", "shield=true", "--set",
                                  "budgets.power.limit_w=0.5", "--output", output.string()});
  DOCTEST_CAPTURE(result.errors);
  DOCTEST_REQUIRE(result.status == 0);
  // No action keeps the limit, so that a shield has to take over.
  for (const auto& each : {std::pair{"oracle", false},
                           {"random", false},
                           {"guarded", true},
                           {"learner", true},
                           {"reckless", false}}) {
    const auto& [agent, is_shielded] = each;
    DOCTEST_CAPTURE(each.first);
    const auto folder = output / "runs" / "small" / "test" / agent / "seed-1";
    const auto summary = nlohmann::json::parse(read_file(folder / "summary.json"));
    DOCTEST_CHECK((summary["shield"]["interventions"] > 0) == is_shielded);
  }
}

DOCTEST_TEST_CASE("variants of a kind stand in one table under their own names") {
  const SimulatedRunFiles files;
  const auto variants = write_variants(files);
  const auto output = files.folder.path() / "out";
  const Result result =
      evaluate({files.run().string(), "--variants", variants.string(), "--agents", "q_learning",
                "--compare", "trained", "--show", "trained,narrow 50%", "--seeds", "2", "--traces",
                "--output", output.string()});
  DOCTEST_CAPTURE(result.errors);
  DOCTEST_REQUIRE(result.status == 0);
  const auto summary = summary_in(output);
  DOCTEST_CHECK(summary["agents"].size() == 6);  // With the oracle.
  const auto reward = [&](const std::string& agent) {
    return result_of(summary, agent)["figures"]["reward"]["mean"].get<double>();
  };
  DOCTEST_CHECK(reward("fresh") != reward("q_learning"));
  DOCTEST_CHECK(reward("trained") != reward("q_learning"));
  DOCTEST_CHECK(reward("practised") != reward("q_learning"));
  DOCTEST_CHECK(result_of(summary, "narrow 50%")["figures"]["accuracy_top1"]["mean"] ==
                doctest::Approx(0.6));
  DOCTEST_CHECK(contains(result_of(summary, "narrow 50%")["configurations"][0], "width.app 0.5"));

  // Beside each other agent, over all boards and on the only one.
  DOCTEST_REQUIRE(summary["comparisons"].size() == 10);
  const auto& first = summary["comparisons"][0];
  DOCTEST_CHECK(first["agent"] == "trained");
  DOCTEST_CHECK(first["against"] == "q_learning");
  DOCTEST_CHECK(first["run"] == nullptr);
  DOCTEST_CHECK(first["episodes"] == 2);
  DOCTEST_CHECK(summary["comparisons"][5]["run"] == "small");
  const double difference =
      result_of(summary, "trained")["figures"]["regret"]["mean"].get<double>() -
      result_of(summary, "q_learning")["figures"]["regret"]["mean"].get<double>();
  DOCTEST_CHECK(first["regret"]["mean"].get<double>() == doctest::Approx(difference));
  DOCTEST_CHECK(contains(result.output, "trained less each other"));

  // The scenario changes once.
  const auto oracle = result_of(summary, "oracle")["adaptation"];
  DOCTEST_CHECK(oracle["periods"] ==
                nlohmann::json{{"count", 2}, {"low", 0.0}, {"median", 0.0}, {"high", 0.0}});
  DOCTEST_CHECK(oracle["good_from_period"]["median"] == 0.0);
  DOCTEST_CHECK(summary["curves"].size() == 6);

  const auto courses = nlohmann::json::parse(read_file(output / "courses.json"));
  DOCTEST_REQUIRE(courses.size() == 3);
  DOCTEST_CHECK(courses[0]["agent"] == "narrow 50%");
  DOCTEST_CHECK(courses[0]["course"]["top1"][0] == 0.6);
  DOCTEST_CHECK(courses[0]["course"]["deadline_ms"][0] == 15.0);
  DOCTEST_CHECK(courses[0]["course"]["power_limit_w"][0] == 3.0);

  // An episode that begins with a checkpoint is what `rein run --load` plays with that seed.
  const auto alone = files.folder.path() / "alone";
  Process run({kProgram, "run", files.run().string(), "--load",
               (files.folder.path() / "trained/small.json").string(), "--seed", "2", "--output",
               alone.string()});
  DOCTEST_REQUIRE(run.wait() == 0);
  DOCTEST_CHECK(read_file(alone / "trace.csv") ==
                read_file(output / "runs/small/test/trained/seed-2/trace.csv"));
  DOCTEST_CHECK(std::filesystem::exists(output / "runs/small/test/narrow-50-/seed-2/trace.csv"));
}

DOCTEST_TEST_CASE("an evaluation that goes on comes to the same as one that was played in one go") {
  const SimulatedRunFiles files;
  const auto variants = write_variants(files);
  const auto play = [&](const std::string& name, const std::vector<std::string>& options) {
    auto output = files.folder.path() / name;
    std::vector<std::string> arguments = {files.run().string(), "--variants", variants.string(),
                                          "--output", output.string()};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const Result result = evaluate(arguments);
    DOCTEST_CAPTURE(result.errors);
    DOCTEST_REQUIRE(result.status == 0);
    return output;
  };
  const std::vector<std::string> all = {"--seeds",   "3",       "--jobs", "2",
                                        "--compare", "trained", "--show", "fresh"};
  std::vector<std::string> go_on = all;
  go_on.emplace_back("--resume");
  const auto whole = play("whole", all);
  const auto parts = play("parts", {"--seeds", "2"});
  // Killed while it wrote a line, and one that was played with another checkpoint.
  const auto log = parts / "episodes.jsonl";
  std::string lines = read_file(log);
  write_file(log, lines.substr(0, lines.size() - 40));
  play("parts", go_on);
  DOCTEST_CHECK(read_file(parts / "summary.json") == read_file(whole / "summary.json"));
  DOCTEST_CHECK(read_file(parts / "courses.json") == read_file(whole / "courses.json"));

  // Nothing is left to be played, and so nothing is added.
  lines = read_file(log);
  play("parts", go_on);
  DOCTEST_CHECK(read_file(log) == lines);
  DOCTEST_CHECK(read_file(parts / "summary.json") == read_file(whole / "summary.json"));

  // Only the episodes with the checkpoint are played again when it is another one.
  std::filesystem::copy_file(parts / "../learned/checkpoint/agent.json",
                             parts / "../trained/small.json",
                             std::filesystem::copy_options::overwrite_existing);
  RunFiles::edit(parts / "../trained/small.json", "{\n", "{ \n");
  play("parts", go_on);
  const std::string added = read_file(log).substr(lines.size());
  DOCTEST_CHECK(std::ranges::count(added, '\n') == 3);
  DOCTEST_CHECK(read_file(parts / "summary.json") == read_file(whole / "summary.json"));

  const Result other = evaluate({files.run().string(), "--output", parts.string()});
  DOCTEST_CHECK(other.status == 2);
  DOCTEST_CHECK(contains(other.errors, "go on with --resume"));
  write_file(log, "nonsense\n");
  const Result broken = evaluate({files.run().string(), "--resume", "--output", parts.string()});
  DOCTEST_CHECK(broken.status == 3);
  DOCTEST_CHECK(contains(broken.errors, "episodes.jsonl:1: expected an episode"));
}

DOCTEST_TEST_CASE("what a link in the place of an evaluation's log leads to is not shortened") {
  const TemporaryFolder folder;
  write_file(folder.path() / "precious", "no line of an evaluation");
  std::filesystem::create_symlink(folder.path() / "precious", folder.path() / "episodes.jsonl");
  DOCTEST_CHECK_THROWS_AS(EpisodeLog(folder.path() / "episodes.jsonl"), Error);
  DOCTEST_CHECK(read_file(folder.path() / "precious") == "no line of an evaluation");
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
  const auto variants = [&](const std::string& text) {
    const auto file = files.folder.path() / "variants.yaml";
    write_file(file, text);
    return file.string();
  };
  const auto check_variants = [&](const std::string& text, int status, const std::string& part) {
    check({files.run().string(), "--variants", variants(text)}, status, part);
  };
  check_variants("name: one\n", 3, "variants.yaml:1:1: expected a list");
  check_variants("- {agent: {kind: random}}\n", 3, "name: expected");
  check_variants("- {name: x, agent: {kind: psychic}}\n", 3, "0.agent.kind: expected one of");
  check_variants("- {name: x, agent: {kind: q_learning, discount: 7}}\n", 3,
                 ": 0.agent.discount: expected");
  check_variants("- {name: x, agent: {kind: random, y: 1}}\n", 3, "found the unknown key 'y'");
  check_variants("- {name: x, agent: {kind: random}, seed: 1}\n", 3,
                 "found the unknown key 'seed'");
  check_variants("- {name: x, agent: {kind: random}, practice: -1}\n", 3, "practice: expected");
  check_variants("- {name: x, agent: {kind: random}, shield: {guard_k: -1}}\n", 3,
                 "0.shield.guard_k: expected");
  check_variants("- {name: x, agent: {kind: q_learning}, load: '{run}.json'}\n", 3,
                 "0.load: expected a checkpoint for small, found no file");
  check_variants("- {name: x, agent: {kind: q_learning}, load: scenario.yaml}\n", 3,
                 "scenario.yaml");
  check_variants("- {name: x-, agent: {kind: random}}\n- {name: x%, agent: {kind: random}}\n", 2,
                 "found 'x%' twice");
  check_variants("- {name: oracle, agent: {kind: random}}\n", 2, "found a random");
  check({files.run().string(), "--compare", "alert"}, 2, "--compare: expected one of static, ");
  check({files.run().string(), "--show", "alert"}, 2, "--show: expected one of static, ");
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
  DOCTEST_CHECK(process.wait() == 130);
  DOCTEST_CHECK(contains(process.errors(), "rein: interrupted: "));
  const auto oracle = result_of(summary_in(output), "oracle");
  DOCTEST_CHECK(oracle["episodes"] >= 1);
  DOCTEST_CHECK(oracle["episodes"] < 10000);
  DOCTEST_CHECK(oracle["figures"]["regret"]["mean"] >= 0.0);
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

DOCTEST_TEST_CASE("a plot's lines have gaps, and what lies beyond its limits is at the edge") {
  const auto draw = [](double low, double high) {
    const double none = std::nan("");
    return report::to_svg(
        {.title = "t",
         .lines = {{.points = {{0, 1}, {1, low}, {2, none}, {3, 2}, {4, high}}, .note = "<b>"}},
         .y_min = 0.0,
         .y_max = 3.0});
  };
  const std::string svg = draw(-5000.0, 7000.0);
  DOCTEST_CHECK(svg == draw(0.0, 3.0));
  DOCTEST_CHECK(svg != draw(0.0, 2.0));
  DOCTEST_CHECK_FALSE(contains(svg, "nan"));
  DOCTEST_CHECK_FALSE(contains(svg, "<b>"));
  const std::string path = svg.substr(svg.find("<path"), svg.find("</path>") - svg.find("<path"));
  DOCTEST_CHECK(std::ranges::count(path, 'M') == 2);
}

DOCTEST_TEST_CASE("a logarithmic axis holds values on both sides of 0") {
  const std::string svg = report::to_svg(
      {.title = "t",
       .points = {{.x = -0.5, .y = 1.0}, {.x = 0.0, .y = 1.0}, {.x = 60.0, .y = 2.0}},
       .x_scale = report::Plot::Scale::kLogarithmic});
  for (const std::string tick : {">0<", ">1<", ">3<", ">10<", ">30<"}) {
    DOCTEST_CAPTURE(tick);
    DOCTEST_CHECK(contains(svg, tick));
  }
  DOCTEST_CHECK_FALSE(contains(svg, ">100<"));
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
