#include "platform/sensors/power_attributes.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "platform/sensor_samples.hpp"
#include "platform/sensors/attribute_sensor.hpp"
#include "support/faulty_calls.hpp"
#include "support/temporary_tree.hpp"

namespace rein {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::Values;
using Strings = std::vector<std::string>;

const std::string kRapl = "/sys/class/powercap/intel-rapl:";
const std::string kHwmon = "/sys/class/hwmon/hwmon";

struct Files {
  void write_all(const std::string& folder,
                 const std::vector<std::pair<std::string, std::string>>& files) const {
    for (const auto& [name, text] : files) {
      tree.write(folder + "/" + name, text + "\n");
    }
  }
  std::vector<Attribute> hwmon_power() {
    return test::named(tree.root(),
                       find_hwmon_power(tree.root(), find_hwmon_chips(tree.root()), missing));
  }
  Values first_values(const std::vector<Attribute>& attributes) const {
    AttributeSensor sensor(tree.root(), attributes);
    return test::Sampler(sensor).values();
  }

  test::TemporaryTree tree;
  std::vector<Missing> missing;
};

void add_zone(const test::TemporaryTree& tree, const std::string& number, const std::string& name,
              const std::string& energy_uj) {
  tree.write(kRapl + number + "/name", name + "\n");
  tree.write(kRapl + number + "/max_energy_range_uj", "262143328850\n");
  tree.write(kRapl + number + "/energy_uj", energy_uj + "\n");
}

}  // namespace

DOCTEST_TEST_CASE("an INA3221's rails are its labelled channels with voltage and current") {
  Files files;
  files.write_all(kHwmon + "2",
                  {{"name", "ina3221"},         {"update_interval", "35"},
                   {"in1_label", "VDD_IN"},     {"in1_enable", "1"},
                   {"in1_input", "5000"},       {"curr1_input", "1200"},
                   {"in2_label", "NC"},         {"in2_input", "5000"},
                   {"curr2_input", "8"},        {"in3_label", "VDD_SOC"},
                   {"in3_enable", "0"},         {"in3_input", "5000"},
                   {"curr3_input", "8"},        {"in4_input", "12"},
                   {"curr4_input", "1208"},     {"in7_label", "sum of shunt voltages"},
                   {"in7_input", "12"},         {"curr7_input", "1208"},
                   {"in8_label", "no current"}, {"in8_input", "12"},
                   {"curr9_input", "12"},       {"curr10_max", "12"}});
  const auto rails = files.hwmon_power();
  DOCTEST_CHECK(test::names(rails) == Strings{"power_w.VDD_IN"});
  DOCTEST_CHECK(rails[0].update == milliseconds(35));
  DOCTEST_CHECK(rails[0].role == PowerRole::kMachine);
  DOCTEST_CHECK(files.first_values(rails) == Values{6.0});
  DOCTEST_REQUIRE(files.missing.size() == 1);
  DOCTEST_CHECK(files.missing[0].line() == kHwmon +
                                               "2/in3_enable: is 0, so that nothing is measured "
                                               "there; echo 1 > " +
                                               kHwmon + "2/in3_enable");
}

DOCTEST_TEST_CASE("power is taken as it is, by the label of the power, the voltage or the chip") {
  Files files;
  files.write_all(kHwmon + "0", {{"name", "ina226"},
                                 {"power1_input", "2500000"},
                                 {"in1_label", "VDD_5V"},
                                 {"in1_input", "5000"},
                                 {"curr1_input", "500"}});
  files.write_all(kHwmon + "1", {{"name", "ina231"}, {"label", "VDD_ARM"}, {"power1_input", "1"}});
  files.write_all(kHwmon + "2", {{"name", "pmbus"},
                                 {"power1_input", "3000000"},
                                 {"power1_label", "pin"},
                                 {"power2_input", "4000000"},
                                 {"power2_cap", "4000000"},
                                 {"in1_label", "vin"},
                                 {"in1_input", "5000"},
                                 {"curr1_input", "500"}});
  DOCTEST_CHECK(test::names(files.hwmon_power()) == Strings{"power_w.VDD_5V", "power_w.VDD_ARM",
                                                            "power_w.pin", "power_w.pmbus_power2"});
  DOCTEST_CHECK(files.first_values(files.hwmon_power()) == Values{2.5, 1e-6, 3.0, 4.0});
}

