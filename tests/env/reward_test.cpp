#include "env/reward.hpp"

#include <doctest/doctest.h>

#include "common/error.hpp"
#include "common/random.hpp"

namespace rein {
namespace {

PeriodFacts typical() {
  PeriodFacts facts;
  facts.interval_s = 0.1;
  facts.power_w = 5.0;
  facts.budget_power_w = 5.0;
  facts.hottest_c = 60.0;
  facts.applications.push_back({.name = "a",
                                .budgets = {},
                                .served = 8,
                                .missed = 1,
                                .requests = 10,
                                .accuracy_top1 = 0.92,
                                .accuracy_lowest = 0.90,
                                .accuracy_highest = 0.94,
                                .latency_mean_ms = 6.0});
  facts.applications[0].budgets.latency = LatencyBudget{12.0, 0.05};
  return facts;
}

std::vector<BudgetCheck> checks_of(const PeriodFacts& facts) {
  std::vector<BudgetCheck> checks;
  check_budgets(facts, checks);
  return checks;
}

std::vector<RewardTerm> terms_of(const Reward& reward, const PeriodFacts& facts) {
  std::vector<RewardTerm> terms;
  reward.terms(facts, checks_of(facts), terms);
  return terms;
}

DOCTEST_TEST_CASE("the objective is accuracy between the narrowest and the widest level") {
  const auto terms = terms_of(Reward(Objective{}, Prices{}), typical());
  DOCTEST_CHECK(terms.at(0).name == "objective");
  DOCTEST_CHECK(terms.at(0).value == doctest::Approx(0.5));
}

DOCTEST_TEST_CASE("a violation costs its price times the share of misses beyond the allowed one") {
  const Reward reward(Objective{}, Prices{.latency = 4.0});
  const auto terms = terms_of(reward, typical());
  DOCTEST_REQUIRE(terms.size() == 2);
  DOCTEST_CHECK(terms[1].name == "latency.a");
  DOCTEST_CHECK(terms[1].value == doctest::Approx(-4.0 * (0.1 - 0.05) / 0.95));
  DOCTEST_CHECK(Reward::sum(terms) == doctest::Approx(0.5 - 4.0 * 0.05 / 0.95));
}

DOCTEST_TEST_CASE("every budget that is set has its term") {
  PeriodFacts facts = typical();
  facts.budgets.power = PowerBudget{.limit_w = 4.0};
  facts.budgets.energy = EnergyBudget{.limit_mj = 50.0};
  facts.budgets.temperature = TemperatureBudget{.limit_c = 55.0};
  facts.applications[0].budgets.accuracy = AccuracyBudget{.min_top1 = 0.93};
  const auto checks = checks_of(facts);
  DOCTEST_REQUIRE(checks.size() == 5);
  DOCTEST_CHECK(checks[1].name == "accuracy.a");
  DOCTEST_CHECK(checks[1].violation == doctest::Approx(0.25));  // 0.01 of a range of 0.04
  DOCTEST_CHECK(checks[2].violation == doctest::Approx(0.25));  // 5 W over 4 W
  DOCTEST_CHECK(*checks[3].value == doctest::Approx(62.5));     // 5 W x 0.1 s / 8
  DOCTEST_CHECK(checks[3].violation == doctest::Approx(0.25));
  DOCTEST_CHECK(checks[4].violation == doctest::Approx(0.5));  // 5 of 10 degC
}

DOCTEST_TEST_CASE("checks and terms that are filled again are as if they were new") {
  PeriodFacts facts = typical();
  facts.budgets.power = PowerBudget{.limit_w = 4.0};
  std::vector<BudgetCheck> checks = checks_of(facts);
  const Reward reward(Objective{}, Prices{});
  std::vector<RewardTerm> terms = terms_of(reward, facts);
  facts.budgets.power.reset();
  facts.budgets.temperature = TemperatureBudget{.limit_c = 55.0};
  facts.applications[0].budgets.latency.reset();
  check_budgets(facts, checks);
  reward.terms(facts, checks, terms);
  DOCTEST_REQUIRE(checks.size() == 1);
  DOCTEST_CHECK(checks[0].name == "temperature");
  DOCTEST_CHECK(checks[0].violation == checks_of(facts)[0].violation);
  DOCTEST_REQUIRE(terms.size() == 2);
  DOCTEST_CHECK(terms[1].name == "temperature");
}

DOCTEST_TEST_CASE("what is not known breaks no budget") {
  PeriodFacts facts = typical();
  facts.power_w.reset();
  facts.budget_power_w.reset();
  facts.hottest_c.reset();
  facts.applications[0].requests = 0;
  facts.budgets.power = PowerBudget{.limit_w = 0.1};
  facts.budgets.energy = EnergyBudget{.limit_mj = 0.1};
  facts.budgets.temperature = TemperatureBudget{.limit_c = 1.0};
  for (const auto& check : checks_of(facts)) {
    DOCTEST_CHECK(check.violation == 0.0);
    DOCTEST_CHECK_FALSE(check.value.has_value());
  }
}

DOCTEST_TEST_CASE("the other objectives fall with power, energy and latency") {
  const PeriodFacts facts = typical();
  const auto objective = [&](Objective::Kind kind, double reference) {
    return terms_of(Reward({kind, reference}, Prices{}), facts).front().value;
  };
  DOCTEST_CHECK(objective(Objective::Kind::kMinPower, 10.0) == doctest::Approx(0.5));
  DOCTEST_CHECK(objective(Objective::Kind::kMinEnergy, 125.0) == doctest::Approx(0.5));
  DOCTEST_CHECK(objective(Objective::Kind::kMinLatency, 0.0) == doctest::Approx(0.5));
}

DOCTEST_TEST_CASE("the reward falls, or stays, when only power rises (1000 random periods)") {
  Random random(1);
  const Reward reward({Objective::Kind::kMinEnergy, 100.0}, Prices{});
  for (int i = 0; i < 1000; ++i) {
    PeriodFacts facts = typical();
    facts.budgets.power = PowerBudget{.limit_w = 1.0 + 9.0 * random.uniform()};
    facts.power_w = facts.budget_power_w = 10.0 * random.uniform();
    const double before = Reward::sum(terms_of(reward, facts));
    facts.power_w = facts.budget_power_w = *facts.power_w + random.uniform();
    DOCTEST_REQUIRE(Reward::sum(terms_of(reward, facts)) <= before);
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
