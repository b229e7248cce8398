// Factors are found in machines that were made from known ones.
#include "agent/model_based/prior.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "support/simulated_world.hpp"

namespace rein {
namespace {

constexpr std::size_t kActions = 3;

constexpr double kOfOne[] = {0.5, 0.4, 0.3, 0.2, 0.3, 0.1, 0.0, 0.4, 0.2, 0.0};
constexpr double kOfOther[] = {0.1, -0.3, 0.2, 0.5, -0.4, 0.1, 0.3, 0.0, -0.2, 0.0};
constexpr double kOfPassing[] = {0.3, 0.2, 0.0, 0.1, 0.1, 0.1, 0.0, -0.2, 0.0, 0.6};

/// A machine with two lasting factors, under one passing one: nine quantities and a hint.
Sweep machine(double one, double other, double passing) {
  Sweep sweep;
  for (std::size_t i = 0; i < std::size(kOfOne); ++i) {
    sweep.push_back(1.0 + 0.1 * static_cast<double>(i) + one * kOfOne[i] + other * kOfOther[i] +
                    passing * kOfPassing[i]);
  }
  return sweep;
}

/// @param times  that each of them was swept.
FactorSearch search_of_four(std::size_t times = 1) {
  FactorSearch search;
  for (std::size_t i = 0; i < times; ++i) {
    for (const auto& [one, other] : {std::pair(-1.0, -1.0), {-1.0, 1.0}, {1.0, -1.0}, {1.0, 1.0}}) {
      search.add(machine(one, other, 0.0), {machine(one, other, 0.5), machine(one, other, 1.5)});
    }
  }
  return search;
}

DOCTEST_TEST_CASE("as many factors are found as there are") {
  const FactorSearch search = search_of_four();
  const FactorModel model = search.find(kActions, {});
  DOCTEST_CHECK(model.lasting == 2);
  DOCTEST_CHECK(model.passing == 1);
  DOCTEST_REQUIRE(model.quantities() == 10);
  for (std::size_t i = 0; i < 10; ++i) {
    DOCTEST_CHECK(model.offset[i] == doctest::Approx(machine(0.0, 0.0, 0.0)[i]));
    DOCTEST_CHECK(model.own[i] == doctest::Approx(1e-4));  // Nothing is left unexplained.
  }
}

DOCTEST_TEST_CASE(
    "factors vary together as the machines did, be they fewer than quantities or more") {
  for (const std::size_t times : {1, 5}) {
    DOCTEST_CAPTURE(times);
    const FactorModel model = search_of_four(times).find(kActions, {});
    DOCTEST_REQUIRE(model.lasting == 2);
    DOCTEST_REQUIRE(model.passing == 1);
    for (std::size_t i = 0; i < 10; ++i) {
      const auto row = model.row(i);
      // The mean square of half a co-runner and one and a half.
      DOCTEST_CHECK(std::abs(row[2] - std::sqrt(1.25) * kOfPassing[i]) < 1e-9);
      for (std::size_t j = 0; j < 10; ++j) {
        const double together = row[0] * model.row(j)[0] + row[1] * model.row(j)[1];
        DOCTEST_CHECK(std::abs(together - kOfOne[i] * kOfOne[j] - kOfOther[i] * kOfOther[j]) <
                      1e-9);
      }
    }
  }
}

DOCTEST_TEST_CASE("the largest number of a factor is positive, as seen with the weights") {
  const FactorSearch::Options options{.service_weight = 2.0};
  const FactorModel model = search_of_four().find(kActions, options);
  for (std::size_t factor = 0; factor < model.factors(); ++factor) {
    double largest = 0.0;
    for (std::size_t i = 0; i < model.quantities(); ++i) {
      const double value = model.row(i)[factor] * (i < kActions ? options.service_weight : 1.0);
      largest = std::abs(value) > std::abs(largest) ? value : largest;
    }
    DOCTEST_CHECK(largest > 0.0);
  }
}

DOCTEST_TEST_CASE("where nobody else was there, or changed nothing, nothing passes") {
  for (const std::size_t contended : {0, 2}) {
    DOCTEST_CAPTURE(contended);
    FactorSearch search;
    for (const double one : {-1.0, 1.0}) {
      search.add(machine(one, 0.0, 0.0), std::vector(contended, machine(one, 0.0, 0.0)));
    }
    const FactorModel model = search.find(kActions, {});
    DOCTEST_CHECK(model.lasting == 1);
    DOCTEST_CHECK(model.passing == 0);
    const auto conditions = search.conditions(model, 3);
    DOCTEST_CHECK(conditions.size() == 1 + std::min<std::size_t>(3, 2 * contended));
    DOCTEST_CHECK(conditions.back().mean.empty());
  }
}

DOCTEST_TEST_CASE("two machines that are alike have no lasting factors") {
  FactorSearch search;
  for (int i = 0; i < 2; ++i) {
    search.add(machine(0.5, 0.5, 0.0), {machine(0.5, 0.5, 1.0)});
  }
  const FactorModel model = search.find(kActions, {});
  DOCTEST_CHECK(model.lasting == 0);
  DOCTEST_CHECK(model.passing == 1);
  for (std::size_t i = 0; i < 10; ++i) {
    DOCTEST_CHECK(std::abs(model.row(i)[0] - kOfPassing[i]) < 1e-9);
  }
}

DOCTEST_TEST_CASE("as many factors as may be are numbers, even where nothing is left for them") {
  for (const std::size_t times : {1, 5}) {
    DOCTEST_CAPTURE(times);
    const FactorSearch search = search_of_four(times);
    const FactorModel model = search.find(kActions, {.unexplained = 0.0});
    for (const double value : model.basis) {
      DOCTEST_REQUIRE(std::isfinite(value));
    }
    for (const auto& condition : search.conditions(model, 96)) {
      for (const double value : condition.mean) {
        DOCTEST_REQUIRE(std::isfinite(value));
      }
    }
  }
}

DOCTEST_TEST_CASE("a machine that was not swept is told from three of its ten quantities") {
  const FactorModel model = search_of_four().find(kActions, {});
  const Sweep unseen = machine(0.6, -0.7, 1.2);
  Belief belief(model);
  for (const std::size_t quantity : {0, 3, 9}) {
    belief.update({{{quantity, 1.0}}, unseen[quantity], 1e-6});
  }
  for (std::size_t i = 0; i < unseen.size(); ++i) {
    DOCTEST_CAPTURE(i);
    DOCTEST_CHECK(std::abs(belief.estimate(i).mean - unseen[i]) < 0.01);
  }
}

DOCTEST_TEST_CASE("what factors do not explain is each quantity's own") {
  const FactorModel model = search_of_four().find(kActions, {.lasting = 1});
  DOCTEST_CHECK(model.lasting == 1);
  DOCTEST_CHECK(model.passing == 1);
  double own = 0.0;
  for (const double variance : model.own) {
    own += variance;
  }
  DOCTEST_CHECK(own > 0.1);
}

DOCTEST_TEST_CASE("conditions are nobody else, and some of those that were there") {
  const FactorSearch search = search_of_four();
  const FactorModel model = search.find(kActions, {});
  const auto conditions = search.conditions(model, 2);
  DOCTEST_REQUIRE(conditions.size() == 3);
  DOCTEST_CHECK(conditions[0].mean == std::vector<double>{0.0});
  for (const std::size_t i : {1, 2}) {
    DOCTEST_CHECK(conditions[i].kept == 0);
    // The first and the fifth of the eight differences are of half a co-runner.
    const double hint = model.row(9)[2] * conditions[i].mean[0];
    DOCTEST_CHECK(hint == doctest::Approx(0.5 * 0.6));
  }
}

DOCTEST_TEST_CASE("where fewer conditions were seen than are wanted each is taken once") {
  const FactorSearch search = search_of_four();
  const FactorModel model = search.find(kActions, {});
  const auto conditions = search.conditions(model, 96);
  DOCTEST_REQUIRE(conditions.size() == 9);
  for (std::size_t i = 1; i < conditions.size(); ++i) {
    DOCTEST_CAPTURE(i);
    const double co_runners = i % 2 == 1 ? 0.5 : 1.5;
    DOCTEST_CHECK(model.row(9)[2] * conditions[i].mean[0] == doctest::Approx(co_runners * 0.6));
  }
}

DOCTEST_TEST_CASE("the same machines give the same model") {
  const FactorModel one = search_of_four().find(kActions, {});
  const FactorModel other = search_of_four().find(kActions, {});
  DOCTEST_CHECK(one.offset == other.offset);
  DOCTEST_CHECK(one.basis == other.basis);
  DOCTEST_CHECK(one.own == other.own);
}

DOCTEST_TEST_CASE("a sweep tells service times and powers of a small board that are known") {
  SimulatedTask task = SmallTask::make();
  task.requests.rate_hz = 2.0;
  SimulatedWorld few(task);
  task.requests.rate_hz = 40.0;
  SimulatedWorld many(task);
  std::uint64_t periods = 0;
  const Sweep measured = sweep(few.environment(), many.environment(), 1, periods);
  const Environment& environment = few.environment();
  const std::size_t actions = environment.action_space().size();
  const auto hints = find_cpu_shares(environment.signals());
  DOCTEST_REQUIRE(measured.size() == 3 * actions + hints.size());
  DOCTEST_CHECK(periods >= 6 * actions);
  const auto check = [&](const std::string& width, const std::string& mapping, double service_ms) {
    const ActionId action =
        environment.action_space().encode(action_of(environment, width, mapping));
    DOCTEST_CHECK(std::exp(measured[action]) == doctest::Approx(service_ms).epsilon(0.01));
    return action;
  };
  check("0.5", "cpu0", 6.0);
  check("0.5", "all2", 4.0);
  check("1.0", "all2", 7.0);
  const ActionId one = check("1.0", "cpu0", 11.0);
  // The clock's 0.5 W and 1 W besides; a busy CPU's 2 W.
  DOCTEST_CHECK(measured[actions + one] == doctest::Approx(1.5).epsilon(0.02));
  DOCTEST_CHECK(measured[2 * actions + one] == doctest::Approx(2.0).epsilon(0.02));
}

DOCTEST_TEST_CASE("no other signal is taken for power where nothing measures it") {
  SimulatedTask task = SmallTask::make();
  std::erase_if(task.board.simulation->sensors,
                [](const SimulatedSensor& sensor) { return sensor.signal.starts_with("power_"); });
  task.board.power_model.cpu_w = 0.0;
  task.requests.rate_hz = 2.0;
  SimulatedWorld few(task);
  task.requests.rate_hz = 40.0;
  SimulatedWorld many(task);
  DOCTEST_REQUIRE_FALSE(find_signal(few.environment().signals(), "power_w"));
  DOCTEST_REQUIRE_FALSE(few.environment().signals().empty());
  std::uint64_t periods = 0;
  const Sweep measured = sweep(few.environment(), many.environment(), 1, periods);
  const std::size_t actions = few.environment().action_space().size();
  for (std::size_t i = actions; i < 3 * actions; ++i) {
    DOCTEST_REQUIRE(measured[i] == 0.0);
  }
}

}  // namespace
}  // namespace rein
