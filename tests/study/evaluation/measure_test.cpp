#include "study/evaluation/measure.hpp"

#include <doctest/doctest.h>

namespace rein {
namespace {

using Rewards = std::vector<std::vector<std::optional<double>>>;

DOCTEST_TEST_CASE("the measure is the best by its mean over the seeds and not the best of each") {
  // Each of the first two is the best with one of the seeds.
  const Rewards rewards = {{0.9, 0.1}, {0.2, 1.0}, {0.55, 0.55}};
  const Measure measure = find_measure(rewards, 2);
  DOCTEST_CHECK(measure.agent == 1);
  DOCTEST_CHECK(measure.above_oracle == doctest::Approx(0.05));
  // Differences -0.35 and 0.45: their standard deviation is 0.8 / sqrt(2), two standard errors 0.8.
  DOCTEST_CHECK(*measure.noise == doctest::Approx(0.8));
}

DOCTEST_TEST_CASE("of policies that are as good as the oracle the oracle is the measure") {
  const Measure measure = find_measure({{0.5, 0.7}, {0.6, 0.6}}, 1);
  DOCTEST_CHECK(measure.agent == 1);
  DOCTEST_CHECK(measure.above_oracle == 0.0);
  DOCTEST_CHECK_FALSE(measure.noise.has_value());
}

DOCTEST_TEST_CASE("a difference that is the same with every seed has no noise") {
  const Measure measure = find_measure({{0.5, 0.75}, {0.25, 0.5}}, 1);
  DOCTEST_CHECK(measure.agent == 0);
  DOCTEST_CHECK(*measure.noise == 0.0);
}

DOCTEST_TEST_CASE("with one seed nothing is known of the noise") {
  const Measure measure = find_measure({{0.9}, {0.5}}, 1);
  DOCTEST_CHECK(measure.agent == 0);
  DOCTEST_CHECK_FALSE(measure.noise.has_value());
}

DOCTEST_TEST_CASE("who was not played with all the oracle's seeds is not the measure") {
  DOCTEST_CHECK(find_measure({{0.9, std::nullopt}, {0.5, 0.5}}, 1).agent == 1);
  // The oracle's second episode is missing: the others' count for the first.
  DOCTEST_CHECK(find_measure({{0.9, std::nullopt}, {0.5, std::nullopt}}, 1).agent == 0);
  DOCTEST_CHECK(find_measure({{0.9}, {std::nullopt}}, 1).agent == 1);
}

}  // namespace
}  // namespace rein
