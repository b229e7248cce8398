#include "study/evaluation/episode_figures.hpp"

#include <doctest/doctest.h>

#include "agent/loop/budget_tally.hpp"

namespace rein {
namespace {

Figures figures(std::optional<double> objective, double violation, double reward) {
  return {{"objective", objective}, {"violation", violation}, {"reward", reward}};
}

DOCTEST_TEST_CASE("a share of the oracle's objective is more when it is better") {
  const Figures oracle = figures(0.8, 0.01, 0.9);
  const Figures more =
      compare(figures(0.6, 0.05, 0.4), oracle, oracle, Objective::Kind::kMaxAccuracy);
  DOCTEST_CHECK(*find(more, "objective_share") == doctest::Approx(0.75));
  DOCTEST_CHECK(*find(more, "violation_above_oracle") == doctest::Approx(0.04));
  DOCTEST_CHECK(*find(more, "regret") == doctest::Approx(0.5));
  DOCTEST_CHECK(*find(more, "objective") == 0.6);
  for (const auto kind :
       {Objective::Kind::kMinEnergy, Objective::Kind::kMinPower, Objective::Kind::kMinLatency}) {
    const Figures less = compare(figures(1.6, 0.0, 1.0), oracle, oracle, kind);
    DOCTEST_CHECK(*find(less, "objective_share") == doctest::Approx(0.5));
  }
}

DOCTEST_TEST_CASE("latency and energy are compared as ratios, runs of misses as differences") {
  const Figures oracle = {
      {"latency_p99_ms", 20.0}, {"energy_per_request_mj", 50.0}, {"longest_miss_run", 3.0}};
  const Figures own = {
      {"latency_p99_ms", 25.0}, {"energy_per_request_mj", 40.0}, {"longest_miss_run", 1.0}};
  const Figures compared = compare(own, oracle, oracle, Objective::Kind::kMaxAccuracy);
  DOCTEST_CHECK(*find(compared, "p99_share") == doctest::Approx(1.25));
  DOCTEST_CHECK(*find(compared, "energy_share") == doctest::Approx(0.8));
  DOCTEST_CHECK(*find(compared, "longest_miss_run_above_oracle") == -2.0);
}

DOCTEST_TEST_CASE(
    "shares and regret are of the measure, what is above the oracle is of the oracle") {
  const Figures oracle = figures(0.8, 0.01, 0.9);
  const Figures measure = figures(0.5, 0.0, 1.2);
  const Figures own =
      compare(figures(0.6, 0.05, 0.4), oracle, measure, Objective::Kind::kMaxAccuracy);
  DOCTEST_CHECK(*find(own, "objective_share") == doctest::Approx(1.2));
  DOCTEST_CHECK(*find(own, "regret") == doctest::Approx(0.8));
  DOCTEST_CHECK(*find(own, "violation_above_oracle") == doctest::Approx(0.04));
  const Figures of_oracle = compare(oracle, oracle, measure, Objective::Kind::kMaxAccuracy);
  DOCTEST_CHECK(*find(of_oracle, "regret") == doctest::Approx(0.3));
}

DOCTEST_TEST_CASE("what is not known is not compared") {
  const Figures known = figures(0.8, 0.0, 0.9);
  DOCTEST_CHECK_FALSE(
      find(compare(figures(std::nullopt, 0, 0), known, known, {}), "objective_share").has_value());
  DOCTEST_CHECK_FALSE(find(compare(known, {}, {}, {}), "regret").has_value());
  DOCTEST_CHECK_FALSE(find(known, "no such figure").has_value());
}

DOCTEST_TEST_CASE("means and spreads are of the episodes in which a figure is known") {
  const auto averages =
      average({figures(1.0, 0.1, 1.0), figures(2.0, 0.1, 2.0), figures(std::nullopt, 0.1, 6.0)});
  DOCTEST_REQUIRE(averages.size() == 3);
  DOCTEST_CHECK(averages[0].first == "objective");
  DOCTEST_CHECK(*averages[0].second.mean == doctest::Approx(1.5));
  DOCTEST_CHECK(*averages[0].second.spread == doctest::Approx(0.70710678));
  DOCTEST_CHECK(*averages[1].second.spread == doctest::Approx(0.0));
  DOCTEST_CHECK(*averages[2].second.mean == doctest::Approx(3.0));
  DOCTEST_CHECK(*averages[2].second.spread == doctest::Approx(2.6457513));
  const auto single = average({figures(1.0, 0.1, 1.0)});
  DOCTEST_CHECK_FALSE(single[0].second.spread.has_value());
  DOCTEST_CHECK(average(std::vector<Figures>{}).empty());
}

/// A period with so many requests, of which so many missed.
StepInfo period(std::size_t requests, std::size_t missed, double power_w) {
  StepInfo info;
  ApplicationInfo application{.name = "app"};
  application.service.served = requests;
  application.service.late = missed;
  info.applications = {application};
  info.task.applications = {{.name = "app"}};
  info.task.applications[0].latency = LatencyBudget{.deadline_ms = 10.0, .miss_rate = 0.1};
  info.budgets.push_back({.name = "latency.app", .limit = 0.1, .value = 0.0});
  info.budgets.push_back(
      {.name = "power", .limit = 3.0, .value = power_w, .exceeded = power_w > 3.0});
  info.budgets.push_back(
      {.name = "accuracy.app", .limit = 0.5, .value = 0.9 - power_w / 10.0, .is_floor = true});
  return info;
}

DOCTEST_TEST_CASE("violation rates count misses beyond those allowed, and windows over a limit") {
  BudgetTally tally;
  DOCTEST_CHECK(tally.worst_rate() == 0.0);
  tally.add(period(10, 1, 2.0));
  DOCTEST_CHECK(tally.worst_rate() == 0.0);
  tally.add(period(10, 5, 4.0));
  auto entries = tally.entries();
  DOCTEST_CHECK(*entries["latency.app"].violation_rate == doctest::Approx(0.2));  // 4 of 20.
  DOCTEST_CHECK(*entries["power"].violation_rate == doctest::Approx(0.5));
  DOCTEST_CHECK(*entries["power"].worst == 4.0);
  DOCTEST_CHECK(*entries["accuracy.app"].worst == doctest::Approx(0.5));  // Of a floor the least.
  DOCTEST_CHECK(tally.worst_rate() == doctest::Approx(0.5));
  // Two periods more that keep everything: 1 of 4 windows; 4 - 2 of 40 requests.
  DOCTEST_CHECK(tally.least_worst_rate(2.0, 20.0) == doctest::Approx(0.25));
}

}  // namespace
}  // namespace rein