DOCTEST_TEST_CASE("an average is taken where there is no other power, with its interval") {
  Files files;
  files.write_all(kHwmon + "0", {{"name", "power_meter"},
                                 {"power1_average", "1000000"},
                                 {"power1_average_interval", "1000"},
                                 {"power2_input", "2000000"},
                                 {"power2_average", "1"},
                                 {"power2_average_interval", "1000"},
                                 {"update_interval", "0"}});
  const auto rails = files.hwmon_power();
  DOCTEST_CHECK(test::names(rails) ==
                Strings{"power_w.power_meter_power1", "power_w.power_meter_power2"});
  DOCTEST_CHECK(rails[0].update == seconds(1));
  DOCTEST_CHECK(rails[1].update == Duration::zero());
  DOCTEST_CHECK(files.first_values(rails) == Values{1.0, 2.0});
}

DOCTEST_TEST_CASE("energy gives power where the chip does not") {
  Files files;
  files.write_all(kHwmon + "0", {{"name", "amd_energy"},
                                 {"energy1_input", "1000000"},
                                 {"energy1_label", "Esocket0"},
                                 {"energy2_input", "1"},
                                 {"power2_input", "3000000"}});
  const auto rails = files.hwmon_power();
  DOCTEST_CHECK(test::names(rails) == Strings{"power_w.amd_energy_power2", "power_w.Esocket0"});
  AttributeSensor sensor(files.tree.root(), rails);
  test::Sampler sampler(sensor);
  DOCTEST_CHECK(sampler.values() == Values{3.0, std::nullopt});
  files.tree.write(kHwmon + "0/energy1_input", "3000000");
  DOCTEST_CHECK(sampler.values(milliseconds(500)) == Values{3.0, 4.0});
}

DOCTEST_TEST_CASE("chips of the same name are told apart by their address on the bus") {
  Files files;
  for (const auto& [device, chip] : {std::pair("1-0040", "0"), std::pair("1-0041", "1")}) {
    const std::string folder = std::string("/sys/devices/i2c-1/") + device;
    files.write_all(folder + "/hwmon/hwmon" + chip,
                    {{"name", "ina231"}, {"power1_input", "1000000"}});
    const auto link = files.tree.root().resolve(folder + "/hwmon/hwmon" + chip + "/device");
    std::filesystem::create_directory_symlink("../../../" + std::string(device), link);
    files.tree.make_folder("/sys/class/hwmon");
    std::filesystem::create_directory_symlink(
        "../../devices/i2c-1/" + std::string(device) + "/hwmon/hwmon" + chip,
        files.tree.root().resolve(kHwmon + chip));
  }
  files.write_all(kHwmon + "2", {{"name", "ina231"}, {"power1_input", "1000000"}});
  DOCTEST_CHECK(test::names(files.hwmon_power()) == Strings{"power_w.ina231_power1_1-0040",
                                                            "power_w.ina231_power1_1-0041",
                                                            "power_w.ina231_power1"});
}

DOCTEST_TEST_CASE("files of a chip may lie in its device, as in old kernels") {
  Files files;
  files.write_all(kHwmon + "0/device", {{"name", "ina231"}, {"power1_input", "1500000"}});
  DOCTEST_CHECK(files.first_values(files.hwmon_power()) == Values{1.5});
}

DOCTEST_TEST_CASE("a graphics card and a battery are rails, but never the whole machine") {
  Files files;
  files.write_all(kHwmon + "0", {{"name", "amdgpu"}, {"power1_average", "9000000"}});
  files.write_all(kHwmon + "1", {{"name", "BAT0"}, {"power1_input", "9000000"}});
  const auto rails = files.hwmon_power();
  DOCTEST_REQUIRE(rails.size() == 2);
  DOCTEST_CHECK(rails[0].role == PowerRole::kNone);
  DOCTEST_CHECK(rails[1].role == PowerRole::kNone);
}

