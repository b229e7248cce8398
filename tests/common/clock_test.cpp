#include "common/clock.hpp"

#include <doctest/doctest.h>

#include <limits>

namespace rein {
namespace {

using std::chrono::milliseconds;

DOCTEST_TEST_CASE("periods that are kept follow a fixed grid") {
  PeriodTimer timer(TimePoint{}, milliseconds(100));
  DOCTEST_CHECK(timer.end() == TimePoint{milliseconds(100)});
  DOCTEST_CHECK(timer.advance(TimePoint{milliseconds(100)}) == 0);
  DOCTEST_CHECK(timer.end() == TimePoint{milliseconds(200)});
  DOCTEST_CHECK(timer.advance(TimePoint{milliseconds(230)}) == 0);
  DOCTEST_CHECK(timer.end() == TimePoint{milliseconds(300)});
}

DOCTEST_TEST_CASE("an overrun skips the missed periods instead of bursting") {
  PeriodTimer timer(TimePoint{}, milliseconds(100));
  DOCTEST_CHECK(timer.advance(TimePoint{milliseconds(350)}) == 2);
  DOCTEST_CHECK(timer.end() == TimePoint{milliseconds(400)});
  DOCTEST_CHECK(timer.advance(TimePoint{milliseconds(400)}) == 0);
  DOCTEST_CHECK(timer.skipped() == 2);
}

DOCTEST_TEST_CASE("a period that is ended early is followed by the next on the grid") {
  PeriodTimer timer(TimePoint{}, milliseconds(100));
  DOCTEST_CHECK(timer.advance(TimePoint{milliseconds(40)}) == 0);
  DOCTEST_CHECK(timer.end() == TimePoint{milliseconds(200)});
}

DOCTEST_TEST_CASE("a manual clock moves only forward") {
  ManualClock clock;
  clock.sleep_until(TimePoint{milliseconds(5)});
  clock.sleep_until(TimePoint{milliseconds(3)});
  DOCTEST_CHECK(clock.now() == TimePoint{milliseconds(5)});
  clock.advance(milliseconds(2));
  DOCTEST_CHECK(clock.now() == TimePoint{milliseconds(7)});
}

DOCTEST_TEST_CASE("a steady clock does not go back and does not wait for the past") {
  SteadyClock clock;
  const TimePoint before = clock.now();
  clock.sleep_until(before - milliseconds(10));
  DOCTEST_CHECK(clock.now() >= before);
}

DOCTEST_TEST_CASE("seconds and milliseconds convert both ways") {
  DOCTEST_CHECK(to_seconds(from_seconds(0.25)) == 0.25);
  DOCTEST_CHECK(to_milliseconds(from_milliseconds(12.5)) == 12.5);
}

DOCTEST_TEST_CASE("a time that no clock can count became one of the past") {
  constexpr Duration kLongest = std::chrono::hours(24) * 36'525;
  DOCTEST_CHECK(from_seconds(1e300) == kLongest);
  DOCTEST_CHECK(from_milliseconds(1e13) == kLongest);
  DOCTEST_CHECK(from_seconds(-1e300) == -kLongest);
  DOCTEST_CHECK(from_seconds(std::numeric_limits<double>::infinity()) == kLongest);
  DOCTEST_CHECK(from_seconds(std::numeric_limits<double>::quiet_NaN()) == Duration::zero());
}

}  // namespace
}  // namespace rein
