#include "platform/thermal_sensor.hpp"

#include <doctest/doctest.h>

#include "support/temporary_tree.hpp"

namespace rein {

namespace {

void add_zone(const test::TemporaryTree& tree, int number, const std::string& type,
              const std::string& temp) {
  const std::string zone = "/sys/class/thermal/thermal_zone" + std::to_string(number);
  tree.write(zone + "/type", type + "\n");
  tree.write(zone + "/temp", temp + "\n");
}

std::vector<std::optional<double>> sample(Sensor& sensor) {
  std::vector<std::optional<double>> values;
  sensor.sample({}, values);
  return values;
}

}  // namespace

DOCTEST_TEST_CASE("zones are named by their type, and those of the same type by number as well") {
  const test::TemporaryTree tree;
  add_zone(tree, 0, "cpu-thermal", "45500");
  add_zone(tree, 1, "acpitz", "30000");
  add_zone(tree, 2, "acpitz", "-5000");
  add_zone(tree, 3, "skin, left", "31000");
  tree.write("/sys/class/thermal/cooling_device0/type", "fan");
  std::vector<Missing> missing;
  ThermalSensor sensor(tree.root(), missing);
  std::vector<std::string> names;
  for (const auto& signal : sensor.signals()) {
    names.push_back(signal.name);
  }
  DOCTEST_CHECK(names ==
                std::vector<std::string>{"temperature_c.cpu-thermal", "temperature_c.acpitz_zone1",
                                         "temperature_c.acpitz_zone2", "temperature_c.skin__left"});
  DOCTEST_CHECK(sample(sensor) == std::vector<std::optional<double>>{45.5, 30.0, -5.0, 31.0});
  DOCTEST_CHECK(missing.empty());
}

DOCTEST_TEST_CASE("what is absurd, garbage, empty or gone is no temperature") {
  const test::TemporaryTree tree;
  add_zone(tree, 0, "cpu", "40000");
  std::vector<Missing> missing;
  ThermalSensor sensor(tree.root(), missing);
  for (const char* text :
       {"", "hot", "nan", "150001", "-40001", "-274000", "12.5", "99999999999999999999"}) {
    DOCTEST_CAPTURE(text);
    tree.write("/sys/class/thermal/thermal_zone0/temp", text);
    DOCTEST_CHECK(sample(sensor).at(0) == std::nullopt);
  }
  tree.remove("/sys/class/thermal");
  DOCTEST_CHECK(sample(sensor).at(0) == std::nullopt);
  add_zone(tree, 0, "cpu", "41000");
  DOCTEST_CHECK(sample(sensor).at(0) == 41.0);
}

DOCTEST_TEST_CASE("a machine without zones says so") {
  const test::TemporaryTree tree;
  std::vector<Missing> missing;
  const ThermalSensor sensor(tree.root(), missing);
  DOCTEST_CHECK(sensor.signals().empty());
  DOCTEST_REQUIRE(missing.size() == 1);
  DOCTEST_CHECK(missing[0].line() ==
                "/sys/class/thermal: has no thermal zones; the driver of this board's sensors");
}

}  // namespace rein
