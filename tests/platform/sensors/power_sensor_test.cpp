#include "platform/sensors/power_sensor.hpp"

#include <doctest/doctest.h>

namespace rein {

namespace {

using std::chrono::milliseconds;

Measurement total_of(std::vector<Measurement> measurements) {
  TotalPowerSensor sensor({0, 2}, "a + c");
  sensor.sample({}, measurements);
  DOCTEST_REQUIRE(measurements.size() == 4);
  return measurements.back();
}

}  // namespace

DOCTEST_TEST_CASE("the total is the sum of its parts, and as old as the oldest") {
  const TotalPowerSensor sensor({0, 2}, "a + c");
  DOCTEST_CHECK(sensor.signals().at(0).name == "power_w");
  DOCTEST_CHECK(sensor.signals().at(0).source == "a + c");
  const Measurement total = total_of({{.value = 1.0, .age = milliseconds(5), .problem = {}},
                                      {.value = 10.0, .age = milliseconds(50), .problem = {}},
                                      {.value = 2.0, .age = milliseconds(7), .problem = {}}});
  DOCTEST_CHECK(total.value == 3.0);
  DOCTEST_CHECK(total.age == milliseconds(7));
}

DOCTEST_TEST_CASE("the total is unknown if a part is, for the same reason") {
  const Measurement good{.value = 1.0, .age = {}, .problem = {}};
  const Measurement bad{.value = {}, .age = {}, .problem = "c: cannot be read"};
  DOCTEST_CHECK(total_of({good, good, bad}).value == std::nullopt);
  DOCTEST_CHECK(total_of({good, good, bad}).problem == "c: cannot be read");
  DOCTEST_CHECK(total_of({{}, good, good}).value == std::nullopt);
  DOCTEST_CHECK(total_of({{}, good, good}).problem.empty());
  DOCTEST_CHECK(total_of({good, bad, good}).value == 2.0);
}

DOCTEST_TEST_CASE("what was guessed to be the whole machine's has no value below what one draws") {
  TotalPowerSensor sensor({0}, "/sys/power1_input", /*min_w=*/0.1);
  std::vector<Measurement> measurements{{.value = 0.042, .age = {}, .problem = {}}};
  sensor.sample({}, measurements);
  DOCTEST_CHECK_FALSE(measurements.back().value.has_value());
  DOCTEST_CHECK(measurements.back().problem.starts_with(
      "/sys/power1_input: expected at least 0.1 W of a whole machine, found 0.042"));
}

}  // namespace rein