DOCTEST_TEST_CASE("the INA3221 of an older Jetson kernel gives mW, or mV and mA") {
  Files files;
  const std::string driver = "/sys/bus/i2c/drivers/ina3221x";
  files.write_all(driver + "/6-0040/iio:device0", {{"name", "ina3221x"},
                                                   {"rail_name_0", "POM_5V_IN"},
                                                   {"in_power0_input", "2345"},
                                                   {"in_current0_input", "1"},
                                                   {"in_voltage0_input", "1"},
                                                   {"rail_name_1", "POM_5V_GPU"},
                                                   {"in_current1_input", "200"},
                                                   {"in_voltage1_input", "5000"},
                                                   {"rail_name_2", "NC"},
                                                   {"in_power2_input", "1"}});
  files.write_all(driver + "/6-0041/iio:device1",
                  {{"rail_name_0", "POM_5V_IN"}, {"in_power0_input", "10"}});
  files.write_all(driver + "/module", {{"rail_name_0", "decoy"}});
  const auto rails = test::named(files.tree.root(), find_jetson_power(files.tree.root()));
  DOCTEST_CHECK(test::names(rails) == Strings{"power_w.POM_5V_IN_6-0040", "power_w.POM_5V_GPU",
                                              "power_w.POM_5V_IN_6-0041"});
  DOCTEST_CHECK(files.first_values(rails) == Values{2.345, 1.0, 0.01});
}

DOCTEST_TEST_CASE("RAPL's zones are packages and what lies within or around them") {
  Files files;
  add_zone(files.tree, "0", "package-0", "1000000");
  add_zone(files.tree, "0:0", "core", "0");
  add_zone(files.tree, "1", "package-1", "5000000");
  add_zone(files.tree, "1:0", "core", "0");
  add_zone(files.tree, "2", "psys", "0");
  // Listed within its package alone.
  files.write_all(kRapl + "1/intel-rapl:1:1", {{"name", "dram"}, {"energy_uj", "5"}});
  files.write_all(kRapl + "1/intel-rapl:1:0", {{"name", "core"}, {"energy_uj", "5"}});
  files.write_all("/sys/class/powercap/intel-rapl-mmio:0",
                  {{"name", "package-0"}, {"energy_uj", "7"}});
  const auto zones =
      test::named(files.tree.root(), find_powercap(files.tree.root(), files.missing));
  DOCTEST_CHECK(files.missing.empty());
  DOCTEST_CHECK(test::names(zones) == Strings{"power_w.package-0", "power_w.core_package-0",
                                              "power_w.package-1", "power_w.core_package-1",
                                              "power_w.dram", "power_w.psys"});
  AttributeSensor sensor(files.tree.root(), zones);
  test::Sampler sampler(sensor);
  for (const auto& value : sampler.values()) {
    DOCTEST_CHECK(value == std::nullopt);
  }
  files.tree.write(kRapl + "0/energy_uj", "2000000");
  files.tree.write(kRapl + "0:0/energy_uj", "400000");
  files.tree.write(kRapl + "1/energy_uj", "8000000");
  files.tree.write(kRapl + "2/energy_uj", "50000000");
  DOCTEST_CHECK(sampler.values(milliseconds(500)) == Values{2.0, 0.8, 6.0, 0.0, 0.0, 100.0});
}

namespace {

/// One package, of which a test says what its counter shows.
struct Package {
  explicit Package(const std::string& energy_uj, const std::string& range_uj = "262143328850") {
    add_zone(files.tree, "0", "package-0", energy_uj);
    files.tree.write(kRapl + "0/max_energy_range_uj", range_uj);
    sensor.emplace(root(), test::named(root(), find_powercap(root(), files.missing)));
    sampler.emplace(*sensor);
    sampler->sample();
  }
  SysfsRoot root() { return SysfsRoot(files.tree.path(), calls); }
  Measurement next(const std::string& energy_uj, Duration after) {
    files.tree.write(kRapl + "0/energy_uj", energy_uj);
    return sampler->sample(after).at(0);
  }
  std::string path() { return root().resolve(kRapl + "0/energy_uj").string(); }

