// The whole loop over a fake machine in closed loop with a manual clock: agent, environment, trace
// and summary, without LibTorch, without waiting.
#include "agent/loop/control_loop.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>
#include <vector>

#include "agent/loop/run_summary.hpp"
#include "agent/make_agent.hpp"
#include "common/csv_table.hpp"
#include "common/error.hpp"
#include "common/files.hpp"
#include "env/trace_writer.hpp"
#include "support/fake_world.hpp"

namespace rein {
namespace {

struct Result {
  std::string trace;
  RunSummary summary;
  std::uint64_t periods;
};

Result run(FakeWorld& world, const std::string& agent_text, std::uint64_t seed = 1,
           std::uint64_t most_periods = 1'000'000) {
  Random random(seed);
  const auto agent = make_agent(ConfigNode::parse(agent_text, "run").at("agent"),
                                problem_of(world.environment), random);
  std::ostringstream text;
  TraceWriter trace(world.environment, text);
  RunSummary summary(world.environment, world.scenario.duration_s());
  std::uint64_t seen = 0;
  ControlLoop loop(world.environment, *agent, random, world.machine.clock,
                   {.sinks = {[&](const PeriodRecord& record) { trace.write(record); },
                              [&](const PeriodRecord& record) { summary.add(record); },
                              [&](const PeriodRecord&) { ++seen; }},
                    .with_probability = true});
  const auto periods = loop.run(seed, [&] { return seen >= most_periods; });
  return {text.str(), std::move(summary), periods};
}

const std::string kLearner = "agent: {kind: q_learning}";

std::string full_width_on(const std::string& place) {
  return "agent: {kind: static, configuration: {width: 1.0, mapping: " + place + "}}";
}

DOCTEST_TEST_CASE("the same seed gives the same trace to the last bit") {
  FakeWorld one;
  FakeWorld other;
  const Result first = run(one, kLearner, 5);
  DOCTEST_CHECK(run(other, kLearner, 5).trace == first.trace);
  DOCTEST_CHECK(run(one, full_width_on("cpu0"), 5).periods == 80);
}

DOCTEST_TEST_CASE("a run ends when it is told to, after a period") {
  FakeWorld world;
  DOCTEST_CHECK(run(world, kLearner, 1, 7).periods == 7);
}

DOCTEST_TEST_CASE(
    "the learner misses less than any full width and serves more than the narrowest") {
  const std::string scenario =
      "name: long\n"
      "co_runners:\n"
      "  first: {command: [busy], cpus: \"0\"}\n"
      "  second: {command: [busy], cpus: \"1\"}\n"
      "phases:\n"
      "  - {name: alone, duration_s: 15}\n"
      "  - {name: one, duration_s: 15, co_runners: [first]}\n"
      "  - {name: both, duration_s: 15, co_runners: [first, second]}\n"
      "  - {name: tight, duration_s: 15, budgets: {latency: {deadline_ms: 5}}}\n";
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    DOCTEST_CAPTURE(seed);
    FakeWorld world(scenario);
    const Result learner = run(world, kLearner, seed);
    for (const std::string place : {"cpu0", "cpu1", "all2"}) {
      FakeWorld rival_world(scenario);
      const Result rival = run(rival_world, full_width_on(place), seed);
      DOCTEST_CHECK(learner.summary.whole().miss_share() < rival.summary.whole().miss_share());
      DOCTEST_CHECK(learner.summary.second_half().miss_share() <
                    0.5 * rival.summary.second_half().miss_share());
    }
    FakeWorld narrow_world(scenario);
    const Result narrow =
        run(narrow_world, "agent: {kind: static, configuration: {width: 0.25, mapping: cpu0}}");
    DOCTEST_CHECK(learner.summary.whole().accuracy_top1() >
                  narrow.summary.whole().accuracy_top1() + 0.02);
    FakeWorld random_world(scenario);
    const Result random = run(random_world, "agent: {kind: random}", seed);
    DOCTEST_CHECK(learner.summary.whole().miss_share() < 0.5 * random.summary.whole().miss_share());
  }
}

DOCTEST_TEST_CASE("the trace has a row for each period and every row the header's cells") {
  FakeWorld world;
  const Result result = run(world, kLearner);
  std::istringstream lines(result.trace);
  std::string line;
  DOCTEST_REQUIRE(std::getline(lines, line));
  DOCTEST_CHECK(
      line.starts_with("period,episode,time_s,interval_s,phase,co_runners,width.app,mapping.app,"
                       "bandwidth.cpu,asked.width.app,asked.mapping.app,asked.bandwidth.cpu,"
                       "granted.mapping.app,granted.bandwidth.cpu,refused,changed,"
                       "deadline_ms.app,miss_rate_limit.app,accuracy_limit.app"));
  const auto cells = std::ranges::count(line, ',');
  std::uint64_t rows = 0;
  for (; std::getline(lines, line); ++rows) {
    DOCTEST_REQUIRE(std::ranges::count(line, ',') == cells);
    DOCTEST_REQUIRE(line.find("nan") == std::string::npos);
  }
  DOCTEST_CHECK(rows == result.periods);
}

DOCTEST_TEST_CASE("a value that is not known is an empty cell") {
  FakeWorld world;
  world.machine.broken_sensors = true;
  const std::string trace = run(world, full_width_on("cpu0"), 1, 1).trace;
  DOCTEST_CHECK(trace.find(",,,,,") != std::string::npos);  // five signals, none valid
  DOCTEST_CHECK(trace.find("nan") == std::string::npos);
}

DOCTEST_TEST_CASE(
    "a refused knob and a stale signal are named in the trace and counted in the summary") {
  FakeWorld world;
  world.machine.refuse = true;  // Once.
  world.machine.stale_power = true;
  const Result result = run(world, full_width_on("cpu0"), 1, 2);
  std::istringstream lines(result.trace);
  std::string header;
  std::string first;
  std::string second;
  std::getline(lines, header);
  std::getline(lines, first);
  std::getline(lines, second);
  DOCTEST_CHECK(first.find(",bandwidth.cpu,") != std::string::npos);
  DOCTEST_CHECK(second.find(",bandwidth.cpu,") == std::string::npos);
  DOCTEST_CHECK(second.find(",power_w,") != std::string::npos);
  const auto json = result.summary.to_json();
  DOCTEST_CHECK(json["knobs"]["bandwidth.cpu"]["refused_periods"] == 1);
  DOCTEST_CHECK(json["knobs"]["bandwidth.cpu"]["left_out"] == false);
  DOCTEST_CHECK(json["knobs"]["mapping.app"]["refused_periods"] == 0);
  DOCTEST_CHECK(json["signals"]["power_w"]["stale_periods"] == 2);
  DOCTEST_CHECK(json["signals"]["power_w"]["invalid_periods"] == 0);
}

DOCTEST_TEST_CASE("names with commas and quotes are quoted in the trace") {
  FakeWorld world("name: s\nphases:\n  - {name: 'a, \"b\"', duration_s: 0.1}\n");
  DOCTEST_CHECK(run(world, full_width_on("cpu0")).trace.find("\"a, \"\"b\"\"\"") !=
                std::string::npos);
}

DOCTEST_TEST_CASE("the summary counts what the trace shows") {
  FakeWorld world;
  const Result result = run(world, full_width_on("cpu0"));
  const auto json = result.summary.to_json();
  DOCTEST_CHECK(json["periods"] == 80);
  DOCTEST_CHECK(json["phases"].size() == 4);
  DOCTEST_CHECK(json["phases"][0]["statistics"]["miss_share"] == 0.0);
  // With a co-runner 16 ms, more than the deadline of 12: all are missed.
  DOCTEST_CHECK(json["phases"][1]["statistics"]["miss_share"] > 0.95);
  DOCTEST_CHECK(json["whole"]["accuracy_top1"].get<double>() == doctest::Approx(0.94));
  DOCTEST_CHECK(json["whole"]["accuracy_measured"].get<double>() ==
                doctest::Approx(0.75).epsilon(0.02));
  DOCTEST_CHECK(json["signals"]["power_w"]["estimated"] == true);
  const auto& budget = json["budgets"][0];
  DOCTEST_CHECK(budget["name"] == "latency.app");
  DOCTEST_CHECK(budget["violation_rate"].get<double>() ==
                doctest::Approx(json["whole"]["miss_share"].get<double>() - 0.05).epsilon(0.01));
  const std::uint64_t requests = json["whole"]["requests"];
  const std::uint64_t served = json["whole"]["served"];
  const std::uint64_t dropped = json["whole"]["dropped"];
  DOCTEST_CHECK(requests == served + dropped);
}

DOCTEST_TEST_CASE("the golden trace of 30 periods has not changed") {
  // tests/golden/update.sh writes it anew; look at the difference before you commit it.
  FakeWorld world(
      "name: golden\n"
      "co_runners: {first: {command: [busy], cpus: \"0\"}}\n"
      "phases:\n"
      "  - {name: alone, duration_s: 1}\n"
      "  - {name: one, duration_s: 1, co_runners: [first]}\n"
      "  - {name: tight, duration_s: 1, budgets: {latency: {deadline_ms: 5}}}\n");
  const std::string trace = run(world, kLearner, 42).trace;
  const std::string file = REIN_SOURCE_DIR "/tests/golden/fake_world.csv";
  if (std::getenv("REIN_UPDATE_GOLDEN") != nullptr) {
    write_file(file, trace);
  }
  DOCTEST_CHECK(trace == read_file(file));
}

DOCTEST_TEST_CASE("a latency histogram is within one percent and exact at the top") {
  LatencyHistogram histogram;
  DOCTEST_CHECK(histogram.quantile_ms(0.5) == 0.0);
  for (int i = 1; i <= 1000; ++i) {
    histogram.add(0.01 * i);
  }
  for (const double share : {0.1, 0.5, 0.95, 0.99}) {
    DOCTEST_CHECK(histogram.quantile_ms(share) == doctest::Approx(10.0 * share).epsilon(0.01));
  }
  DOCTEST_CHECK(histogram.quantile_ms(1.0) == 10.0);
  histogram.add(1e12);
  histogram.add(0.0);
  DOCTEST_CHECK(histogram.quantile_ms(1.0) == 1e12);
}

DOCTEST_TEST_CASE("decisions of less than a microsecond were all shown as one") {
  LatencyHistogram decisions;
  for (int i = 0; i < 1000; ++i) {
    decisions.add((100.0 + 0.1 * i) * 1e-6);  // 100 to 200 ns.
  }
  for (const double share : {0.1, 0.5, 0.99}) {
    DOCTEST_CHECK(decisions.quantile_ms(share) ==
                  doctest::Approx((100.0 + 100.0 * share) * 1e-6).epsilon(0.01));
  }
  // Those of 2.5 us to 20 minutes beside them; in less memory than a bin for each would take.
  for (double ms = 2.5e-3; ms < 1.2e6; ms *= 1.1) {
    decisions.add(ms);
  }
  DOCTEST_CHECK(decisions.memory() <= 4096 * sizeof(std::uint64_t));
  LatencyHistogram sum;
  sum.add(1.0);
  sum.add(decisions);
  decisions.add(1.0);
  DOCTEST_CHECK(sum.count() == decisions.count());
  for (const double share : {0.1, 0.5, 0.95, 1.0}) {
    DOCTEST_CHECK(sum.quantile_ms(share) == decisions.quantile_ms(share));
  }
}

DOCTEST_TEST_CASE("a histogram holds the bins alone that lie between what it has seen") {
  LatencyHistogram histogram;
  for (int i = 0; i < 1'000'000; ++i) {
    histogram.add(8.0 + 0.001 * (i % 4000));
  }
  DOCTEST_CHECK(histogram.memory() < 2000);
}

DOCTEST_TEST_CASE("a budget that first appeared in a later phase had no column in the trace") {
  FakeWorld world(
      "name: later\n"
      "co_runners:\n"
      "  first: {command: [busy], cpus: \"0\"}\n"
      "  second: {command: [busy], cpus: \"1\"}\n"
      "phases:\n"
      "  - {name: first, duration_s: 1}\n"
      "  - {name: second, duration_s: 1, budgets: {accuracy: {min_top1: 0.9}}}\n"
      "  - {name: third, duration_s: 1, budgets: {temperature: {limit_c: 60}}}\n");
  const CsvTable table = parse_csv(run(world, kLearner, 1).trace, "trace.csv");
  const auto column = [&](const std::string& name) {
    const auto found = std::ranges::find(table.columns, name);
    DOCTEST_REQUIRE(found != table.columns.end());
    return static_cast<std::size_t>(found - table.columns.begin());
  };
  for (const auto& each :
       {std::pair{"reward_accuracy.app", "second"}, {"reward_temperature", "third"}}) {
    const auto& [name, phase] = each;
    DOCTEST_CAPTURE(each.first);
    for (const auto& row : table.rows) {
      DOCTEST_REQUIRE(row.cells[column(name)].empty() == (row.cells[column("phase")] != phase));
    }
  }
}

DOCTEST_TEST_CASE("what an episode taught was lost when something failed in the middle of it") {
  FakeWorld world;
  Random random(1);
  const auto agent = make_agent(ConfigNode::parse("{kind: model_based}", "run"),
                                problem_of(world.environment), random);
  int periods = 0;
  const auto fail = [&](const PeriodRecord& record) {
    DOCTEST_CHECK(record.policy == "abc");
    DOCTEST_CHECK(record.decision.action == record.action);
    if (++periods == 5) {
      throw Error("disk full");
    }
  };
  ControlLoop loop(world.environment, *agent, random, world.machine.clock,
                   {.sinks = {fail}, .policy = "abc"});
  DOCTEST_CHECK_THROWS_WITH_AS(loop.run(1, [] { return false; }), "disk full", Error);
  DOCTEST_CHECK(agent->updates() == 1);
}

/// Says something in its third decision.
class Talkative final : public Policy, public Learner {
 public:
  explicit Talkative(Problem of) : problem_(std::move(of)) {}
  std::string kind() const override { return "talkative"; }
  Decision decide(const View& view, Session& session) const override {
    if (view.last != nullptr && view.last->index == 1) {
      session.notes.emplace_back("it does not fit");
    }
    return {.action = problem_.actions.decode(0)};
  }
  const Policy& policy() const override { return *this; }
  const Problem& problem() const override { return problem_; }
  void archive(Archive& /*archive*/) override {}

 private:
  Problem problem_;
};

DOCTEST_TEST_CASE("what a policy has to say is told once, with the period in which it said it") {
  FakeWorld world;
  Random random(1);
  Talkative agent(problem_of(world.environment));
  std::vector<std::uint64_t> told;
  std::uint64_t periods = 0;
  ControlLoop loop(world.environment, agent, random, world.machine.clock,
                   {.sinks = {[&](const PeriodRecord& record) {
                      ++periods;
                      if (std::ranges::count(record.result.info.messages, "it does not fit") == 1) {
                        told.push_back(record.index);
                      }
                    }}});
  loop.run(1, [&] { return periods == 6; });
  DOCTEST_CHECK(told == std::vector<std::uint64_t>{2});
}

}  // namespace
}  // namespace rein
