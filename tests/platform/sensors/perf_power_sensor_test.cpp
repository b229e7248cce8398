#include "platform/sensors/perf_power_sensor.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "platform/fake_calls.hpp"
#include "platform/sensor_samples.hpp"
#include "support/temporary_tree.hpp"

namespace rein {

namespace {

using std::chrono::milliseconds;
using Strings = std::vector<std::string>;

const std::string kPower = "/sys/bus/event_source/devices/power";
constexpr std::uint64_t kCores = 1;
constexpr std::uint64_t kPackage = 2;
/// Of a joule, in counts: so that 1 J is a round number of them.
constexpr std::uint64_t kPerJ = 1ULL << 32;

struct Machine {
  Machine() {
    tree.write(kPower + "/type", "11\n");
    tree.write(kPower + "/cpumask", "0\n");
    tree.write(kPower + "/format/event", "config:0-7\n");
    add_event("energy-cores", "0x01");
    add_event("energy-pkg", "0x02");
    calls.cpu_counts = {{{kPackage, 0}, 5 * kPerJ}, {{kCores, 0}, 7 * kPerJ}};
  }
  void add_event(const std::string& name, const std::string& code) const {
    tree.write(kPower + "/events/" + name, "event=" + code + "\n");
    tree.write(kPower + "/events/" + name + ".scale", "2.3283064365386962890625e-10\n");
    tree.write(kPower + "/events/" + name + ".unit", "Joules\n");
  }
  SysfsRoot root() { return SysfsRoot(tree.path(), calls); }

  test::TemporaryTree tree;
  test::FakeCalls calls;
  std::vector<Missing> missing;
};

}  // namespace

DOCTEST_TEST_CASE("counters of energy give the mean power over the period") {
  Machine machine;
  PerfPowerSensor sensor(machine.root(), machine.missing);
  DOCTEST_CHECK(machine.missing.empty());
  DOCTEST_CHECK(test::names(sensor) == Strings{"power_w.package-0", "power_w.core"});
  DOCTEST_CHECK(sensor.signals()[0].source == "perf_event_open: energy-pkg of CPU 0");
  DOCTEST_CHECK(sensor.packages() == std::vector<std::size_t>{0});
  test::Sampler sampler(sensor);
  DOCTEST_CHECK(sampler.values() == test::Values{std::nullopt, std::nullopt});
  machine.calls.cpu_counts = {{{kPackage, 0}, 6 * kPerJ}, {{kCores, 0}, 7 * kPerJ}};
  DOCTEST_CHECK(sampler.values(milliseconds(500)) == test::Values{2.0, 0.0});
  DOCTEST_CHECK(sampler.values() == test::Values{std::nullopt, std::nullopt});
}

DOCTEST_TEST_CASE("each package has a counter on a CPU of its own") {
  Machine machine;
  machine.tree.write(kPower + "/cpumask", "0,28\n");
  machine.tree.write("/sys/devices/system/cpu/cpu28/topology/physical_package_id", "1\n");
  machine.calls.cpu_counts[{kPackage, 28}] = 0;
  machine.calls.cpu_counts[{kCores, 28}] = 0;
  PerfPowerSensor sensor(machine.root(), machine.missing);
  DOCTEST_CHECK(test::names(sensor) == Strings{"power_w.package-0", "power_w.core_package-0",
                                               "power_w.package-1", "power_w.core_package-1"});
  DOCTEST_CHECK(sensor.packages() == std::vector<std::size_t>{0, 2});
  test::Sampler sampler(sensor);
  sampler.sample();
  machine.calls.cpu_counts[{kPackage, 28}] = kPerJ;
  DOCTEST_CHECK(sampler.values(milliseconds(100))[2] == doctest::Approx(10.0));
}

DOCTEST_TEST_CASE("counters that stand still, go backwards, jump or fail are no power") {
  Machine machine;
  PerfPowerSensor sensor(machine.root(), machine.missing);
  test::Sampler sampler(sensor);
  sampler.sample();
  const auto next = [&](std::uint64_t count, int after_ms) {
    machine.calls.cpu_counts[{kPackage, 0}] = count;
    return sampler.sample(milliseconds(after_ms)).at(0);
  };
  DOCTEST_CHECK(next(5 * kPerJ, 9).problem.empty());
  DOCTEST_CHECK(next(5 * kPerJ, 10).problem == "energy-pkg of CPU 0: has not moved for 10 ms");
  DOCTEST_CHECK(next(4 * kPerJ, 100).problem ==
                "energy-pkg of CPU 0: expected a count that grows, found 17179869184 after "
                "21474836480");
  DOCTEST_CHECK(next(5 * kPerJ, 100).value == doctest::Approx(10.0));
  DOCTEST_CHECK(next(5000 * kPerJ, 100).problem ==
                "energy-pkg of CPU 0: expected 0 to 10000 W, found 49950");
  machine.calls.cpu_counts.erase({kPackage, 0});
  DOCTEST_CHECK(sampler.sample(milliseconds(100)).at(0).problem ==
                "energy-pkg of CPU 0: cannot be read");
  DOCTEST_CHECK(next(5001 * kPerJ, 100).value == std::nullopt);
  DOCTEST_CHECK(next(5002 * kPerJ, 100).value == doctest::Approx(10.0));
}

DOCTEST_TEST_CASE("energy counters that need more rights are told") {
  Machine machine;
  machine.calls.refused_types = {11};
  machine.calls.open_error = EACCES;
  const PerfPowerSensor sensor(machine.root(), machine.missing);
  DOCTEST_CHECK(sensor.signals().empty());
  DOCTEST_REQUIRE(machine.missing.size() == 2);
  DOCTEST_CHECK(machine.missing[0].line() ==
                kPower +
                    "/events/energy-pkg: cannot be counted: Permission denied; run as root, or "
                    "with /proc/sys/kernel/perf_event_paranoid of 0");
}

DOCTEST_TEST_CASE("an event in another unit is no energy, and no unit is no sensor") {
  Machine machine;
  machine.tree.write(kPower + "/events/energy-pkg.unit", "Wh\n");
  machine.tree.write(kPower + "/events/energy-cores.scale", "-1\n");
  DOCTEST_CHECK(PerfPowerSensor(machine.root(), machine.missing).signals().empty());
  machine.tree.remove(kPower);
  DOCTEST_CHECK(PerfPowerSensor(machine.root(), machine.missing).signals().empty());
  DOCTEST_CHECK(machine.missing.empty());
}

DOCTEST_TEST_CASE("energy counters are closed in the end") {
  Machine machine;
  {
    const PerfPowerSensor sensor(machine.root(), machine.missing);
    DOCTEST_CHECK(machine.calls.open_counters.size() == 2);
  }
  DOCTEST_CHECK(machine.calls.open_counters.empty());
}

}  // namespace rein
