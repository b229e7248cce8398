#include "platform/sensors/thermal_attributes.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "platform/sensor_samples.hpp"
#include "platform/sensors/attribute_sensor.hpp"
#include "support/faulty_calls.hpp"
#include "support/temporary_tree.hpp"

namespace rein {

namespace {

using test::Values;
using Strings = std::vector<std::string>;

const std::string kThermal = "/sys/class/thermal/";
const std::string kHwmon = "/sys/class/hwmon/hwmon";

struct Files {
  void write_all(const std::string& folder,
                 const std::vector<std::pair<std::string, std::string>>& files) const {
    for (const auto& [name, text] : files) {
      tree.write(folder + "/" + name, text + "\n");
    }
  }
  void add_zone(int number, const std::string& type, const std::string& temp) const {
    write_all(kThermal + "thermal_zone" + std::to_string(number), {{"type", type}, {"temp", temp}});
  }
  void add_cooling(int number, const std::string& type, const std::string& state,
                   const std::string& max) const {
    write_all(kThermal + "cooling_device" + std::to_string(number),
              {{"type", type}, {"cur_state", state}, {"max_state", max}});
  }
  std::vector<Attribute> temperatures() {
    return test::named(tree.root(),
                       find_temperatures(tree.root(), find_hwmon_chips(tree.root()), missing));
  }
  std::vector<Attribute> throttling() const {
    return test::named(tree.root(), find_throttling(tree.root(), find_hwmon_chips(tree.root())));
  }
  Values first_values(const std::vector<Attribute>& attributes) const {
    AttributeSensor sensor(tree.root(), attributes);
    return test::Sampler(sensor).values();
  }

