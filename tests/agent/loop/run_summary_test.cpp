#include "agent/loop/run_summary.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <nlohmann/json.hpp>

namespace rein {
namespace {

/// A tenth of a second in which one request is served, or missed.
StepResult period(std::size_t index) {
  const bool missed = index % 7 == 3 || index % 50 < 4;
  StepResult result;
  result.reward = static_cast<double>(index % 4);
  result.info.time_s = static_cast<double>(index);
  result.info.interval_s = 1.0;
  ApplicationInfo application;
  application.name = "app";
  application.service.served = 1;
  application.service.late = missed ? 1 : 0;
  application.service.accuracy_sum = 1.0;
  application.service.latencies_ms = {static_cast<double>(1 + index % 30)};
  application.service.misses = {missed};
  result.info.applications = {application};
  return result;
}

Statistics summed(std::size_t from, std::size_t to) {
  Statistics statistics;
  for (std::size_t i = from; i < to; ++i) {
    statistics.add(period(i), 2.0, 1.0);
  }
  return statistics;
}

DOCTEST_TEST_CASE("stretches that follow one another add up to the whole") {
  for (const std::size_t middle : {0, 1, 3, 51, 53, 99, 100}) {
    Statistics both = summed(0, middle);
    both.add(summed(middle, 100));
    DOCTEST_CHECK(both.to_json() == summed(0, 100).to_json());
  }
}

DOCTEST_TEST_CASE("the second half of a run that was interrupted was that of the plan: nothing") {
  HalfTally tally;
  DOCTEST_CHECK(tally.second_half().requests() == 0);
  for (std::size_t end = 1; end <= 5000; ++end) {
    tally.add(period(end - 1), 2.0, 1.0);
    const Statistics half = tally.second_half();
    if (end <= 128) {
      DOCTEST_REQUIRE(half.to_json() == summed((end + 1) / 2, end).to_json());
    } else {
      // Its last periods, of about half the number.
      DOCTEST_REQUIRE(half.requests() >= end / 2 - end / 64 - 1);
      DOCTEST_REQUIRE(half.requests() <= end / 2 + end / 64 + 1);
      if (end % 1000 == 0) {
        DOCTEST_CHECK(half.to_json() == summed(end - half.requests(), end).to_json());
      }
    }
  }
}

}  // namespace
}  // namespace rein
