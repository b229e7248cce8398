#include "env/budgets.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <iterator>
#include <numeric>

#include "common/error.hpp"
#include "common/random.hpp"
#include "env/budget_monitor.hpp"

namespace rein {
namespace {

Budgets read(const std::string& text, const Budgets& base = {}) {
  return Budgets::from_yaml(ConfigNode::parse(text, "b"), base);
}

void check_message(const std::string& text, const std::string& message) {
  DOCTEST_CHECK_THROWS_WITH_AS(read(text), message.c_str(), ConfigError);
}

DOCTEST_TEST_CASE("budgets are read, each with its defaults") {
  const Budgets budgets = read(
      "latency: {deadline_ms: 12}\npower: {limit_w: 3, signal: power_ours_w}\n"
      "energy: {limit_mj: 40}\naccuracy: {min_top1: 0.9}\ntemperature: {limit_c: 70}\n");
  DOCTEST_CHECK(budgets.latency->deadline_ms == 12);
  DOCTEST_CHECK(budgets.latency->miss_rate == 0.01);
  DOCTEST_CHECK(budgets.power->window_s == 2.0);
  DOCTEST_CHECK(budgets.power->signal == PowerSignal::kOurs);
  DOCTEST_CHECK(budgets.energy->limit_mj == 40);
  DOCTEST_CHECK(budgets.accuracy->min_top1 == 0.9);
  DOCTEST_CHECK(budgets.temperature->limit_c == 70);
}

DOCTEST_TEST_CASE("a change keeps what it does not name") {
  Budgets base;
  base.latency = LatencyBudget{12.0, 0.05};
  base.power = PowerBudget{.limit_w = 3.0};
  const Budgets changed = read("latency: {deadline_ms: 5}", base);
  DOCTEST_CHECK(changed.latency->deadline_ms == 5.0);
  DOCTEST_CHECK(changed.latency->miss_rate == 0.05);
  DOCTEST_CHECK(changed.power->limit_w == 3.0);
}

DOCTEST_TEST_CASE("what is missing, unknown or out of range is refused") {
  check_message("latency: {miss_rate: 0.1}",
                "b:1:10: latency.deadline_ms: expected this key, found nothing");
  check_message(
      "latency: {deadline_ms: 0}",
      "b:1:24: latency.deadline_ms: expected a number from 1e-06 to 3600000 ms, found '0'");
  check_message("latency: {deadline_ms: 5, miss_rate: 2}",
                "b:1:38: latency.miss_rate: expected a number from 0 to 1, found '2'");
  check_message("latency: {deadline_us: 5}",
                "b:1:10: latency.deadline_ms: expected this key, found nothing");
  check_message("latency: {deadline_ms: 5, dead: 1}",
                "b:1:27: latency.dead: expected one of deadline_ms, miss_rate, found the unknown "
                "key 'dead'");
  check_message("heat: {limit_c: 5}",
                "b:1:1: heat: expected one of accuracy, energy, latency, power, temperature, found "
                "the unknown key 'heat'");
  check_message("energy: {limit_mj: 1, total_j: 5}",
                "b:1:9: energy: expected either limit_mj or total_j, found both");
  check_message("power: {limit_w: 3, signal: watts}",
                "b:1:29: power.signal: expected one of power_w, power_ours_w, found 'watts'");
}

/// Half a second, and what was asked for in it.
struct Period {
  Period(double power_w, double served, double accuracy) {
    facts.interval_s = 0.5;
    facts.power(PowerSignal::kMachine) = power_w;
    facts.applications.push_back({.served = served,
                                  .missed = 0,
                                  .requests = served,
                                  .accuracy_top1 = accuracy,
                                  .latency_mean_ms = std::nullopt});
    task.applications.push_back({.name = "a"});
  }
  std::optional<double>& power_w() { return facts.power(PowerSignal::kMachine); }

