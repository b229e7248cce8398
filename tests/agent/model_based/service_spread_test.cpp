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
  const double nan = std::nan("");
  const double infinity = std::numeric_limits<double>::infinity();
  DOCTEST_CHECK(ratio.exceedance(infinity) == 0.0);
  DOCTEST_CHECK(ratio.late(0.0, 50.0, 100.0) == 0.0);
  DOCTEST_CHECK(ratio.late(nan, 50.0, 100.0) == 1.0);
  DOCTEST_CHECK(ratio.late(infinity, 50.0, 100.0) == 1.0);
  const auto lateness = ratio.lateness(50.0, 100.0);
  DOCTEST_CHECK(lateness(-infinity) == 0.0);
  DOCTEST_CHECK(lateness(infinity) == 1.0);
  DOCTEST_CHECK(std::isnan(lateness(nan)));
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

DOCTEST_TEST_CASE("a request that waits for a long one before it may be late too") {
  const ServiceSpread ratio = one_in_ten();
  // The long ones take 15.
  DOCTEST_CHECK(ratio.late(10.0, 12.0, 20.0) == doctest::Approx(0.1));
  DOCTEST_CHECK(ratio.late(10.0, 16.0, 20.0) == 0.0);
  // What comes after a long one waits for 1, which leaves 11; for 3, which leaves less than all
  // take.
  DOCTEST_CHECK(ratio.late(10.0, 12.0, 14.0) == doctest::Approx(0.1));
  DOCTEST_CHECK(ratio.late(10.0, 12.0, 12.0) == doctest::Approx(0.1 + 0.1 * (1.0 - 0.1)));
}

DOCTEST_TEST_CASE("where a service takes longer than the gap all are late in the end") {
  const ServiceSpread ratio = one_in_ten();
  DOCTEST_CHECK(ratio.late(10.0, 1000.0, 10.0) == 1.0);
  DOCTEST_CHECK(ratio.late(11.0, 1000.0, 10.0) == 1.0);
  DOCTEST_CHECK(ratio.late(10.0, 1000.0, 20.0) == 0.0);
}

DOCTEST_TEST_CASE("requests behind one that waits are late until the wait is caught up") {
  ServiceSpread ratio;
  ratio.fade(0.0);
  ratio.add(1.0, 100.0);
  ratio.sum_up();
  const auto behind = [&](double waited, std::size_t count, double service) {
    return ratio.late_behind(waited, count, service, 20.0, 15.0, ratio.late(service, 20.0, 15.0));
  };
  // 12 each 15, due after 20: waits of 13, 10, 7, 4 and 1 end after 25, 22, 19, 16 and 13.
  DOCTEST_CHECK(behind(13.0, 5, 12.0) == doctest::Approx(2.0));
  DOCTEST_CHECK(behind(13.0, 1, 12.0) == doctest::Approx(1.0));
  DOCTEST_CHECK(behind(0.0, 5, 12.0) == doctest::Approx(0.0));
  // Faster ones catch up at once; those that take as long as the gap never do.
  DOCTEST_CHECK(behind(13.0, 5, 6.0) == doctest::Approx(0.0));
  DOCTEST_CHECK(behind(13.0, 5, 15.0) == doctest::Approx(5.0));
  // Whoever has waited beyond the deadline is late whatever it takes.
  DOCTEST_CHECK(behind(21.0, 1, 1.0) == doctest::Approx(1.0));
}

DOCTEST_TEST_CASE("the table of many services says the same as each of them") {
  const ServiceSpread ratio;
  for (const double gap : {25.0, 33.0, 200.0}) {
    const double deadline = 20.0;
    const auto late = ratio.lateness(deadline, gap);
    for (double service = 1.0; service < 60.0; service *= 1.013) {
      DOCTEST_CAPTURE(gap);
      DOCTEST_CAPTURE(service);
      DOCTEST_CHECK(std::abs(late(std::log(service)) - ratio.late(service, deadline, gap)) < 0.01);
    }
    DOCTEST_CHECK(late(std::log(1e6)) == doctest::Approx(1.0));
  }
  // Beyond the gap, whatever the deadline.
  DOCTEST_CHECK(ratio.lateness(1e9, 33.0)(std::log(34.0)) == doctest::Approx(1.0));
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
