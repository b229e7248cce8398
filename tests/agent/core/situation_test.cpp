#include "agent/core/situation.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

namespace rein {
namespace {

using doctest::Approx;

struct Column {
  std::string name;
  double neutral = 0.0;
  double value = 0.0;
};

Situation read(const std::vector<Column>& columns,
               RequestSpec::Arrival arrival = RequestSpec::Arrival::kPeriodic) {
  std::vector<Feature> features;
  Observation observation;
  features.reserve(columns.size());
  observation.reserve(columns.size());
  for (const auto& column : columns) {
    features.push_back(
        {.name = column.name, .unit = "1", .neutral = column.neutral, .source = "test"});
    observation.push_back(column.value);
  }
  return SituationReader(ObservationSpec(features), arrival).read(observation);
}

/// As it is observed: its logarithm, as a share of so many decades.
double decades(double value, double count) { return std::log10(value) / count; }

DOCTEST_TEST_CASE("budgets and rates are read in units of their own") {
  const Situation now = read({{"deadline.app", 1.0, decades(20.0, 4.0)},
                              {"miss_rate.app", 1.0, 0.01},
                              {"power.limit", 1.0, decades(9.5, 4.0)},
                              {"accuracy.app.limit", 0.0, 0.7},
                              {"temperature.limit", 1.0, decades(80.0, 4.0)},
                              {"arrival_rate.app", 0.0, decades(30.0, 5.0)},
                              {"queue.app", 0.0, 0.25}});
  DOCTEST_CHECK(now.deadline_ms.value() == Approx(20.0));
  DOCTEST_CHECK(now.miss_rate == 0.01);
  DOCTEST_CHECK(now.power_limit_w.value() == Approx(9.5));
  DOCTEST_CHECK(now.min_top1.value() == 0.7);
  DOCTEST_CHECK(now.temperature_limit_c.value() == Approx(80.0));
  DOCTEST_CHECK(now.rate_hz == Approx(30.0));
  DOCTEST_CHECK(now.queue == 0.25);
}

DOCTEST_TEST_CASE("what has its neutral value, or no feature, is not there") {
  const Situation now =
      read({{"deadline.app", 1.0, 1.0}, {"miss_rate.app", 1.0, 1.0}, {"power.limit", 1.0, 1.0}});
  DOCTEST_CHECK_FALSE(now.deadline_ms.has_value());
  DOCTEST_CHECK(now.miss_rate == 1.0);
  DOCTEST_CHECK_FALSE(now.power_limit_w.has_value());
  DOCTEST_CHECK_FALSE(now.energy_limit_mj.has_value());
  DOCTEST_CHECK_FALSE(now.min_top1.has_value());
  DOCTEST_CHECK(now.rate_hz == 1.0);
  DOCTEST_CHECK(now.queue == 0.0);
}

DOCTEST_TEST_CASE("a battery's limit is no limit of a request's energy") {
  const Column limit{"energy.limit", 1.0, decades(200.0, 4.0)};
  const Situation request = read({limit, {"energy.allowance", 1.0, 1.0}});
  DOCTEST_CHECK(request.energy_limit_mj.value() == Approx(200.0));
  DOCTEST_CHECK_FALSE(request.allowance_w.has_value());
  const Situation battery = read({limit, {"energy.allowance", 1.0, decades(6.0, 4.0)}});
  DOCTEST_CHECK(battery.allowance_w.value() == Approx(6.0));
  DOCTEST_CHECK_FALSE(battery.energy_limit_mj.has_value());
}

DOCTEST_TEST_CASE("a request has to be served before its deadline and before the next one comes") {
  DOCTEST_CHECK(Situation{.deadline_ms = 20.0, .rate_hz = 25.0}.time_for_request_ms() == 20.0);
  DOCTEST_CHECK(Situation{.deadline_ms = 60.0, .rate_hz = 25.0}.time_for_request_ms() == 40.0);
  DOCTEST_CHECK(Situation{.rate_hz = 25.0}.time_for_request_ms() == 40.0);
}

DOCTEST_TEST_CASE(
    "in a closed loop a request had to be served within the gap of a rate that none has") {
  const Situation now = read(
      {{"deadline.app", 1.0, decades(400.0, 4.0)}, {"arrival_rate.app", 0.0, decades(10.0, 5.0)}},
      RequestSpec::Arrival::kClosedLoop);
  DOCTEST_CHECK(now.time_for_request_ms() == Approx(400.0));
  const Situation free = read({}, RequestSpec::Arrival::kClosedLoop);
  DOCTEST_CHECK(free.time_for_request_ms() > 1e6);
}

}  // namespace
}  // namespace rein
