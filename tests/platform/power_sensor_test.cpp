#include "platform/power_sensor.hpp"

#include <doctest/doctest.h>

#include "support/temporary_tree.hpp"

namespace rein {

namespace {

const std::string kRapl = "/sys/class/powercap/intel-rapl:";
const std::string kHwmon = "/sys/class/hwmon/hwmon";

void add_zone(const test::TemporaryTree& tree, const std::string& number, const std::string& name,
              const std::string& energy_uj) {
  tree.write(kRapl + number + "/name", name + "\n");
  tree.write(kRapl + number + "/max_energy_range_uj", "1000000000\n");
  tree.write(kRapl + number + "/energy_uj", energy_uj + "\n");
}

std::vector<std::string> names(const Sensor& sensor) {
  std::vector<std::string> result;
  for (const auto& signal : sensor.signals()) {
    result.push_back(signal.name);
  }
  return result;
}

std::vector<std::optional<double>> sample(Sensor& sensor, double interval_s) {
  std::vector<std::optional<double>> values;
  sensor.sample({.interval = from_seconds(interval_s), .threads = {}}, values);
  return values;
}

}  // namespace

DOCTEST_TEST_CASE("RAPL's packages add up, and what lies within or beside them is a rail") {
  const test::TemporaryTree tree;
  add_zone(tree, "0", "package-0", "1000000");
  add_zone(tree, "0:0", "core", "0");
  add_zone(tree, "1", "package-1", "5000000");
  add_zone(tree, "1:0", "core", "0");
  add_zone(tree, "2", "psys", "0");
  tree.write("/sys/class/powercap/intel-rapl-mmio:0/name", "package-0");
  tree.write("/sys/class/powercap/intel-rapl-mmio:0/energy_uj", "7");
  std::vector<Missing> missing;
  RaplPowerSensor sensor(tree.root(), missing);
  DOCTEST_CHECK(names(sensor) == std::vector<std::string>{"power_w.package-0", "power_w.core_0:0",
                                                          "power_w.package-1", "power_w.core_1:0",
                                                          "power_w.psys", "power_w"});
  DOCTEST_CHECK(sample(sensor, 0.0).back() == std::nullopt);
  tree.write(kRapl + "0/energy_uj", "2000000");
  tree.write(kRapl + "0:0/energy_uj", "400000");
  tree.write(kRapl + "1/energy_uj", "8000000");
  tree.write(kRapl + "2/energy_uj", "50000000");
  DOCTEST_CHECK(sample(sensor, 0.5) ==
                std::vector<std::optional<double>>{2.0, 0.8, 6.0, 0.0, 100.0, 8.0});
}

DOCTEST_TEST_CASE("an energy counter that wraps gives the energy across the wrap") {
  const test::TemporaryTree tree;
  add_zone(tree, "0", "package-0", "999000000");
  std::vector<Missing> missing;
  RaplPowerSensor sensor(tree.root(), missing);
  sample(sensor, 0.0);
  tree.write(kRapl + "0/energy_uj", "4000000");
  DOCTEST_CHECK(sample(sensor, 1.0).back() == 5.0);
}

DOCTEST_TEST_CASE("energy that steps back without a wrap, garbage and gaps are no power") {
  const test::TemporaryTree tree;
  add_zone(tree, "0", "package-0", "100000000");
  std::vector<Missing> missing;
  RaplPowerSensor sensor(tree.root(), missing);
  const auto next = [&](const std::string& text) {
    tree.write(kRapl + "0/energy_uj", text);
    return sample(sensor, 0.01).back();
  };
  sample(sensor, 0.0);
  DOCTEST_CHECK(next("50000000") == std::nullopt);  // 950 J in 10 ms is a reset, not a wrap.
  DOCTEST_CHECK(next("50100000") == 10.0);
  for (const char* garbage : {"", "-5", "nan", "5e7", "x"}) {
    DOCTEST_CAPTURE(garbage);
    DOCTEST_CHECK(next(garbage) == std::nullopt);
  }
  DOCTEST_CHECK(next("50200000") == std::nullopt);  // The step would cover more than one period.
  DOCTEST_CHECK(next("50300000") == 10.0);
  DOCTEST_CHECK(sample(sensor, 0.0).back() == std::nullopt);
  tree.remove(kRapl + "0");
  DOCTEST_CHECK(sample(sensor, 0.01).back() == std::nullopt);
}

DOCTEST_TEST_CASE("a counter without a range is not taken to wrap") {
  const test::TemporaryTree tree;
  add_zone(tree, "0", "package-0", "1000");
  tree.remove(kRapl + "0/max_energy_range_uj");
  std::vector<Missing> missing;
  RaplPowerSensor sensor(tree.root(), missing);
  sample(sensor, 0.0);
  tree.write(kRapl + "0/energy_uj", "900");
  DOCTEST_CHECK(sample(sensor, 1.0).back() == std::nullopt);
}

DOCTEST_TEST_CASE("a counter that only root may read is told") {
  const test::TemporaryTree tree;
  tree.write(kRapl + "0/name", "package-0");
  tree.make_folder(kRapl + "0/energy_uj");  // Cannot be read, whoever asks.
  std::vector<Missing> missing;
  const RaplPowerSensor sensor(tree.root(), missing);
  DOCTEST_CHECK(sensor.signals().empty());
  DOCTEST_REQUIRE(missing.size() == 1);
  DOCTEST_CHECK(missing[0].path == kRapl + "0/energy_uj");
}

DOCTEST_TEST_CASE("the only rail of hwmon is the total, in W") {
  const test::TemporaryTree tree;
  tree.write(kHwmon + "0/name", "ina226\n");
  tree.write(kHwmon + "0/power1_input", "2500000\n");
  tree.write(kHwmon + "0/power1_average", "1\n");
  HwmonPowerSensor sensor(tree.root(), true);
  DOCTEST_CHECK(names(sensor) == std::vector<std::string>{"power_w.ina226_power1", "power_w"});
  DOCTEST_CHECK(sample(sensor, 0.1) == std::vector<std::optional<double>>{2.5, 2.5});
  for (const char* garbage : {"", "-2500000", "nan", "oops", "99999999999999"}) {
    DOCTEST_CAPTURE(garbage);
    tree.write(kHwmon + "0/power1_input", garbage);
    DOCTEST_CHECK(sample(sensor, 0.1) ==
                  std::vector<std::optional<double>>{std::nullopt, std::nullopt});
  }
}

DOCTEST_TEST_CASE("of several rails only VDD_IN is the total") {
  const test::TemporaryTree tree;
  tree.write(kHwmon + "0/name", "chip");
  tree.write(kHwmon + "0/power1_average", "1000000");
  tree.write(kHwmon + "0/power1_label", "VDD_CPU");
  tree.write(kHwmon + "0/power2_average", "2000000");
  tree.write(kHwmon + "0/power2_label", "VDD_GPU");
  const HwmonPowerSensor without(tree.root(), true);
  DOCTEST_CHECK(names(without) == std::vector<std::string>{"power_w.VDD_CPU", "power_w.VDD_GPU"});

  // The INA3221 of a Jetson gives voltage and current.
  tree.write(kHwmon + "1/name", "ina3221");
  tree.write(kHwmon + "1/in1_label", "VDD_IN");
  tree.write(kHwmon + "1/in1_input", "5000");
  tree.write(kHwmon + "1/curr1_input", "1200");
  HwmonPowerSensor sensor(tree.root(), true);
  DOCTEST_CHECK(sample(sensor, 0.1) == std::vector<std::optional<double>>{1.0, 2.0, 6.0, 6.0});
  DOCTEST_CHECK_FALSE(has_total_power(HwmonPowerSensor(tree.root(), false).signals()));
}

}  // namespace rein
