#include "platform/probe.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "support/temporary_tree.hpp"

namespace rein {

namespace {

/// Every file with its text.
std::map<std::string, std::string> contents(const test::TemporaryTree& tree) {
  std::map<std::string, std::string> result;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(tree.path())) {
    const std::string path = entry.path().lexically_relative(tree.path()).string();
    result[path] = entry.is_regular_file() ? tree.read("/" + path) : "";
  }
  return result;
}

void fill(const test::TemporaryTree& tree) {
  const std::string cpu = "/sys/devices/system/cpu";
  tree.write(cpu + "/online", "0-1\n");
  tree.write(cpu + "/cpufreq/policy0/affected_cpus", "0 1\n");
  tree.write(cpu + "/cpufreq/policy0/scaling_available_frequencies", "200000 1400000\n");
  tree.write(cpu + "/cpufreq/policy0/scaling_min_freq", "200000\n");
  tree.write(cpu + "/cpufreq/policy0/scaling_max_freq", "1400000\n");
  tree.write(cpu + "/cpufreq/policy0/scaling_cur_freq", "1400000\n");
  tree.write("/proc/self/mountinfo", "30 29 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
  tree.write("/proc/self/cgroup", "0::/\n");
  tree.write("/sys/fs/cgroup/cgroup.controllers", "cpu\n");
  tree.write("/sys/fs/cgroup/cgroup.procs", "\n");
  tree.write("/sys/class/thermal/thermal_zone0/type", "soc\n");
  tree.write("/sys/class/thermal/thermal_zone0/temp", "42500\n");
}

}  // namespace

DOCTEST_TEST_CASE("a probe tells what there is and what is missing, and changes nothing") {
  const test::TemporaryTree tree;
  fill(tree);
  const auto before = contents(tree);
  ManualClock clock;
  const ProbeReport report = probe(tree.root(), clock);
  DOCTEST_CHECK(contents(tree) == before);

  const std::string table = to_table(report);
  DOCTEST_CAPTURE(table);
  for (const char* part : {"policy0  CPUs 0-1  200, 1400 MHz", "all2  CPUs 0-1  2 threads",
                           "frequency.policy0  cpufreq", "bandwidth.cpu      cgroup v2",
                           "frequency_mhz.policy0  1400 MHz", "temperature_c.soc      42.5 degC",
                           "/proc/pressure/cpu: does not exist; "}) {
    DOCTEST_CAPTURE(part);
    DOCTEST_CHECK(table.find(part) != std::string::npos);
  }

  const auto document = nlohmann::json::parse(to_json(report));
  DOCTEST_CHECK(document["domains"][0]["opps_mhz"] == nlohmann::json({200.0, 1400.0}));
  DOCTEST_CHECK(document["controls"].size() == 2);
  DOCTEST_CHECK(document["missing"].size() == report.missing.size());
  for (const auto& signal : document["signals"]) {
    if (signal["name"] == "temperature_c.soc") {
      DOCTEST_CHECK(signal["value"] == 42.5);
      DOCTEST_CHECK(signal["unit"] == "degC");
    }
    if (signal["name"] == "power_w") {
      DOCTEST_CHECK(signal["value"].is_null());
      DOCTEST_CHECK(signal["estimated"] == true);
    }
  }
}

DOCTEST_TEST_CASE("a probe of a bare machine names each thing that is missing") {
  const test::TemporaryTree tree;
  tree.write("/sys/devices/system/cpu/online", "0\n");
  ManualClock clock;
  const ProbeReport report = probe(tree.root(), clock);
  DOCTEST_CHECK(report.controls.empty());
  std::vector<std::string> paths;
  for (const auto& missing : report.missing) {
    paths.push_back(missing.path);
    DOCTEST_CHECK_FALSE(missing.reason.empty());
    DOCTEST_CHECK_FALSE(missing.remedy.empty());
  }
  DOCTEST_CHECK(paths == std::vector<std::string>{
                             "/proc/pressure/cpu", "/proc/pressure/memory", "/sys/class/thermal",
                             "/sys/class/powercap, /sys/class/hwmon",
                             "/sys/devices/system/cpu/cpufreq", "/proc/self/mountinfo"});
}

}  // namespace rein
