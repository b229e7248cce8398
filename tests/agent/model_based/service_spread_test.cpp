#include "agent/model_based/service_spread.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "common/error.hpp"
#include "support/archived.hpp"

namespace rein {
namespace {

/// Nine in ten requests take what is usual, one half as long again.
ServiceSpread one_in_ten() {
  ServiceSpread ratio;
  ratio.fade(0.0);
  ratio.add(1.01, 90.0);
  ratio.add(1.5, 10.0);
  ratio.sum_up();
  return ratio;
}

DOCTEST_TEST_CASE("the share that takes longer is what was seen") {
  const ServiceSpread ratio = one_in_ten();
  DOCTEST_CHECK(ratio.exceedance(0.4) == 1.0);
  DOCTEST_CHECK(ratio.exceedance(0.9) == doctest::Approx(1.0));
  DOCTEST_CHECK(ratio.exceedance(1.2) == doctest::Approx(0.1));
  DOCTEST_CHECK(ratio.exceedance(1.6) == 0.0);
  DOCTEST_CHECK(ratio.exceedance(100.0) == 0.0);
  // In the middle of the bin from exp(0) to exp(0.02) half of its requests are longer.
  DOCTEST_CHECK(ratio.exceedance(std::exp(0.01)) == doctest::Approx(0.1 + 0.9 / 2.0));
}

DOCTEST_TEST_CASE("a model that promised no service time was no index into what was seen") {
  const ServiceSpread ratio = one_in_ten();
  const double infinity = std::numeric_limits<double>::infinity();
  DOCTEST_CHECK(ratio.exceedance(infinity) == 0.0);
}

DOCTEST_TEST_CASE("it starts with a spread of 5 % and one in a hundred twice as long") {
  const ServiceSpread ratio;
  DOCTEST_CHECK(ratio.exceedance(1.5) == doctest::Approx(0.01).epsilon(0.01));
  DOCTEST_CHECK(ratio.exceedance(2.2) < 1e-12);
  DOCTEST_CHECK(ratio.variance() == doctest::Approx(0.05 * 0.05).epsilon(0.03));
}

DOCTEST_TEST_CASE("the spread is without the farthest tail") {
  // All usual ones are in one bin.
  DOCTEST_CHECK(one_in_ten().variance() == doctest::Approx(0.0));
}

DOCTEST_TEST_CASE("what was seen before counts less when it fades") {
  ServiceSpread ratio = one_in_ten();
  ratio.fade(0.5);
  ratio.add(2.0, 50.0);
  ratio.sum_up();
  // 45 and 5 of those from before, and 50.
  DOCTEST_CHECK(ratio.exceedance(1.2) == doctest::Approx(0.55));
  DOCTEST_CHECK(ratio.exceedance(1.7) == doctest::Approx(0.5));
}

DOCTEST_TEST_CASE("what was seen long ago fades of itself") {
  ServiceSpread ratio = one_in_ten();
  for (int i = 0; i < 3000; ++i) {
    ratio.add(0.7);
  }
  ratio.sum_up();
  DOCTEST_CHECK(ratio.exceedance(0.8) < 0.01);
}

DOCTEST_TEST_CASE("its parts have all requests, and their mean") {
  std::vector<Share> points;
  one_in_ten().points(10, points);
  DOCTEST_REQUIRE(points.size() >= 2);
  double share = 0.0;
  double mean = 0.0;
  for (const Share& point : points) {
    share += point.share;
    mean += point.share * point.value;
  }
  DOCTEST_CHECK(share == doctest::Approx(1.0));
  DOCTEST_CHECK(mean == doctest::Approx(0.9 * 1.01 + 0.1 * 1.5).epsilon(0.01));
  DOCTEST_CHECK(points.back().share == doctest::Approx(0.1));
}

DOCTEST_TEST_CASE("what was seen is read back to the bit") {
  ServiceSpread ratio;
  ratio.add(1.1, 1.0 / 3.0);
  ratio.sum_up();
  ServiceSpread again;
  read_archived(again, archived(ratio).dump(), "ratio.json");
  DOCTEST_CHECK(archived(again) == archived(ratio));
  DOCTEST_CHECK(again.exceedance(1.1) == ratio.exceedance(1.1));
  DOCTEST_CHECK(again.variance() == ratio.variance());
  DOCTEST_CHECK_THROWS_WITH_AS(read_archived(again, "{weights: [1, 2]}", "ratio.json"),
                               "ratio.json:1:11: weights: expected 160 numbers, found 2",
                               ConfigError);
}

}  // namespace
}  // namespace rein
