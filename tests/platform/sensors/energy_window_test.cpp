#include "platform/sensors/energy_window.hpp"

#include <doctest/doctest.h>

#include <cmath>

namespace rein {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// What a counter shows that adds up 100 W, and moves every 100 ms.
double shown_j(int at_ms) { return 10.0 * std::floor(at_ms / 100.0); }

}  // namespace

DOCTEST_TEST_CASE("the mean power of a period that is long enough is that of the period") {
  EnergyWindow window;
  const TimePoint start = TimePoint{} + seconds(10);
  DOCTEST_CHECK(window.mean_w(start, 5.0) == std::nullopt);
  DOCTEST_CHECK(window.mean_w(start + seconds(1), 105.0) == 100.0);
  DOCTEST_CHECK(window.mean_w(start + seconds(2), 405.0) == 300.0);
  DOCTEST_CHECK(window.mean_w(start + seconds(4), 405.0) == 0.0);
}

DOCTEST_TEST_CASE("a counter that moves now and then gave twice the power in one period") {
  for (const int period_ms : {10, 30, 99, 100, 101, 130, 250}) {
    DOCTEST_CAPTURE(period_ms);
    EnergyWindow window;
    double sum_w = 0.0;
    int count = 0;
    for (int at_ms = 3; at_ms < 60'000; at_ms += period_ms) {
      const auto mean = window.mean_w(TimePoint{} + milliseconds(at_ms), shown_j(at_ms));
      DOCTEST_CHECK(mean.has_value() == (at_ms - 3 >= 500));
      if (mean) {
        DOCTEST_CHECK(*mean == doctest::Approx(100.0).epsilon(0.2));
        sum_w += *mean;
        ++count;
      }
    }
    DOCTEST_CHECK(sum_w / count == doctest::Approx(100.0).epsilon(0.02));
  }
}

DOCTEST_TEST_CASE("a step of the power is seen whole after half a second") {
  EnergyWindow window;
  double j = 0.0;
  std::optional<double> mean;
  for (int i = 0; i <= 20; ++i) {
    mean = window.mean_w(TimePoint{} + milliseconds(100 * i), j);
    j += i < 10 ? 10.0 : 70.0;
  }
  DOCTEST_CHECK(*mean == doctest::Approx(700.0));
}

DOCTEST_TEST_CASE("a clock that went backwards begins a window anew") {
  EnergyWindow window;
  const TimePoint start = TimePoint{} + seconds(10);
  window.mean_w(start, 0.0);
  DOCTEST_CHECK(window.mean_w(start + seconds(1), 10.0) == 10.0);
  DOCTEST_CHECK(window.mean_w(start - seconds(5), 20.0) == std::nullopt);
  DOCTEST_CHECK(window.mean_w(start - seconds(4), 30.0) == 10.0);
}

}  // namespace rein
