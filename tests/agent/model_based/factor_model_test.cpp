// Numbers worked by hand for two factors and three quantities.
#include "agent/model_based/factor_model.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>
#include <vector>

#include "common/error.hpp"
#include "support/archived.hpp"

namespace rein {
namespace {

/// The first quantity depends on the lasting factor, the third on the passing one, the second on
/// both.
FactorModel small_model() {
  return {.lasting = 1,
          .passing = 1,
          .offset = {1.0, 2.0, 0.0},
          .basis = {2.0, 0.0, 1.0, 1.0, 0.0, 3.0},
          .own = {1.0, 2.0, 1.0}};
}

void check(const Estimate& estimate, double mean, double variance) {
  DOCTEST_CHECK(estimate.mean == doctest::Approx(mean).epsilon(1e-12));
  DOCTEST_CHECK(estimate.variance == doctest::Approx(variance).epsilon(1e-12));
}

/// The second quantity and half of the third were 12 together; both factors changed.
Belief after_a_sum(const FactorModel& model) {
  Belief belief(model);
  // Expected are 2 with the variance 1 + 2.5^2 + 2 + 0.25 = 9.5, so the surprise is 10 / 10.
  belief.update({{{1, 1.0}, {2, 0.5}}, 12.0, 0.5});
  return belief;
}

DOCTEST_TEST_CASE("many quantities at once are what each of them is by itself") {
  // More than fit into two lots, with a factor of which all is known.
  constexpr std::size_t kCount = 19;
  constexpr std::size_t kFactors = 5;
  FactorModel model{.lasting = 3, .passing = 2, .offset = {}, .basis = {}, .own = {}};
  for (std::size_t i = 0; i < 2 * kCount; ++i) {
    const auto x = static_cast<double>(i);
    model.offset.push_back(0.5 * x);
    model.own.push_back(0.01 + 0.001 * x);
    for (std::size_t factor = 0; factor < kFactors; ++factor) {
      model.basis.push_back(std::sin(x * static_cast<double>(factor + 1)));
    }
  }
  Belief belief(model);
  belief.update({{{0, 1.0}, {kCount, 0.5}}, 3.0, 0.1});
  belief.update({{{7, 1.0}}, 4.0, 0.01});
  const FactorColumns columns(model);
  std::vector<Estimate> alone(kCount);
  belief.estimate_each(columns, 0, alone);
  std::vector<double> weights;
  for (std::size_t i = 0; i < kCount; ++i) {
    weights.push_back(0.05 * static_cast<double>(i));
  }
  std::vector<Estimate> sums(kCount);
  belief.estimate_each(columns, 0, kCount, weights, sums);
  for (std::size_t i = 0; i < kCount; ++i) {
    const Evidence::Part parts[] = {{i, 1.0}, {kCount + i, weights[i]}};
    DOCTEST_CHECK(alone[i].mean == doctest::Approx(belief.estimate(i).mean).epsilon(1e-5));
    DOCTEST_CHECK(alone[i].variance == doctest::Approx(belief.estimate(i).variance).epsilon(1e-5));
    DOCTEST_CHECK(sums[i].mean == doctest::Approx(belief.estimate(parts).mean).epsilon(1e-5));
    DOCTEST_CHECK(sums[i].variance ==
                  doctest::Approx(belief.estimate(parts).variance).epsilon(1e-5));
  }
}

DOCTEST_TEST_CASE("before anything is measured a quantity is what the model says") {
  const FactorModel model = small_model();
  const Belief belief(model);
  check(belief.estimate(0), 1.0, 4.0 + 1.0);
  check(belief.estimate(1), 2.0, 1.0 + 1.0 + 2.0);
  check(belief.estimate(2), 0.0, 9.0 + 1.0);
}

DOCTEST_TEST_CASE("a measurement corrects all quantities that share a factor with it") {
  const FactorModel model = small_model();
  Belief belief(model);
  // 6 above what was expected, of which the variance is 5 + 3: the factor becomes 2 x 6 / 8 with
  // the variance 1 - 2^2 / 8, the deviation of its own 6 / 8 with 1 - 1 / 8.
  const double likelihood = belief.update({{{0, 1.0}}, 7.0, 3.0});
  check(belief.estimate(0), 1.0 + 2.0 * 1.5 + 0.75, 4.0 * 0.5 + 0.875);
  check(belief.estimate(1), 2.0 + 1.5, 0.5 + 1.0 + 2.0);
  check(belief.estimate(2), 0.0, 10.0);
  DOCTEST_CHECK(likelihood ==
                doctest::Approx(-0.5 * (36.0 / 8.0 + std::log(2.0 * std::numbers::pi * 8.0))));
}

DOCTEST_TEST_CASE("a measured sum is shared out among its parts") {
  const FactorModel model = small_model();
  const Belief belief = after_a_sum(model);
  // The factors are 1 and 2.5, with the covariance [0.9, -0.25; -0.25, 0.375]; the deviations 2 and
  // 0.5, with the variances 2 - 4 / 10 and 1 - 0.25 / 10.
  check(belief.estimate(0), 1.0 + 2.0, 4.0 * 0.9 + 1.0);
  check(belief.estimate(1), 2.0 + 1.0 + 2.5 + 2.0, 0.9 + 0.375 - 2.0 * 0.25 + 1.6);
  check(belief.estimate(2), 3.0 * 2.5 + 0.5, 9.0 * 0.375 + 0.975);
}

DOCTEST_TEST_CASE("what passes is forgotten, what lasts and what is a quantity's own is kept") {
  const FactorModel model = small_model();
  Belief belief = after_a_sum(model);
  belief.forget_passing();
  check(belief.estimate(0), 3.0, 4.6);
  check(belief.estimate(1), 2.0 + 1.0 + 2.0, 0.9 + 1.0 + 1.6);
  check(belief.estimate(2), 0.5, 9.0 + 0.975);
}

DOCTEST_TEST_CASE("conditions are recalled as they were, but for what they had to do with others") {
  const FactorModel model = small_model();
  Belief belief = after_a_sum(model);
  const Belief::Passing passing = belief.passing();
  DOCTEST_REQUIRE(passing.mean.size() == 1);
  DOCTEST_CHECK(passing.mean[0] == doctest::Approx(2.5));
  DOCTEST_REQUIRE(passing.covariance.size() == 1);
  DOCTEST_CHECK(passing.covariance[0] == doctest::Approx(0.375));
  belief.forget_passing();
  belief.recall(passing);
  check(belief.estimate(1), 7.5, 0.9 + 0.375 + 1.6);
  check(belief.estimate(2), 8.0, 4.35);
}

DOCTEST_TEST_CASE("doubt is about one quantity, and drift about lasting factors up to the prior") {
  const FactorModel model = small_model();
  Belief belief = after_a_sum(model);
  belief.doubt(2, 4.0);
  check(belief.estimate(2), 8.0, 8.35);
  check(belief.estimate(0), 3.0, 4.6);
  belief.drift(0.05);
  check(belief.estimate(0), 3.0, 4.0 * 0.95 + 1.0);
  check(belief.estimate(2), 8.0, 8.35);
  belief.drift(0.2);
  check(belief.estimate(0), 3.0, 4.0 + 1.0);
}

DOCTEST_TEST_CASE("a model and a belief are read back to the bit") {
  FactorModel model = small_model();
  model.offset[0] = 0.1;
  model.basis[3] = 1.0 / 3.0;
  model.own[1] = 0.7;
  model.round_to_singles();
  FactorModel again;
  read_archived(again, archived(model, 3).dump(), "model.json", 3);
  DOCTEST_CHECK(again.lasting == 1);
  DOCTEST_CHECK(again.passing == 1);
  DOCTEST_CHECK(again.offset == model.offset);
  DOCTEST_CHECK(again.basis == model.basis);
  DOCTEST_CHECK(again.own == model.own);

  Belief belief = after_a_sum(model);
  Belief resumed(again);
  read_archived(resumed, archived(belief).dump(), "belief.json");
  const Evidence more{{{0, 0.3}, {2, 1.0}}, 1.7, 0.01};
  DOCTEST_CHECK(belief.update(more) == resumed.update(more));
  DOCTEST_CHECK(archived(belief) == archived(resumed));
}

DOCTEST_TEST_CASE("a model for another number of quantities is refused") {
  FactorModel model = small_model();
  const std::string text = archived(model, 3).dump();
  DOCTEST_CHECK_THROWS_AS(read_archived(model, text, "model.json", 4), ConfigError);
}

}  // namespace
}  // namespace rein
