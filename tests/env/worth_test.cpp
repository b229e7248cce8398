#include "env/worth.hpp"

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

#include "common/error.hpp"
#include "common/random.hpp"
#include "env/budget_monitor.hpp"

namespace rein {
namespace {

PeriodFacts typical() {
  PeriodFacts facts;
  facts.interval_s = 0.1;
  facts.power(PowerSignal::kMachine) = 5.0;
  facts.measured(BudgetId::Kind::kTemperature) = 60.0;
  facts.applications.push_back({.served = 8,
                                .missed = 1,
                                .requests = 10,
                                .accuracy_top1 = 0.92,
                                .accuracy_lowest = 0.90,
                                .accuracy_highest = 0.94,
                                .latency_mean_ms = 6.0});
  return facts;
}

Task asked() {
  Task task;
  task.applications = {{.name = "a"}};
  task.applications[0].latency = LatencyBudget{12.0, 0.05};
  return task;
}

Worth worth_of(const PeriodFacts& facts, const Task& task) {
  Worth result;
  worth(facts, task, result);
  return result;
}

DOCTEST_TEST_CASE("the objective is accuracy between the narrowest and the widest level") {
  const auto terms = worth_of(typical(), asked()).terms;
  DOCTEST_CHECK(terms.at(0).name == "objective");
  DOCTEST_CHECK(terms.at(0).value == doctest::Approx(0.5));
}

DOCTEST_TEST_CASE("a violation costs its price times the share of misses beyond the allowed one") {
  Task task = asked();
  task.prices[BudgetId::Kind::kLatency] = 4.0;
  const Worth found = worth_of(typical(), task);
  DOCTEST_REQUIRE(found.terms.size() == 2);
  DOCTEST_CHECK(found.terms[1].name == "latency.a");
  DOCTEST_CHECK(found.terms[1].value == doctest::Approx(-4.0 * (0.1 - 0.05) / 0.95));
  DOCTEST_CHECK(found.sum == doctest::Approx(0.5 - 4.0 * 0.05 / 0.95));
}

DOCTEST_TEST_CASE("every budget that is set has its term") {
  Task task = asked();
  task.power = PowerBudget{.limit_w = 4.0};
  task.energy = EnergyBudget{.limit_mj = 50.0, .total_j = std::nullopt};
  task.temperature = TemperatureBudget{.limit_c = 55.0};
  task.applications[0].accuracy = AccuracyBudget{.min_top1 = 0.93};
  const auto checks = worth_of(typical(), task).checks;
  DOCTEST_REQUIRE(checks.size() == 5);
  DOCTEST_CHECK(checks[1].name == "accuracy.a");
  DOCTEST_CHECK(checks[1].violation == doctest::Approx(0.25));  // 0.01 of a range of 0.04
  DOCTEST_CHECK(checks[2].violation == doctest::Approx(0.25));  // 5 W over 4 W
  DOCTEST_CHECK(*checks[3].value == doctest::Approx(62.5));     // 5 W x 0.1 s / 8
  DOCTEST_CHECK(checks[3].violation == doctest::Approx(0.25));
  DOCTEST_CHECK(checks[4].violation == doctest::Approx(0.5));  // 5 of 10 degC
}

DOCTEST_TEST_CASE("each budget is judged on the power that it names") {
  PeriodFacts facts = typical();
  facts.power(PowerSignal::kOurs) = 2.0;
  Task task = asked();
  task.objective = {Objective::Kind::kMinPower, 10.0};
  task.power = PowerBudget{.limit_w = 4.0, .signal = PowerSignal::kOurs};
  task.energy = EnergyBudget{.limit_mj = 50.0, .total_j = std::nullopt};
  const Worth found = worth_of(facts, task);
  DOCTEST_CHECK(found.terms[0].value == doctest::Approx(0.5));
  DOCTEST_CHECK(*found.checks[1].value == 2.0);
  DOCTEST_CHECK(*found.checks[2].value == doctest::Approx(62.5));
  task.energy->signal = PowerSignal::kOurs;
  DOCTEST_CHECK(*worth_of(facts, task).checks[2].value == doctest::Approx(25.0));
}

DOCTEST_TEST_CASE("a worth that is filled again is as if it were new") {
  Task task = asked();
  task.power = PowerBudget{.limit_w = 4.0};
  Worth found = worth_of(typical(), task);
  task.power.reset();
  task.temperature = TemperatureBudget{.limit_c = 55.0};
  task.applications[0].latency.reset();
  worth(typical(), task, found);
  DOCTEST_REQUIRE(found.checks.size() == 1);
  DOCTEST_CHECK(found.checks[0].name == "temperature");
  DOCTEST_CHECK(found.checks[0].violation == worth_of(typical(), task).checks[0].violation);
  DOCTEST_REQUIRE(found.terms.size() == 2);
  DOCTEST_CHECK(found.terms[1].name == "temperature");
}

DOCTEST_TEST_CASE("what is not known breaks no budget") {
  PeriodFacts facts = typical();
  facts.power_w.fill(std::nullopt);
  facts.measured(BudgetId::Kind::kTemperature).reset();
  facts.applications[0].requests = 0;
  Task task = asked();
  task.power = PowerBudget{.limit_w = 0.1};
  task.energy = EnergyBudget{.limit_mj = 0.1, .total_j = std::nullopt};
  task.temperature = TemperatureBudget{.limit_c = 1.0};
  for (const auto& check : worth_of(facts, task).checks) {
    DOCTEST_CHECK(check.violation == 0.0);
    DOCTEST_CHECK_FALSE(check.value.has_value());
  }
}

/// The typical application, and one beside it that misses more and is served at its best.
PeriodFacts two_applications() {
  PeriodFacts facts = typical();
  facts.applications.push_back({.served = 12,
                                .missed = 5,
                                .requests = 20,
                                .accuracy_top1 = 0.8,
                                .accuracy_lowest = 0.7,
                                .accuracy_highest = 0.8,
                                .latency_mean_ms = 3.0});
  return facts;
}

Task asked_of_two() {
  Task task = asked();
  task.applications.push_back({.name = "b"});
  task.applications[1].latency = LatencyBudget{.deadline_ms = 30.0, .miss_rate = 0.2};
  task.applications[1].accuracy = AccuracyBudget{.min_top1 = 0.85};
  return task;
}

DOCTEST_TEST_CASE("each of two applications is judged by its own budgets") {
  Task task = asked_of_two();
  task.energy = EnergyBudget{.limit_mj = 20.0, .total_j = std::nullopt};
  const Worth found = worth_of(two_applications(), task);
  std::vector<std::string> names;
  for (const auto& check : found.checks) {
    names.push_back(check.name);
  }
  DOCTEST_CHECK(names ==
                std::vector<std::string>{"latency.a", "latency.b", "accuracy.b", "energy"});
  DOCTEST_CHECK(found.checks[0].violation == doctest::Approx(0.05 / 0.95));
  DOCTEST_CHECK(found.checks[1].violation == doctest::Approx(0.05 / 0.8));
  DOCTEST_CHECK(found.checks[2].violation == doctest::Approx(0.5));
  // 5 W for a tenth of a second over the 20 requests of both.
  DOCTEST_CHECK(found.checks[3].value == doctest::Approx(25.0));
  DOCTEST_CHECK(found.terms[0].value == doctest::Approx((0.5 + 1.0) / 2.0));
  task.objective.kind = Objective::Kind::kMinLatency;
  DOCTEST_CHECK(worth_of(two_applications(), task).terms[0].value ==
                doctest::Approx((0.5 + 0.9) / 2.0));
}

DOCTEST_TEST_CASE("the windows of two applications are not mixed up") {
  Task task = asked_of_two();
  task.applications[0].accuracy = AccuracyBudget{.min_top1 = 0.91};
  PeriodFacts facts = two_applications();
  BudgetMonitor monitor;
  std::vector<BudgetStatus> statuses;
  const auto pass = [&] {
    monitor.update(facts, task, worth_of(facts, task).checks, statuses);
    std::map<std::string, double> values;
    for (const auto& status : statuses) {
      values[status.name] = status.value.value_or(-1.0);
    }
    return values;
  };
  pass();
  facts.applications[0].accuracy_top1 = 0.90;
  facts.applications[1].accuracy_top1 = 0.70;
  const auto values = pass();
  DOCTEST_CHECK(values.at("accuracy.a") == doctest::Approx(0.91));
  DOCTEST_CHECK(values.at("accuracy.b") == doctest::Approx(0.75));
  DOCTEST_CHECK(values.at("latency.b") == doctest::Approx(0.25));
  DOCTEST_CHECK(statuses.size() == 4);
}

DOCTEST_TEST_CASE("a term tells which budget it is of") {
  DOCTEST_CHECK(rule_of_term("latency.app")->kind == BudgetId::Kind::kLatency);
  DOCTEST_CHECK(rule_of_term("temperature")->kind == BudgetId::Kind::kTemperature);
  for (const char* other : {"objective", "latencyapp", "power.app", "lat", ""}) {
    DOCTEST_CHECK(rule_of_term(other) == nullptr);
  }
}

DOCTEST_TEST_CASE("an empty battery is broken whatever is used") {
  PeriodFacts facts = typical();
  Task task = asked();
  task.energy = EnergyBudget{.limit_mj = std::nullopt, .total_j = 5.0, .horizon_s = 10.0};
  task.battery_allowance_w = 0.0;
  DOCTEST_CHECK(worth_of(facts, task).checks[1].violation == 1.0);
  facts.power_w.fill(std::nullopt);
  DOCTEST_CHECK(worth_of(facts, task).checks[1].violation == 1.0);
}

DOCTEST_TEST_CASE("the other objectives fall with power, energy and latency") {
  const auto objective = [&](Objective::Kind kind, double reference) {
    Task task = asked();
    task.objective = {kind, reference};
    return worth_of(typical(), task).terms.front().value;
  };
  DOCTEST_CHECK(objective(Objective::Kind::kMinPower, 10.0) == doctest::Approx(0.5));
  DOCTEST_CHECK(objective(Objective::Kind::kMinEnergy, 125.0) == doctest::Approx(0.5));
  DOCTEST_CHECK(objective(Objective::Kind::kMinLatency, 0.0) == doctest::Approx(0.5));
}

DOCTEST_TEST_CASE("the reward falls, or stays, when only power rises (1000 random periods)") {
  Random random(1);
  Task task = asked();
  task.objective = {Objective::Kind::kMinEnergy, 100.0};
  for (int i = 0; i < 1000; ++i) {
    PeriodFacts facts = typical();
    task.power = PowerBudget{.limit_w = 1.0 + 9.0 * random.uniform()};
    auto& power_w = facts.power(PowerSignal::kMachine);
    power_w = 10.0 * random.uniform();
    const double before = worth_of(facts, task).sum;
    power_w = *power_w + random.uniform();
    DOCTEST_REQUIRE(worth_of(facts, task).sum <= before);
  }
}

DOCTEST_TEST_CASE("an objective that needs a reference says so") {
  const auto read = [](const std::string& text) {
    return Objective::from_yaml(ConfigNode::parse(text, "o").at("objective"));
  };
  DOCTEST_CHECK(read("objective: min_latency").name() == "min_latency");
  DOCTEST_CHECK(read("objective: {kind: min_energy, reference_mj: 50}").reference == 50.0);
  DOCTEST_CHECK_THROWS_WITH_AS(
      read("objective: min_power"),
      "o:1:12: objective: expected {kind: min_power, reference_w: ...}, found 'min_power'",
      ConfigError);
  DOCTEST_CHECK_THROWS_WITH_AS(read("objective: fastest"),
                               "o:1:12: objective: expected one of max_accuracy, min_energy, "
                               "min_power, min_latency, found 'fastest'",
                               ConfigError);
}

}  // namespace
}  // namespace rein