  Files files;
  test::FaultyCalls calls;
  std::optional<AttributeSensor> sensor;
  std::optional<test::Sampler> sampler;
};

}  // namespace

DOCTEST_TEST_CASE("an energy counter that wraps gives the energy across the wrap") {
  Package package("262143000000");
  DOCTEST_CHECK(package.next("4671150", seconds(1)).value == doctest::Approx(5.0));
}

DOCTEST_TEST_CASE("an interval in which a counter may have wrapped unseen has no value") {
  Package package("1000000");
  // 262 kJ at 2 kW are 131 s.
  DOCTEST_CHECK(package.next("2000000", seconds(131)).value.has_value());
  DOCTEST_CHECK(package.next("3000000", seconds(132)).problem ==
                package.path() + ": may have wrapped unseen in 132 s");
  DOCTEST_CHECK(package.next("4000000", seconds(1)).value == 1.0);
}

DOCTEST_TEST_CASE("energy that steps back without a wrap is no power") {
  Package package("100000000");
  // 262 kJ in 10 ms.
  DOCTEST_CHECK(package.next("50000000", milliseconds(10)).problem ==
                package.path() + ": expected 0 to 2000 W, found 2.62093e+07");
  DOCTEST_CHECK(package.next("50100000", milliseconds(10)).value == doctest::Approx(10.0));
  DOCTEST_CHECK(package.next("-5", milliseconds(10)).value == std::nullopt);
  Package other("100000000", "");
  DOCTEST_CHECK(other.next("50000000", seconds(1)).problem ==
                other.path() + ": expected a count that grows, found 50000000 after 100000000");
}

DOCTEST_TEST_CASE("a package whose counter stands still for 10 ms draws no power that is known") {
  Package package("100000000");
  const Measurement early = package.next("100000000", milliseconds(9));
  DOCTEST_CHECK(early.value == std::nullopt);
  DOCTEST_CHECK(early.problem.empty());
  DOCTEST_CHECK(package.next("100000000", milliseconds(10)).problem ==
                package.path() + ": has not moved for 10 ms");
  DOCTEST_CHECK(package.next("100100000", milliseconds(10)).value == doctest::Approx(10.0));
}

DOCTEST_TEST_CASE("a counter that cannot be read for a while makes a gap") {
  Package package("100000000");
  package.calls.read_errors["energy_uj"] = EACCES;
  DOCTEST_CHECK(package.next("101000000", seconds(1)).problem ==
                package.path() +
                    ": cannot be read: Permission denied; run as root, or give read access");
  package.calls.read_errors.clear();
  const Measurement first = package.next("102000000", seconds(1));
  DOCTEST_CHECK(first.value == std::nullopt);
  DOCTEST_CHECK(first.problem.empty());
  DOCTEST_CHECK(package.next("103000000", seconds(1)).value == 1.0);
}

DOCTEST_TEST_CASE("a counter that only root may read is told") {
  Files files;
  add_zone(files.tree, "0", "package-0", "1");
  test::FaultyCalls calls;
  calls.open_errors["energy_uj"] = EACCES;
  DOCTEST_CHECK(find_powercap(SysfsRoot(files.tree.path(), calls), files.missing).empty());
  DOCTEST_REQUIRE(files.missing.size() == 1);
  DOCTEST_CHECK(
      files.missing[0].line() ==
      kRapl +
          "0/energy_uj: cannot be read: Permission denied; run as root, or give read access "
          "(it is root's "
          "since Linux 5.10)");
}

DOCTEST_TEST_CASE("rails of which the whole board draws are known by their names") {
  for (const char* name :
       {"VDD_IN", "POM_5V_IN", "MAIN", "SYS", "VIN", "vin", "VDD_12V_IN", "DC_IN", "VSYS", "system",
        "12V_IN", "Total System Power", "Board Power"}) {
    DOCTEST_CAPTURE(name);
    DOCTEST_CHECK(is_input_rail(name));
  }
  for (const char* name : {"VDD_SYS_GPU", "SYS5V", "VDD_4V0_WIFI", "POM_5V_CPU", "VIN_SYS_5V0",
                           "VDD_GPU", "5V", "pin", ""}) {
    DOCTEST_CAPTURE(name);
    DOCTEST_CHECK_FALSE(is_input_rail(name));
  }
}

