#include "agent/core/situation.hpp"

#include <doctest/doctest.h>

#include "support/asked.hpp"

namespace rein {
namespace {

DOCTEST_TEST_CASE("budgets and rates are told in units of their own, however small or large") {
  for (const double scale : {1e-4, 1.0, 1e4}) {
    const Situation now = Situation::of(Asked({.deadline_ms = 20.0 * scale,
                                               .power_limit_w = 9.5 * scale,
                                               .energy_limit_mj = 300.0 * scale,
                                               .min_top1 = 0.7,
                                               .temperature_limit_c = 80.0,
                                               .rate_hz = 30.0 * scale})
                                            .task);
    DOCTEST_CHECK(now.deadline_ms.value() == 20.0 * scale);
    DOCTEST_CHECK(now.miss_rate == 0.01);
    DOCTEST_CHECK(now.power_limit_w.value() == 9.5 * scale);
    DOCTEST_CHECK(now.energy_limit_mj.value() == 300.0 * scale);
    DOCTEST_CHECK_FALSE(now.allowance_w.has_value());
    DOCTEST_CHECK(now.min_top1.value() == 0.7);
    DOCTEST_CHECK(now.temperature_limit_c.value() == 80.0);
    DOCTEST_CHECK(now.rate_hz == 30.0 * scale);
  }
}

DOCTEST_TEST_CASE("what is not asked for is not there") {
  const Situation now = Situation::of(Task{});
  DOCTEST_CHECK_FALSE(now.deadline_ms.has_value());
  DOCTEST_CHECK(now.miss_rate == 1.0);
  DOCTEST_CHECK_FALSE(now.power_limit_w.has_value());
  DOCTEST_CHECK_FALSE(now.energy_limit_mj.has_value());
  DOCTEST_CHECK_FALSE(now.min_top1.has_value());
  DOCTEST_CHECK(now.rate_hz == 1.0);
}

DOCTEST_TEST_CASE("a battery's limit is no limit of a request's energy, and an empty one is one") {
  for (const double allowance_w : {6.0, 1e-3, 0.0}) {
    const Situation battery = Situation::of(Asked({.allowance_w = allowance_w}).task);
    DOCTEST_CHECK(battery.allowance_w.value() == allowance_w);
    DOCTEST_CHECK_FALSE(battery.energy_limit_mj.has_value());
  }
}

DOCTEST_TEST_CASE("a request has to be served before its deadline and before the next one comes") {
  DOCTEST_CHECK(Situation{.deadline_ms = 20.0, .rate_hz = 25.0}.time_for_request_ms() == 20.0);
  DOCTEST_CHECK(Situation{.deadline_ms = 60.0, .rate_hz = 25.0}.time_for_request_ms() == 40.0);
  DOCTEST_CHECK(Situation{.rate_hz = 25.0}.time_for_request_ms() == 40.0);
}

DOCTEST_TEST_CASE(
    "in a closed loop a request had to be served within the gap of a rate that none has") {
  const auto read = [](std::optional<double> deadline_ms) {
    return Situation::of(Asked({.deadline_ms = deadline_ms,
                                .rate_hz = 10.0,
                                .arrival = RequestSpec::Arrival::kClosedLoop})
                             .task);
  };
  DOCTEST_CHECK(read(400.0).time_for_request_ms() == 400.0);
  const Situation free = read(std::nullopt);
  DOCTEST_CHECK(free.time_for_request_ms() > 1e6);
}

}  // namespace
}  // namespace rein