  test::TemporaryTree tree;
  std::vector<Missing> missing;
};

}  // namespace

DOCTEST_TEST_CASE(
    "zones are named by their type, and those of the same type by which of them it is") {
  Files files;
  files.add_zone(0, "cpu-thermal", "45500");
  files.add_zone(1, "acpitz", "30000");
  files.add_zone(2, "acpitz", "-5000");
  files.add_zone(3, "skin, left", "31000");
  files.add_cooling(0, "fan", "0", "1");
  DOCTEST_CHECK(test::names(files.temperatures()) ==
                Strings{"temperature_c.cpu-thermal", "temperature_c.acpitz_1",
                        "temperature_c.acpitz_2", "temperature_c.skin__left"});
  DOCTEST_CHECK(files.first_values(files.temperatures()) == Values{45.5, 30.0, -5.0, 31.0});
  DOCTEST_CHECK(files.missing.empty());
}

DOCTEST_TEST_CASE("hwmon's labelled temperatures are taken where no zone shows the chip") {
  Files files;
  files.add_zone(0, "cpu-thermal", "45500");
  files.add_zone(1, "x86_pkg_temp", "45500");
  files.write_all(kHwmon + "0",
                  {{"name", "cpu_thermal"}, {"temp1_label", "x"}, {"temp1_input", "1"}});
  files.write_all(kHwmon + "1",
                  {{"name", "coretemp"}, {"temp1_label", "Core 0"}, {"temp1_input", "1"}});
  files.write_all(kHwmon + "2", {{"name", "k10temp"},
                                 {"update_interval", "100"},
                                 {"temp1_label", "Tctl"},
                                 {"temp1_input", "51000"},
                                 {"temp2_input", "1"},
                                 {"temp3_label", "broken"},
                                 {"temp3_fault", "1"},
                                 {"temp3_input", "1"},
                                 {"temp4_label", "off"},
                                 {"temp4_enable", "0"},
                                 {"temp4_input", "1"},
                                 {"temp5_label", "no input"}});
  files.write_all(kHwmon + "3",
                  {{"name", "nvme"}, {"temp1_label", "Composite"}, {"temp1_input", "1"}});
  const auto found = files.temperatures();
  DOCTEST_CHECK(test::names(found) == Strings{"temperature_c.cpu-thermal",
                                              "temperature_c.x86_pkg_temp", "temperature_c.Tctl",
                                              "temperature_c.k10temp_temp2"});
  DOCTEST_CHECK(found[2].update == std::chrono::milliseconds(100));
  DOCTEST_CHECK(files.first_values(found)[2] == 51.0);
  DOCTEST_CHECK(files.missing.size() == 1);
}

DOCTEST_TEST_CASE("zones that are known to show no temperature are left out") {
  Files files;
  files.add_zone(0, "CPU-therm", "45500");
  files.add_zone(1, "PMIC-Die", "100000");
  files.add_zone(2, "INT3400 Thermal", "20000");
  files.add_zone(3, "iwlwifi_1", "40000");
  DOCTEST_CHECK(test::names(files.temperatures()) == Strings{"temperature_c.CPU-therm"});
}

DOCTEST_TEST_CASE("cooling devices show what they take, and fans what they give") {
  Files files;
  files.add_cooling(0, "thermal-cpufreq-0", "3", "12");
  files.add_cooling(1, "cpufreq-cpu4", "0", "15");
  files.add_cooling(2, "devfreq-11800000.gpu", "2", "4");
  files.add_cooling(3, "Processor", "1", "10");
  files.add_cooling(4, "Processor", "1", "10");
  files.add_cooling(5, "pwm-fan", "1", "3");
  files.add_cooling(6, "LCD", "1", "100");
  files.add_cooling(7, "intel_powerclamp", "-1", "50");
  files.add_cooling(8, "TCC Offset", "3", "63");
  files.add_cooling(9, "cpu-throttle-alert", "1", "2");
  files.add_cooling(10, "gpu-balanced", "0", "0");
  files.add_cooling(11, "cpu-balanced", "0", "x");
  DOCTEST_CHECK(test::names(files.throttling()) ==
                Strings{"throttle_share.thermal-cpufreq-0", "throttle_share.cpufreq-cpu4",
                        "throttle_share.devfreq-11800000.gpu", "throttle_share.Processor",
                        "cooling_share.pwm-fan", "throttle_share.cpu-throttle-alert"});
  const auto values = files.first_values(files.throttling());
  DOCTEST_CHECK(values[0] == 0.25);
  DOCTEST_CHECK(values[1] == 0.0);
  DOCTEST_CHECK(values[2] == 0.5);
  DOCTEST_CHECK(values[3].value() == doctest::Approx(0.1));
  DOCTEST_CHECK(values[4].value() == doctest::Approx(1.0 / 3.0));
  DOCTEST_CHECK(values[5] == 0.5);
}

DOCTEST_TEST_CASE("x86 counts throttling once a package and once a core") {
  Files files;
  for (int cpu = 0; cpu < 4; ++cpu) {
    const std::string folder = fmt::format("/sys/devices/system/cpu/cpu{}", cpu);
    files.write_all(folder + "/topology",
                    {{"physical_package_id", "0"}, {"core_id", std::to_string(cpu / 2 * 4)}});
    files.write_all(folder + "/thermal_throttle",
                    {{"package_throttle_count", "7"}, {"core_throttle_count", "2"}});
  }
  const std::string cpus = "/sys/devices/system/cpu/cpu";
  files.tree.make_folder("/sys/devices/system/cpu/cpufreq");
  const auto found = files.throttling();
  DOCTEST_CHECK(test::names(found) == Strings{"throttle_events.package0", "throttle_events.core0",
                                              "throttle_events.core4"});
  AttributeSensor sensor(files.tree.root(), found);
  test::Sampler sampler(sensor);
  sampler.sample();
  files.tree.write(cpus + "0/thermal_throttle/package_throttle_count", "9");
  files.tree.write(cpus + "2/thermal_throttle/core_throttle_count", "3");
  DOCTEST_CHECK(sampler.values(std::chrono::seconds(1)) == Values{2.0, 0.0, 1.0});
}

DOCTEST_TEST_CASE("of many cores only the packages' throttling is counted") {
  Files files;
  for (int cpu = 0; cpu < 18; ++cpu) {
    const std::string folder = fmt::format("/sys/devices/system/cpu/cpu{}", cpu);
    files.write_all(folder + "/topology", {{"physical_package_id", std::to_string(cpu / 9)},
                                           {"core_id", std::to_string(cpu % 9)}});
    files.write_all(folder + "/thermal_throttle",
                    {{"package_throttle_count", "7"}, {"core_throttle_count", "2"}});
  }
  DOCTEST_CHECK(test::names(files.throttling()) ==
                Strings{"throttle_events.package0", "throttle_events.package1"});
}

DOCTEST_TEST_CASE("a Jetson counts its over-current events") {
  Files files;
  files.write_all(kHwmon + "3", {{"name", "soctherm_oc"},
                                 {"oc1_event_cnt", "0"},
                                 {"oc1_throt_en", "1"},
                                 {"oc3_event_cnt", "37"}});
  DOCTEST_CHECK(test::names(files.throttling()) ==
                Strings{"throttle_events.oc1", "throttle_events.oc3"});
}

DOCTEST_TEST_CASE("a Raspberry Pi says what holds it back") {
  const Strings names{"throttled.undervoltage", "throttled.frequency_capped", "throttled.throttled",
                      "throttled.soft_temperature_limit"};
  for (const char* path : {"/sys/devices/platform/soc/soc:firmware/get_throttled",
                           "/sys/devices/platform/soc@107c000000/soc@107c000000:firmware/"
                           "get_throttled"}) {
    DOCTEST_CAPTURE(path);
    Files files;
    files.tree.write(path, "d0008\n");
    files.write_all(kHwmon + "1", {{"name", "rpi_volt"}, {"in0_lcrit_alarm", "1"}});
    DOCTEST_CHECK(test::names(files.throttling()) == names);
    DOCTEST_CHECK(files.first_values(files.throttling()) == Values{0.0, 0.0, 0.0, 1.0});
  }
}

DOCTEST_TEST_CASE("without get_throttled the voltage monitor tells of a bad supply") {
  Files files;
  files.write_all(kHwmon + "1", {{"name", "rpi_volt"}, {"in0_lcrit_alarm", "1"}});
  files.write_all(kHwmon + "2", {{"name", "other"}, {"in0_lcrit_alarm", "1"}});
  DOCTEST_CHECK(test::names(files.throttling()) == Strings{"throttled.undervoltage"});
  DOCTEST_CHECK(files.first_values(files.throttling()) == Values{1.0});
}

DOCTEST_TEST_CASE("a CPU's chip is looked at without labels, another is not") {
  Files files;
  files.write_all(kHwmon + "0", {{"name", "k10temp"}, {"temp1_input", "48750"}});
  files.write_all(kHwmon + "1", {{"name", "gigabyte_wmi"}, {"temp1_input", "30000"}});
  const auto found = files.temperatures();
  DOCTEST_CHECK(test::names(found) == Strings{"temperature_c.k10temp_temp1"});
  DOCTEST_CHECK(found[0].heat == HeatSource::kProcessor);
  DOCTEST_CHECK(files.first_values(found) == Values{48.75});
}

DOCTEST_TEST_CASE("AMD's Tctl, which may be 27 K too much, does not count beside Tdie") {
  Files files;
  files.write_all(kHwmon + "0", {{"name", "k10temp"},
                                 {"temp1_label", "Tctl"},
                                 {"temp1_input", "77000"},
                                 {"temp2_label", "Tdie"},
                                 {"temp2_input", "50000"}});
  files.write_all(kHwmon + "1",
                  {{"name", "k10temp"}, {"temp1_label", "Tctl"}, {"temp1_input", "50000"}});
  const auto found = files.temperatures();
  DOCTEST_REQUIRE(found.size() == 3);
  DOCTEST_CHECK(found[0].heat == HeatSource::kElsewhere);
  DOCTEST_CHECK(found[1].heat == HeatSource::kProcessor);
  DOCTEST_CHECK(found[2].heat == HeatSource::kProcessor);
}

DOCTEST_TEST_CASE("a monitoring chip's CPUTIN is no processor's, a laptop's CPU is") {
  Files files;
  files.write_all(kHwmon + "0",
                  {{"name", "nct6779"}, {"temp2_label", "CPUTIN"}, {"temp2_input", "109000"}});
  files.write_all(kHwmon + "1", {{"name", "dell_smm"},
                                 {"temp1_label", "CPU"},
                                 {"temp1_input", "37000"},
                                 {"temp2_label", "SODIMM"},
                                 {"temp2_input", "18000"},
                                 {"temp3_label", "SODIMM"},
                                 {"temp3_input", "24000"}});
  const auto found = files.temperatures();
  DOCTEST_CHECK(test::names(found) == Strings{"temperature_c.CPUTIN", "temperature_c.CPU",
                                              "temperature_c.SODIMM_temp2",
                                              "temperature_c.SODIMM_temp3"});
  DOCTEST_CHECK(found[0].heat == HeatSource::kElsewhere);
  DOCTEST_CHECK(found[1].heat == HeatSource::kProcessor);
  DOCTEST_CHECK(found[2].heat == HeatSource::kElsewhere);
}

DOCTEST_TEST_CASE("a battery's current, voltage and charge are no temperatures") {
  Files files;
  files.add_zone(0, "cpu0-silver-usr", "41200");
  files.add_zone(1, "ibat-high", "412");
  files.add_zone(2, "vbat", "4012");
  files.add_zone(3, "soc", "87");
  files.add_zone(4, "pm8150b-bcl-lvl0", "0");
  DOCTEST_CHECK(test::names(files.temperatures()) == Strings{"temperature_c.cpu0-silver-usr"});
  Files other;
  other.add_zone(0, "soc", "87000");
  DOCTEST_CHECK(test::names(other.temperatures()) == Strings{"temperature_c.soc"});
}

DOCTEST_TEST_CASE("zones of the same type keep their names when another driver comes first") {
  Files before;
  before.add_zone(0, "x86_pkg_temp", "40000");
  before.add_zone(1, "x86_pkg_temp", "50000");
  Files after;
  after.add_zone(0, "acpitz", "27800");
  after.add_zone(1, "x86_pkg_temp", "40000");
  after.add_zone(2, "x86_pkg_temp", "50000");
  const Strings names{"temperature_c.x86_pkg_temp_1", "temperature_c.x86_pkg_temp_2"};
  DOCTEST_CHECK(test::names(before.temperatures()) == names);
  const auto all = test::names(after.temperatures());
  DOCTEST_CHECK(Strings(all.begin() + 1, all.end()) == names);
}

DOCTEST_TEST_CASE("zones of ACPI are told apart by its devices") {
  Files files;
  files.add_zone(0, "acpitz", "30000");
  files.add_zone(1, "acpitz", "40000");
  for (const std::string number : {"0", "1"}) {
    files.tree.make_folder("/sys/devices/LNXSYSTM:00/LNXTHERM:0" + number);
    std::filesystem::create_directory_symlink(
        "../../../devices/LNXSYSTM:00/LNXTHERM:0" + number,
        files.tree.root().resolve(kThermal + "thermal_zone" + number + "/device"));
  }
  DOCTEST_CHECK(test::names(files.temperatures()) ==
                Strings{"temperature_c.acpitz_LNXTHERM_00", "temperature_c.acpitz_LNXTHERM_01"});
}

DOCTEST_TEST_CASE("zones that are closed are missing, and those that sleep are asked again") {
  Files files;
  files.add_zone(0, "cpu", "40000");
  files.add_zone(1, "gpu", "40000");
  test::FaultyCalls calls;
  calls.open_errors["thermal_zone0/temp"] = EACCES;
  calls.read_errors["thermal_zone1/temp"] = EAGAIN;
  const SysfsRoot root(files.tree.path(), calls);
  DOCTEST_CHECK(test::names(test::named(
                    root, find_temperatures(root, find_hwmon_chips(root), files.missing))) ==
                Strings{"temperature_c.gpu"});
  DOCTEST_REQUIRE(files.missing.size() == 1);
  DOCTEST_CHECK(files.missing[0].line() == kThermal +
                                               "thermal_zone0/temp: cannot be read: Permission "
                                               "denied; run as root, or give read access");
}

DOCTEST_TEST_CASE("trip points in whole degrees are not believed, and told") {
  Files files;
  files.add_zone(0, "sunxi-therm-0", "65");
  files.write_all(kThermal + "thermal_zone0", {{"trip_point_0_type", "passive"},
                                               {"trip_point_0_temp", "65"},
                                               {"trip_point_1_type", "critical"},
                                               {"trip_point_1_temp", "110000"},
                                               {"trip_point_2_type", "hot"},
                                               {"trip_point_2_temp", "0"}});
  const auto trips = find_trips(files.tree.root(), files.missing);
  DOCTEST_REQUIRE(trips.size() == 1);
  DOCTEST_CHECK(trips[0].temperature_c == 110.0);
  DOCTEST_REQUIRE(files.missing.size() == 1);
  DOCTEST_CHECK(files.missing[0].line() ==
                kThermal +
                    "thermal_zone0/trip_point_0_temp: holds 65, which would be 0.065 degC and can "
                    "hardly be; give `trips` in the board file");
}

DOCTEST_TEST_CASE("a zone that is called as a power supply is a battery's") {
  Files files;
  files.add_zone(0, "max170xx-0", "31000");
  files.tree.write("/sys/class/power_supply/max170xx-0/type", "Battery\n");
  DOCTEST_CHECK(files.temperatures().at(0).heat == HeatSource::kElsewhere);
}

DOCTEST_TEST_CASE("fans of the same type keep their names when another driver comes first") {
  Files files;
  files.add_cooling(3, "Fan", "0", "1");
  files.add_cooling(5, "Fan", "1", "1");
  DOCTEST_CHECK(test::names(files.throttling()) ==
                Strings{"cooling_share.Fan_1", "cooling_share.Fan_2"});
}

DOCTEST_TEST_CASE("chips that a container hides are missing, not without sensors") {
  Files files;
  files.tree.make_folder("/sys/class/hwmon");
  std::filesystem::create_directory_symlink("../../devices/a/hwmon/hwmon0",
                                            files.tree.root().resolve(kHwmon + "0"));
  DOCTEST_CHECK(files.temperatures().empty());
  DOCTEST_REQUIRE(files.missing.size() == 1);
  DOCTEST_CHECK(files.missing[0].reason == "is behind a link whose target is hidden here");
}

}  // namespace rein