DOCTEST_TEST_CASE("a CPU's own meter is no rail of the machine") {
  for (const char* driver : {"fam15h_power", "k10temp", "zenpower", "amd_energy", "amdgpu", "xe",
                             "i915", "nvidia", "sfp"}) {
    DOCTEST_CAPTURE(driver);
    Files files;
    files.write_all(kHwmon + "0", {{"name", driver}, {"power1_input", "42040"}});
    DOCTEST_REQUIRE(files.hwmon_power().size() == 1);
    DOCTEST_CHECK(files.hwmon_power()[0].role == PowerRole::kNone);
  }
}

DOCTEST_TEST_CASE("what hangs below a power supply is no rail, whatever its name is") {
  Files files;
  const std::string supply = "/sys/devices/platform/glink/power_supply/fuel-gauge";
  files.write_all(supply + "/hwmon0",
                  {{"name", "max17055"}, {"power1_input", "21340000"}, {"power1_label", "VIN"}});
  files.tree.make_folder("/sys/class/hwmon");
  std::filesystem::create_directory_symlink(
      "../../devices/platform/glink/power_supply/fuel-gauge/hwmon0",
      files.tree.root().resolve(kHwmon + "0"));
  const auto rails = files.hwmon_power();
  DOCTEST_REQUIRE(rails.size() == 1);
  DOCTEST_CHECK(rails[0].role == PowerRole::kNone);
}

DOCTEST_TEST_CASE("rails that name a part, and chips that nobody knows, are not the whole") {
  const auto role = [](const std::string& driver, const std::string& label) {
    Files files;
    files.write_all(kHwmon + "0",
                    {{"name", driver}, {"power1_input", "1"}, {"power1_label", label}});
    return files.hwmon_power().at(0).role;
  };
  DOCTEST_CHECK(role("ina226", "VDD_5V") == PowerRole::kOnlyRail);
  DOCTEST_CHECK(role("ina226", "VDD_GPU") == PowerRole::kRail);
  DOCTEST_CHECK(role("isl68137", "pout1") == PowerRole::kRail);
  DOCTEST_CHECK(role("xgene", "CPU power") == PowerRole::kRail);
  DOCTEST_CHECK(role("power_meter", "") == PowerRole::kMachine);
  DOCTEST_CHECK(role("ina238", "VIN") == PowerRole::kMachine);
}

DOCTEST_TEST_CASE("channels of one chip with the same label carry their channel") {
  Files files;
  files.write_all(kHwmon + "0", {{"name", "ina3221"},
                                 {"in1_label", "rail"},
                                 {"in1_input", "5000"},
                                 {"curr1_input", "100"},
                                 {"in2_label", "rail"},
                                 {"in2_input", "5000"},
                                 {"curr2_input", "200"}});
  DOCTEST_CHECK(test::names(files.hwmon_power()) ==
                Strings{"power_w.rail_in1", "power_w.rail_in2"});
}

DOCTEST_TEST_CASE("a chip's place has no number that counts up with every plug") {
  Files files;
  files.tree.make_folder("/sys/class/hwmon");
  const std::pair<std::string, std::string> devices[] = {
      {"pci0000:00/usb1/1-2/1-2:1.0/0003:1B1C:0C1A.0005", "0"},
      {"platform/coretemp.0", "1"},
      {"pci0000:00/0000:00:18.3", "2"},
      {"virtual", "3"},
      {"virtual/thermal/thermal_zone7", "4"}};
  for (const auto& [device, number] : devices) {
    files.tree.write("/sys/devices/" + device + "/hwmon/hwmon" + number + "/name", "x\n");
    std::filesystem::create_directory_symlink("../../devices/" + device + "/hwmon/hwmon" + number,
                                              files.tree.root().resolve(kHwmon + number));
  }
  Strings places;
  for (const auto& chip : find_hwmon_chips(files.tree.root())) {
    places.push_back(chip.place);
  }
  DOCTEST_CHECK(places == Strings{"1-2:1.0", "coretemp.0", "0000:00:18.3", "", ""});
}

}  // namespace rein
