// A trace and a summary of a period in which two applications were served.

#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "agent/loop/run_summary.hpp"
#include "support/still_world.hpp"

namespace rein {
namespace {

/// A period of the one that there is, as if another one had been served beside it.
StepResult period_of_two(Environment& environment, const Action& action) {
  StepResult result = environment.step(action);
  StepInfo& info = result.info;
  info.applications.push_back(info.applications.at(0));
  info.task.applications.push_back(info.task.applications.at(0));
  ApplicationInfo& other = info.applications[1];
  other.name = info.task.applications[1].name = "other";
  other.service.served = 2;
  other.service.late = 2;
  other.service.latencies_ms = {20.0, 30.0};
  other.service.misses = {true, true};
  info.budgets.push_back(info.budgets.at(0));
  info.budgets.back().name = "latency.other";
  info.task.applications[1].latency = LatencyBudget{.deadline_ms = 15.0, .miss_rate = 0.25};
  return result;
}

DOCTEST_TEST_CASE("each of two applications has its part of a summary") {
  StillWorld world;
  const Observation observation = world.environment.reset(1);
  const StepResult result = period_of_two(world.environment, {0, 0, 0, 0, 0});
  const ServiceReport& first = result.info.applications[0].service;
  DOCTEST_REQUIRE(first.served > 0);
  const Action action{0, 0, 0, 0, 0};
  const PeriodRecord record{.observation = observation,
                            .decision = {.action = action},
                            .action = action,
                            .result = result};

  RunSummary summary(world.environment, 10.0);
  summary.add(record);
  const auto json = summary.to_json();
  DOCTEST_CHECK(json["whole"]["served"] == first.served + 2);
  DOCTEST_CHECK(json["whole"]["late"] == 2);
  DOCTEST_CHECK(json["whole"]["longest_miss_run"] == 2);
  double rate = -1.0;
  for (const auto& budget : json["budgets"]) {
    rate = budget["name"] == "latency.other" ? budget["violation_rate"].get<double>() : rate;
  }
  DOCTEST_CHECK(rate == doctest::Approx((2.0 - 0.25 * 2.0) / 2.0));
}

}  // namespace
}  // namespace rein
