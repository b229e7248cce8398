#include "common/statistics.hpp"

#include <doctest/doctest.h>

namespace rein {
namespace {

DOCTEST_TEST_CASE("a quantile is the nearest rank") {
  DOCTEST_CHECK(quantile({3, 1, 2, 4}, 0.5) == 2);
  DOCTEST_CHECK(quantile({3, 1, 2, 4}, 0.51) == 3);
  DOCTEST_CHECK(quantile({3, 1, 2, 4}, 1.0) == 4);
  DOCTEST_CHECK(quantile({}, 0.5) == 0);
}

DOCTEST_TEST_CASE("quartiles are values of the sample, by the same rule as other quantiles") {
  const Quartiles quartiles = quartiles_of({4.0, 1.0, 3.0, 2.0});
  DOCTEST_CHECK(quartiles.count == 4);
  DOCTEST_CHECK(quartiles.low == 1.0);
  DOCTEST_CHECK(quartiles.median == 2.0);
  DOCTEST_CHECK(quartiles.high == 3.0);
  DOCTEST_CHECK(quartiles_of({7.0}).high == 7.0);
  DOCTEST_CHECK(quartiles_of({}).count == 0);
}

DOCTEST_TEST_CASE("a mean has a spread from two values on") {
  DOCTEST_CHECK_FALSE(mean_and_spread({}).mean.has_value());
  DOCTEST_CHECK(mean_and_spread({3.0}).mean == 3.0);
  DOCTEST_CHECK_FALSE(mean_and_spread({3.0}).spread.has_value());
  DOCTEST_CHECK(mean_and_spread({1.0, 3.0}).mean == 2.0);
  DOCTEST_CHECK(*mean_and_spread({1.0, 3.0}).spread == doctest::Approx(1.414214));
}

DOCTEST_TEST_CASE("a bootstrap interval is that of the mean, and the same for the same seed") {
  // 50 times 0 and 50 times 1: the mean has a standard error of 0.05, so 95 % lie within 0.098.
  std::vector<double> values(100, 0.0);
  std::fill_n(values.begin(), 50, 1.0);
  Random random(7);
  const MeanInterval interval = bootstrap_mean({values}, random);
  DOCTEST_CHECK(interval.mean == doctest::Approx(0.5));
  DOCTEST_CHECK(*interval.low == doctest::Approx(0.402).epsilon(0.05));
  DOCTEST_CHECK(*interval.high == doctest::Approx(0.598).epsilon(0.05));
  Random again(7);
  DOCTEST_CHECK(bootstrap_mean({values}, again).low == interval.low);
}

DOCTEST_TEST_CASE(
    "what differs between groups widens no interval, and one value a group has none") {
  Random random(1);
  const MeanInterval certain = bootstrap_mean({{1.0, 1.0}, {5.0, 5.0, 5.0}}, random);
  DOCTEST_CHECK(certain.mean == doctest::Approx(3.4));
  DOCTEST_CHECK(*certain.low == doctest::Approx(3.4));
  DOCTEST_CHECK(*certain.high == doctest::Approx(3.4));
  DOCTEST_CHECK_FALSE(bootstrap_mean({{1.0}, {5.0}}, random).low.has_value());
}

}  // namespace
}  // namespace rein
