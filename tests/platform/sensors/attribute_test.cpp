#include "platform/sensors/attribute.hpp"

#include <doctest/doctest.h>

#include <filesystem>

#include "platform/board/board.hpp"
#include "platform/sensor_samples.hpp"
#include "support/temporary_tree.hpp"

namespace rein {

namespace {

Attribute power(const std::string& name, const std::string& place, const std::string& path) {
  return {.quantity = "power_w", .name = {name, place}, .paths = {path}};
}

std::vector<std::string> lines(const std::vector<Missing>& missing) {
  std::vector<std::string> result;
  for (const auto& each : missing) {
    result.push_back(each.line());
  }
  return result;
}

}  // namespace

DOCTEST_TEST_CASE("the end of a name says what unit a signal has") {
  for (const auto& each :
       std::vector<std::pair<std::string, std::string>>{{"power_w", "W"},
                                                        {"power_w.A15.v", "W"},
                                                        {"input_w.x", "W"},
                                                        {"temperature_c.cpu", "degC"},
                                                        {"frequency_mhz.big", "MHz"},
                                                        {"voltage_v.A15", "V"},
                                                        {"current_a.A15", "A"},
                                                        {"fan_rpm", "1/min"},
                                                        {"throttle_share.cpu", "1"},
                                                        {"throttled.undervoltage", "1"},
                                                        {"whatever", "1"}}) {
    const auto& [name, unit] = each;
    DOCTEST_CAPTURE(each.first);
    DOCTEST_CHECK(quantity_of(name).unit == unit);
  }
}

DOCTEST_TEST_CASE("signals that would be called the same carry their place, each quantity apart") {
  const test::TemporaryTree tree;
  Attribute temperature = power("a", "zone0", "/t");
  temperature.quantity = "temperature_c";
  DOCTEST_CHECK(test::names(name_signals(tree.root(), {},
                                         {power("a", "hwmon0", "/1"), power("b c", "hwmon0", "/2"),
                                          power("a", "hwmon1", "/3"), temperature})) ==
                std::vector<std::string>{"power_w.a_hwmon0", "power_w.b_c", "power_w.a_hwmon1",
                                         "temperature_c.a"});
}

DOCTEST_TEST_CASE("what a board file names goes first, and is not found once more") {
  const test::TemporaryTree tree;
  tree.write("/sys/devices/ina/power1_input", "1");
  std::filesystem::create_directories(tree.root().resolve("/sys/class/hwmon"));
  std::filesystem::create_directory_symlink("../../devices/ina",
                                            tree.root().resolve("/sys/class/hwmon/hwmon0"));
  Attribute current = power("a", "hwmon0", "/sys/class/hwmon/hwmon0/power1_input");
  current.quantity = "other_w";
  DOCTEST_CHECK(
      test::names(name_signals(tree.root(), {power("A15", "", "/sys/devices/ina/power1_input")},
                               {power("a", "hwmon0", "/sys/class/hwmon/hwmon0/power1_input"),
                                current, power("A15", "hwmon1", "/other")})) ==
      std::vector<std::string>{"power_w.A15", "other_w.a", "power_w.A15_hwmon1"});
}

DOCTEST_TEST_CASE("a board's sensor is the first file that its pattern finds") {
  const test::TemporaryTree tree;
  tree.write("/sys/bus/i2c/drivers/INA231/3-0040/sensor_W", "1.25\n");
  tree.write("/sys/bus/i2c/drivers/INA231/3-0040/enable", "1\n");
  tree.write("/sys/bus/i2c/drivers/INA231/3-0045/sensor_W", "0.25\n");
  tree.write("/sys/bus/i2c/drivers/INA231/3-0045/enable", "0\n");
  const std::string driver = "/sys/bus/i2c/drivers/INA231/";
  std::vector<Missing> missing;
  const auto given = find_given(
      tree.root(),
      {{.signal = "power_w.A15",
        .path = driver + "*-0040/sensor_W",
        .update_ms = 263,
        .enable = driver + "*-0040/enable"},
       {.signal = "power_w.A7",
        .path = driver + "*-0045/sensor_W",
        .enable = driver + "*-0045/enable"},
       {.signal = "power_w.GPU", .path = driver + "*-0044/sensor_W"},
       {.signal = "power_w.X", .path = driver + "*-0040/sensor_W", .enable = driver + "*/on"},
       {.signal = "humidity_share", .path = driver + "*-0040/sensor_W", .scale = 0.01}},
      missing);
  DOCTEST_REQUIRE(given.size() == 3);
  DOCTEST_CHECK(given[0].quantity == "power_w");
  DOCTEST_CHECK(given[0].name.name == "A15");
  DOCTEST_CHECK(given[0].paths == std::vector<std::string>{driver + "3-0040/sensor_W"});
  DOCTEST_CHECK(given[0].enable == driver + "3-0040/enable");
  DOCTEST_CHECK(given[0].update == std::chrono::milliseconds(263));
  DOCTEST_CHECK(given[0].format == NumberFormat::kDecimal);
  DOCTEST_CHECK(given[2].name.name.empty());
  DOCTEST_CHECK(given[2].scale == 0.01);
  DOCTEST_CHECK(lines(missing) ==
                std::vector<std::string>{
                    driver +
                        "3-0045/enable: holds '0', so that power_w.A7 has no value; echo 1 > " +
                        driver + "3-0045/enable",
                    driver + "*-0044/sensor_W: does not exist; check `sensors` of the board file",
                    driver + "*/on: does not exist; check `sensors` of the board file"});
}

}  // namespace rein
