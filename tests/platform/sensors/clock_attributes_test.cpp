#include "platform/sensors/clock_attributes.hpp"

#include <doctest/doctest.h>

#include "platform/board/domain_path.hpp"
#include "platform/sensor_samples.hpp"
#include "platform/sensors/attribute_sensor.hpp"
#include "support/temporary_tree.hpp"

namespace rein {

namespace {

using test::Values;

DomainSpec domain(const std::string& name, ClockInterface interface,
                  std::vector<std::string> paths) {
  return {.name = name,
          .interface = interface,
          .paths = std::move(paths),
          .cpus = {},
          .opps_mhz = {},
          .opps_v = {}};
}

}  // namespace

DOCTEST_TEST_CASE("a domain's folder is the first of its paths that exists") {
  const test::TemporaryTree tree;
  const std::string policy = "/sys/devices/system/cpu/cpufreq/policy4";
  const std::string gpu = "/sys/devices/platform/11800000.mali/devfreq/devfreq0";
  tree.make_folder(policy);
  tree.make_folder(gpu);
  tree.make_folder("/sys/class/devfreq/57000000.gpu");
  using enum ClockInterface;
  const auto find = [&tree](ClockInterface interface, std::vector<std::string> paths) {
    return domain_path(tree.root(), domain("x", interface, std::move(paths))).value_or("none");
  };
  DOCTEST_CHECK(find(kCpufreq, {"policy0", "policy4"}) == policy);
  DOCTEST_CHECK(find(kCpufreq, {"policy1"}) == "none");
  DOCTEST_CHECK(find(kCpufreq, {policy}) == policy);
  DOCTEST_CHECK(find(kDevfreq, {"*.gv11b", "57000000.*"}) == "/sys/class/devfreq/57000000.gpu");
  DOCTEST_CHECK(find(kDevfreq, {"/sys/devices/platform/*.mali/devfreq/*"}) == gpu);
  DOCTEST_CHECK(find(kMali, {"/sys/class/misc/mali0/device"}) == "none");
  DOCTEST_CHECK(find(kBpmp, {}) == "none");
}

DOCTEST_TEST_CASE("the granted frequency of each kind of clock is in MHz") {
  const test::TemporaryTree tree;
  tree.write("/sys/devices/system/cpu/cpufreq/policy0/scaling_cur_freq", "600000\n");
  tree.write("/sys/class/devfreq/57000000.gpu/cur_freq", "921600000\n");
  tree.write("/sys/kernel/debug/bpmp/debug/clk/emc/rate", "1600000000\n");
  tree.write("/sys/class/misc/mali0/device/clock", "543\n");
  tree.make_folder("/sys/devices/system/cpu/cpufreq/policy7");
  using enum ClockInterface;
  const auto found = test::named(
      tree.root(),
      find_frequencies(
          tree.root(),
          {domain("little", kCpufreq, {"policy0"}), domain("gpu", kDevfreq, {"*.gpu"}),
           domain("memory", kBpmp, {"/sys/kernel/debug/bpmp/debug/clk/emc"}),
           domain("mali", kMali, {"/sys/class/misc/mali0/device"}),
           domain("no file", kCpufreq, {"policy7"}), domain("nowhere", kCpufreq, {"policy8"})}));
  DOCTEST_CHECK(test::names(found) ==
                std::vector<std::string>{"frequency_mhz.little", "frequency_mhz.gpu",
                                         "frequency_mhz.memory", "frequency_mhz.mali"});
  AttributeSensor sensor(tree.root(), found);
  test::Sampler sampler(sensor);
  DOCTEST_CHECK(sampler.values() == Values{600.0, 921.6, 1600.0, 543.0});
  for (const char* garbage : {"", "<unknown>", "-1", "0", "6e5", "nan"}) {
    DOCTEST_CAPTURE(garbage);
    tree.write("/sys/class/misc/mali0/device/clock", garbage);
    DOCTEST_CHECK(sampler.values(std::chrono::seconds(1))[3] == std::nullopt);
  }
}

DOCTEST_TEST_CASE("a GPU's load is a share wherever the driver shows it") {
  const auto load = [](const std::string& path, const std::string& text) {
    const test::TemporaryTree tree;
    tree.write(path, text);
    const auto found = test::named(tree.root(), find_listed(tree.root()));
    if (found.empty()) {
      return std::optional<double>();
    }
    DOCTEST_CHECK(found.size() == 1);
    DOCTEST_CHECK(found[0].signal.name == "gpu_load_share");
    AttributeSensor sensor(tree.root(), found);
    return test::Sampler(sensor).values().at(0);
  };
  for (const char* path :
       {"/sys/devices/gpu.0/load", "/sys/devices/platform/host1x/17000000.gv11b/load",
        "/sys/devices/platform/host1x/17000000.gp10b/load",
        "/sys/devices/platform/17000000.gpu/load",
        "/sys/devices/platform/bus@0/17000000.gpu/load"}) {
    DOCTEST_CAPTURE(path);
    DOCTEST_CHECK(load(path, "512\n") == 0.512);
  }
  DOCTEST_CHECK(load("/sys/class/drm/card0/device/gpu_busy_percent", "50\n") == 0.5);
  DOCTEST_CHECK(load("/sys/devices/gpu.0/load", "1001\n") == std::nullopt);
  DOCTEST_CHECK(load("/sys/devices/platform/host1x/15340000.vic/load", "1\n") == std::nullopt);
}

}  // namespace rein