  PeriodFacts facts;
  Task task;
};

/// The status of the only budget.
BudgetStatus update(BudgetMonitor& monitor, const Period& period) {
  Worth found;
  worth(period.facts, period.task, found);
  std::vector<BudgetStatus> statuses;
  monitor.update(period.facts, period.task, found.checks, statuses);
  DOCTEST_REQUIRE(statuses.size() == 1);
  return statuses.front();
}

DOCTEST_TEST_CASE("a windowed budget is judged on the mean over its window") {
  BudgetMonitor monitor;
  Period period(6.0, 1, 0.9);
  period.task.power = PowerBudget{.limit_w = 4.0, .window_s = 1.0};
  auto status = update(monitor, period);
  DOCTEST_CHECK(status.name == "power");
  DOCTEST_CHECK(*status.value == 6.0);
  DOCTEST_CHECK(status.exceeded);
  period.power_w() = 1.0;
  status = update(monitor, period);
  DOCTEST_CHECK(*status.value == 3.5);  // (6 + 1) / 2 over one second
  DOCTEST_CHECK_FALSE(status.exceeded);
  status = update(monitor, period);
  DOCTEST_CHECK(*status.value == 1.0);  // The 6 W are out of the window.
}

DOCTEST_TEST_CASE("an unknown power neither counts nor breaks a budget") {
  BudgetMonitor monitor;
  Period period(6.0, 1, 0.9);
  period.task.power = PowerBudget{.limit_w = 4.0, .window_s = 10.0};
  period.power_w().reset();
  DOCTEST_CHECK_FALSE(update(monitor, period).value.has_value());
  period.power_w() = 2.0;
  DOCTEST_CHECK(*update(monitor, period).value == 2.0);
}

DOCTEST_TEST_CASE("accuracy is weighted by what was served, and its limit is a floor") {
  BudgetMonitor monitor;
  Period period(1.0, 3, 0.9);
  period.task.applications[0].accuracy = AccuracyBudget{.min_top1 = 0.93, .window_s = 10.0};
  DOCTEST_CHECK(update(monitor, period).exceeded);
  period.facts.applications[0].served = 9;
  period.facts.applications[0].accuracy_top1 = 0.95;
  const auto status = update(monitor, period);
  DOCTEST_CHECK(*status.value == doctest::Approx((3 * 0.9 + 9 * 0.95) / 12));
  DOCTEST_CHECK_FALSE(status.exceeded);
}

DOCTEST_TEST_CASE(
    "a battery leaves for each second what it holds over what is left of the horizon") {
  BudgetMonitor monitor;
  Budgets budgets;
  budgets.energy = EnergyBudget{.limit_mj = std::nullopt, .total_j = 100.0, .horizon_s = 50.0};
  DOCTEST_CHECK(*monitor.battery_allowance_w(budgets.energy) == 2.0);
  Period period(12.0, 1, 0.9);
  period.facts.interval_s = 5.0;
  period.task.set(budgets);
  period.task.battery_allowance_w = 2.0;
  update(monitor, period);
  DOCTEST_CHECK(*monitor.battery_allowance_w(budgets.energy) == doctest::Approx(40.0 / 45.0));
  monitor.reset();
  DOCTEST_CHECK(*monitor.battery_allowance_w(budgets.energy) == 2.0);
}

DOCTEST_TEST_CASE("a battery's budget is broken when it is empty, not by one hungry period") {
  BudgetMonitor monitor;
  Period period(12.0, 1, 0.9);
  period.facts.interval_s = 5.0;
  period.task.energy = EnergyBudget{.limit_mj = std::nullopt, .total_j = 100.0, .horizon_s = 50.0};
  period.task.battery_allowance_w = 2.0;
  DOCTEST_CHECK_FALSE(update(monitor, period).exceeded);  // 60 J of 100.
  DOCTEST_CHECK(update(monitor, period).exceeded);        // 120 J.
}

DOCTEST_TEST_CASE("a window's mean is that of its last entries and does not drift") {
  BudgetMonitor monitor;
  Period period(1.0, 1, 0.9);
  period.task.power = PowerBudget{.limit_w = 4.0, .window_s = 2.0};
  period.facts.interval_s = 0.1;
  std::vector<double> powers_w;
  Random random(1);
  for (int i = 0; i < 10'000; ++i) {
    // A million times as much every now and then would leave its rounding in a running sum.
    powers_w.push_back(random.uniform() * (i % 100 == 0 ? 1e6 : 1.0));
    period.power_w() = powers_w.back();
    const BudgetStatus status = update(monitor, period);
    const auto from = powers_w.end() - std::min<std::ptrdiff_t>(20, std::ssize(powers_w));
    const double mean =
        std::accumulate(from, powers_w.end(), 0.0) / static_cast<double>(powers_w.end() - from);
    DOCTEST_REQUIRE(*status.value == doctest::Approx(mean).epsilon(1e-12));
  }
}

DOCTEST_TEST_CASE("a window that becomes shorter drops at once what it no longer covers") {
  BudgetMonitor monitor;
  Period period(1.0, 1, 0.9);
  period.task.power = PowerBudget{.limit_w = 4.0, .window_s = 10.0};
  for (const double power_w : {8.0, 6.0, 4.0, 2.0}) {
    period.power_w() = power_w;
    update(monitor, period);
  }
  period.task.power->window_s = 1.0;
  DOCTEST_CHECK(*update(monitor, period).value == 2.0);
}

DOCTEST_TEST_CASE("a battery is not filled again when the budgets change and come back") {
  BudgetMonitor monitor;
  Budgets budgets;
  budgets.energy = EnergyBudget{.limit_mj = std::nullopt, .total_j = 100.0, .horizon_s = 50.0};
  Period period(12.0, 1, 0.9);
  period.facts.interval_s = 5.0;
  period.task.power = PowerBudget{.limit_w = 4.0};
  update(monitor, period);  // In a phase without the battery.
  DOCTEST_CHECK(*monitor.battery_allowance_w(budgets.energy) == doctest::Approx(40.0 / 45.0));
}

}  // namespace
}  // namespace rein
