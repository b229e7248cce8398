#include "platform/sensors/pressure_sensor.hpp"

#include <doctest/doctest.h>

#include "platform/sensor_samples.hpp"
#include "support/temporary_tree.hpp"

namespace rein {

namespace {

void write_total(const test::TemporaryTree& tree, const std::string& resource,
                 const std::string& total) {
  tree.write("/proc/pressure/" + resource,
             "some avg10=1.08 avg60=0.53 avg300=0.19 total=" + total +
                 "\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=99\n");
}

test::Values sample(Sensor& sensor, Duration interval) {
  std::vector<Measurement> measurements;
  sensor.sample({.now = {}, .interval = interval, .threads = {}}, measurements);
  test::Values values;
  for (const auto& measurement : measurements) {
    values.push_back(measurement.value);
  }
  return values;
}

}  // namespace

DOCTEST_TEST_CASE("pressure is the share of the interval that some task waited") {
  const test::TemporaryTree tree;
  write_total(tree, "cpu", "1000000");
  write_total(tree, "memory", "5");
  std::vector<Missing> missing;
  PressureSensor sensor(tree.root(), missing);
  DOCTEST_REQUIRE(sensor.signals().size() == 2);
  DOCTEST_CHECK(sensor.signals()[0].name == "pressure_cpu_share");
  DOCTEST_CHECK(sensor.signals()[1].name == "pressure_memory_share");
  DOCTEST_CHECK(sample(sensor, {})[0] == std::nullopt);
  write_total(tree, "cpu", "1025000");
  DOCTEST_CHECK(sample(sensor, from_milliseconds(100))[0] == 0.25);
  write_total(tree, "cpu", "2025000");
  const auto values = sample(sensor, from_milliseconds(100));
  DOCTEST_CHECK(values[0] == 1.0);
  DOCTEST_CHECK(values[1] == 0.0);
}

DOCTEST_TEST_CASE("pressure that goes backwards, is garbage or has a gap before it is no number") {
  const test::TemporaryTree tree;
  write_total(tree, "cpu", "1000");
  std::vector<Missing> missing;
  PressureSensor sensor(tree.root(), missing);
  DOCTEST_CHECK(missing.size() == 1);
  sample(sensor, {});
  for (const char* total : {"900", "", "-5", "nan"}) {
    DOCTEST_CAPTURE(total);
    write_total(tree, "cpu", total);
    DOCTEST_CHECK(sample(sensor, from_seconds(1.0))[0] == std::nullopt);
  }
  write_total(tree, "cpu", "2000");
  DOCTEST_CHECK(sample(sensor, from_seconds(1.0))[0] == std::nullopt);
  write_total(tree, "cpu", "502000");
  DOCTEST_CHECK(sample(sensor, from_seconds(1.0))[0] == 0.5);
  DOCTEST_CHECK(sample(sensor, Duration::zero())[0] == std::nullopt);
  tree.write("/proc/pressure/cpu", "");
  DOCTEST_CHECK(sample(sensor, from_seconds(1.0))[0] == std::nullopt);
}

DOCTEST_TEST_CASE("what is wrong with the pressure is told") {
  const test::TemporaryTree tree;
  write_total(tree, "cpu", "1000");
  std::vector<Missing> missing;
  PressureSensor sensor(tree.root(), missing);
  test::Sampler sampler(sensor);
  sampler.sample();
  tree.write("/proc/pressure/cpu", "none\nfull avg10=0 total=5\n");
  const std::string path = tree.root().resolve("/proc/pressure/cpu").string();
  DOCTEST_CHECK(sampler.sample(std::chrono::seconds(1)).at(0).problem ==
                path + ": expected 'some ... total=' and a whole number, found 'none'");
  tree.write("/proc/pressure/cpu", "");
  DOCTEST_CHECK(sampler.sample(std::chrono::seconds(1)).at(0).problem ==
                path + ": expected a value, found nothing");
}

}  // namespace rein
