#include "platform/linux_platform.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "common/error.hpp"
#include "platform/fake_calls.hpp"
#include "platform/giving_back/control_guard.hpp"
#include "support/other_process.hpp"
#include "support/temporary_tree.hpp"

namespace rein {

namespace {

const std::string kPolicy = "/sys/devices/system/cpu/cpufreq/policy0";

/// Two CPUs, one frequency domain, control groups of version 2, RAPL, one thermal zone.
struct Machine {
  Machine() {
    board = Board::from_yaml(ConfigNode::parse(
        "name: x\n"
        "cpus: \"0-1\"\n"
        "domains: [{name: both, policy: policy0, cpus: \"0-1\", opps_mhz: [600, 1400]}]\n"
        "places: [{name: cpu0, cpus: \"0\"}, {name: cpu1, cpus: \"1\"}, {name: all2, cpus: "
        "\"0-1\"}]\n"
        "bandwidth: {levels_cpus: [0.5, 2]}\n"
        "power_model: {idle_w: 2, cpu_w: 3}\n",
        "b.yaml"));
    tree.write("/sys/devices/system/cpu/online", "0-1\n");
    tree.write("/proc/stat", "cpu0 0 0 0 0 0 0 0 0 0 0\ncpu1 0 0 0 0 0 0 0 0 0 0\n");
    tree.write("/proc/self/task/100/schedstat", "0 0 0\n");
    tree.write("/sys/class/thermal/thermal_zone0/type", "cpu");
    tree.write("/sys/class/thermal/thermal_zone0/temp", "50000");
    tree.write(kPolicy + "/scaling_available_governors", "userspace\n");
    tree.write(kPolicy + "/scaling_governor", "ondemand\n");
    tree.write(kPolicy + "/scaling_setspeed", "<unsupported>\n");
    tree.write(kPolicy + "/scaling_cur_freq", "600000\n");
    tree.write("/proc/self/mountinfo", "30 29 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    tree.write("/proc/self/cgroup", "0::/\n");
    tree.write("/sys/fs/cgroup/cgroup.controllers", "cpu\n");
    tree.write("/sys/fs/cgroup/cgroup.subtree_control", "cpu\n");
    tree.write("/sys/fs/cgroup/cgroup.procs", "100\n");
    calls.home = tree.root().resolve("/sys/fs/cgroup");
    calls.group_files = {{"cgroup.procs", ""}, {"cpu.max", "max 100000\n"}};
    calls.refused_types = {PERF_TYPE_HARDWARE, PERF_TYPE_SOFTWARE};
  }

  SysfsRoot root() { return SysfsRoot(tree.path(), calls); }

  test::TemporaryTree tree;
  test::FakeCalls calls;
  ManualClock clock;
  Board board;
  LinuxPlatformOptions options;
};

void fail(const std::string& line) { DOCTEST_FAIL(line); }

/// A platform with its guard.
struct Run {
  explicit Run(Machine& machine, ControlGuard::Report report = fail)
      : guard(machine.root(), std::move(report)),
        platform(machine.board, machine.root(), machine.clock, guard, machine.options) {}

  ControlGuard guard;
  LinuxPlatform platform;
};

std::vector<std::string> control_names(const Platform& platform) {
  std::vector<std::string> names;
  for (const auto& control : platform.controls()) {
    names.push_back(control.name);
  }
  return names;
}

Reading reading(const Platform& platform, const Telemetry& telemetry, const std::string& name) {
  const auto& signals = platform.signals();
  const auto found = std::find_if(signals.begin(), signals.end(),
                                  [&name](const Signal& signal) { return signal.name == name; });
  DOCTEST_REQUIRE_MESSAGE(found != signals.end(), name);
  return telemetry.readings.at(static_cast<std::size_t>(found - signals.begin()));
}

bool has_note(const LinuxPlatform& platform, const std::string& part) {
  return std::any_of(platform.notes().begin(), platform.notes().end(),
                     [&part](const auto& note) { return note.find(part) != std::string::npos; });
}

}  // namespace

DOCTEST_TEST_CASE("mapping, frequency and bandwidth are set, and all comes back") {
  Machine machine;
  const std::string group = "/sys/fs/cgroup/rein-100";
  {
    Run run(machine);
    LinuxPlatform& platform = run.platform;
    DOCTEST_CHECK(control_names(platform) ==
                  std::vector<std::string>{"mapping.dnn", "frequency.both", "bandwidth.cpu"});
    DOCTEST_CHECK(platform.controls()[0].levels[2].label == "all2");
    DOCTEST_CHECK(platform.controls()[0].levels[2].value == 2.0);
    DOCTEST_CHECK(platform.controls()[1].levels[1].label == "1400MHz");
    DOCTEST_CHECK(platform.controls()[2].levels[0].label == "0.5cpu");
    // As found, until the first apply.
    DOCTEST_CHECK(machine.calls.cpus_of[100] == CpuList{0, 1});
    DOCTEST_CHECK(machine.tree.root().read(kPolicy + "/scaling_governor") == "ondemand");
    platform.apply({1, 1, 0});
    DOCTEST_CHECK(machine.calls.cpus_of[100] == CpuList{1});
    DOCTEST_CHECK(machine.tree.read(kPolicy + "/scaling_setspeed") == "1400000");
    DOCTEST_CHECK(machine.tree.read(group + "/cpu.max") == "5000 10000");
  }
  DOCTEST_CHECK(machine.calls.cpus_of[100] == CpuList{0, 1});
  DOCTEST_CHECK(machine.tree.root().read(kPolicy + "/scaling_governor") == "ondemand");
  DOCTEST_CHECK_FALSE(machine.tree.exists(group));
}

DOCTEST_TEST_CASE("only what changed is written") {
  Machine machine;
  Run run(machine);
  LinuxPlatform& platform = run.platform;
  platform.apply({1, 1, 0});
  machine.tree.write(kPolicy + "/scaling_setspeed", "untouched");
  machine.tree.write("/sys/fs/cgroup/rein-100/cpu.max", "untouched");
  platform.apply({2, 1, 0});
  DOCTEST_CHECK(machine.calls.cpus_of[100] == CpuList{0, 1});
  DOCTEST_CHECK(machine.tree.read(kPolicy + "/scaling_setspeed") == "untouched");
  DOCTEST_CHECK(machine.tree.read("/sys/fs/cgroup/rein-100/cpu.max") == "untouched");
}

DOCTEST_TEST_CASE("what was granted is read back") {
  Machine machine;
  Run run(machine);
  machine.tree.write(kPolicy + "/scaling_cur_freq", "1000000\n");  // Heat.
  run.platform.apply({2, 1, 0});
  const auto& grants = run.platform.grants();
  DOCTEST_REQUIRE(grants.size() == 3);
  DOCTEST_CHECK(grants[0].level == 2);
  DOCTEST_CHECK(grants[0].value == 2.0);
  DOCTEST_CHECK(grants[1].level == 0);  // The nearest.
  DOCTEST_CHECK(grants[1].value == 1000.0);
  DOCTEST_CHECK(grants[2].value == 0.5);
  DOCTEST_CHECK_FALSE(grants[1].refused);
  machine.tree.write(kPolicy + "/scaling_cur_freq", "1400000\n");  // It cools down.
  DOCTEST_CHECK(run.platform.grants()[1].level == 1);
  // A place of as many threads as another is still the one that was asked for.
  run.platform.apply({1, 1, 0});
  DOCTEST_CHECK(run.platform.grants()[0].level == 1);
}

DOCTEST_TEST_CASE("what somebody else has undone is set again, and told") {
  Machine machine;
  Run run(machine);
  machine.tree.write(kPolicy + "/scaling_cur_freq", "1400000\n");
  run.platform.apply({1, 1, 0});
  run.platform.grants();
  DOCTEST_CHECK(run.platform.new_troubles().empty());
  // The CPU was offline for a moment, and another manager has the clock.
  machine.calls.cpus_of[100] = {0, 1};
  machine.tree.write(kPolicy + "/scaling_governor", "schedutil\n");
  machine.tree.write(kPolicy + "/scaling_cur_freq", "600000\n");
  machine.tree.write("/sys/fs/cgroup/rein-100/cpu.max", "max 10000");
  run.platform.grants();
  DOCTEST_CHECK(run.platform.new_troubles() ==
                std::vector<std::string>{"mapping.dnn: somebody else has changed it; set again",
                                         "frequency.both: somebody else has changed it; set again",
                                         "bandwidth.cpu: somebody else has changed it; set again"});
  run.platform.apply({1, 1, 0});
  DOCTEST_CHECK(machine.calls.cpus_of[100] == CpuList{1});
  DOCTEST_CHECK(machine.tree.root().read(kPolicy + "/scaling_governor") == "userspace");
  DOCTEST_CHECK(machine.tree.read("/sys/fs/cgroup/rein-100/cpu.max") == "5000 10000");
}

DOCTEST_TEST_CASE("threads that somebody had moved to a place of as many CPUs were not missed") {
  Machine machine;
  Run run(machine);
  run.platform.apply({1, 1, 0});
  machine.calls.cpus_of[100] = {0};  // The place cpu0, and not cpu1.
  const Grant grant = run.platform.grants()[0];
  DOCTEST_CHECK(grant.level == 0);
  DOCTEST_CHECK(grant.value == 1.0);
  const auto troubles = run.platform.new_troubles();
  DOCTEST_CHECK(
      std::ranges::count(troubles, "mapping.dnn: somebody else has changed it; set again") == 1);
  run.platform.apply({1, 1, 0});
  DOCTEST_CHECK(machine.calls.cpus_of[100] == CpuList{1});
}

DOCTEST_TEST_CASE(
    "a bandwidth that the kernel rounds, or above all CPUs, was set in every period") {
  Machine machine;
  machine.board.bandwidth->levels_cpus = {1.0 / 3.0, 1.0, 2.0, 8.0};
  Run run(machine);
  for (std::size_t level = 0; level < 4; ++level) {
    run.platform.apply({1, 1, level});
    machine.calls.written.clear();
    DOCTEST_CHECK(run.platform.grants()[2].level == level);
    run.platform.apply({1, 1, level});
    run.platform.grants();
    DOCTEST_CHECK(std::ranges::none_of(
        machine.calls.written, [](const auto& each) { return each.first.ends_with("/cpu.max"); }));
  }
  for (const auto& trouble : run.platform.new_troubles()) {
    DOCTEST_CHECK(trouble.find("bandwidth") == std::string::npos);
  }
}

DOCTEST_TEST_CASE("heat is no reason to set a frequency again") {
  Machine machine;
  Run run(machine);
  run.platform.apply({1, 1, 0});
  machine.tree.write(kPolicy + "/scaling_cur_freq", "600000\n");
  run.platform.grants();
  machine.calls.written.clear();
  run.platform.apply({1, 1, 0});
  DOCTEST_CHECK(machine.calls.written.empty());
  DOCTEST_CHECK(run.platform.new_troubles().empty());
}

DOCTEST_TEST_CASE("a write that fails is told, and tried again by the next apply") {
  for (const int error : {EACCES, EBUSY, EINVAL, ENODEV}) {
    DOCTEST_CAPTURE(error);
    Machine machine;
    Run run(machine);
    run.platform.apply({0, 0, 1});
    machine.calls.write_errors["/scaling_setspeed"] = error;
    const auto& grants = run.platform.apply({1, 1, 1});
    DOCTEST_CHECK(machine.calls.cpus_of[100] == CpuList{1});  // The others are set all the same.
    DOCTEST_CHECK(grants[1].refused);
    DOCTEST_CHECK_FALSE(grants[1].left_out);
    DOCTEST_CHECK(grants[1].level == 0);  // The nearest to the 600 MHz that are granted.
    DOCTEST_CHECK(
        run.platform.new_troubles() ==
        std::vector<std::string>{
            "frequency.both: " + machine.root().resolve(kPolicy + "/scaling_setspeed").string() +
            ": cannot write '1400000': " + std::strerror(error) + "; tried again"});
    machine.calls.write_errors.clear();
    DOCTEST_CHECK_FALSE(run.platform.apply({1, 1, 1})[1].refused);
    DOCTEST_CHECK(machine.tree.read(kPolicy + "/scaling_setspeed") == "1400000");
    DOCTEST_CHECK(run.platform.new_troubles() ==
                  std::vector<std::string>{"frequency.both: works again"});
  }
}

DOCTEST_TEST_CASE("a control that is refused again and again is left out as it was found") {
  Machine machine;
  Run run(machine);
  run.platform.apply({0, 0, 1});
  machine.calls.write_errors["/scaling_setspeed"] = EBUSY;
  for (int i = 0; i < LinuxPlatform::kMaxRefusals - 1; ++i) {
    DOCTEST_CHECK_FALSE(run.platform.apply({0, 1, 1})[1].left_out);
  }
  run.platform.new_troubles();
  const auto& grants = run.platform.apply({1, 1, 1});
  DOCTEST_CHECK(grants[1].left_out);
  DOCTEST_CHECK(machine.tree.root().read(kPolicy + "/scaling_governor") == "ondemand");
  DOCTEST_CHECK(
      run.platform.new_troubles() ==
      std::vector<std::string>{
          "frequency.both: " + machine.root().resolve(kPolicy + "/scaling_setspeed").string() +
          ": cannot write '1400000': Device or resource busy; left out after 3 refusals, "
          "as it was found"});
  // It is not touched any more, and the others are.
  machine.calls.write_errors.clear();
  run.platform.apply({0, 0, 0});
  DOCTEST_CHECK(machine.tree.root().read(kPolicy + "/scaling_governor") == "ondemand");
  DOCTEST_CHECK(machine.tree.read("/sys/fs/cgroup/rein-100/cpu.max") == "5000 10000");
  DOCTEST_CHECK(run.platform.new_troubles().empty());
}

DOCTEST_TEST_CASE(
    "CPUs that a place takes offline take their clock along, which is set anew later") {
  Machine machine;
  for (const char* cpu : {"0", "1"}) {
    machine.tree.write(std::string("/sys/devices/system/cpu/cpu") + cpu + "/online", "1\n");
  }
  machine.board.domains[0].cpus = {1};
  machine.board.places = {{.name = "first", .cpus = {0}, .threads = 1, .offline = {1}},
                          {.name = "all2", .cpus = {0, 1}, .threads = 2}};
  {
    Run run(machine);
    run.platform.apply({1, 1, 1});
    machine.tree.write(kPolicy + "/scaling_setspeed", "untouched");
    DOCTEST_CHECK_FALSE(run.platform.apply({0, 0, 1})[1].refused);
    DOCTEST_CHECK(machine.tree.read(kPolicy + "/scaling_setspeed") == "untouched");
    run.platform.apply({1, 0, 1});
    DOCTEST_CHECK(machine.tree.read(kPolicy + "/scaling_setspeed") == "600000");
    run.platform.apply({0, 0, 1});
    DOCTEST_CHECK(machine.tree.root().read("/sys/devices/system/cpu/cpu1/online") == "0");
  }
  DOCTEST_CHECK(machine.tree.root().read("/sys/devices/system/cpu/cpu1/online") == "1");
}

DOCTEST_TEST_CASE("a place on a device that the application cannot use is left out") {
  Machine machine;
  machine.board.places.push_back({.name = "gpu", .device = "gpu", .cpus = {0}});
  Run run(machine);
  DOCTEST_CHECK(run.platform.controls()[0].levels.size() == 3);
  DOCTEST_CHECK(has_note(
      run.platform,
      "place gpu: is on the gpu, which cannot be used: what serves computes on CPUs alone"));
  machine.options.device_obstacle = [](const std::string&) { return std::nullopt; };
  DOCTEST_CHECK(Run(machine).platform.controls()[0].levels.size() == 4);
}

DOCTEST_TEST_CASE("a sensor that must be switched on is, and is switched off again") {
  Machine machine;
  const std::string folder = "/sys/bus/i2c/drivers/INA231/3-0040";
  machine.tree.write(folder + "/enable", "0\n");
  machine.tree.write(folder + "/sensor_W", "1.234567\n");
  machine.board.sensors = {{.signal = "power_w.A15",
                            .path = "/sys/bus/i2c/drivers/INA231/*-0040/sensor_W",
                            .enable = "/sys/bus/i2c/drivers/INA231/*-0040/enable"}};
  {
    Run run(machine);
    DOCTEST_CHECK(machine.tree.root().read(folder + "/enable") == "1");
    DOCTEST_CHECK(reading(run.platform, run.platform.sample(), "power_w.A15").value ==
                  doctest::Approx(1.234567));
  }
  DOCTEST_CHECK(machine.tree.root().read(folder + "/enable") == "0");
}

DOCTEST_TEST_CASE("a sensor that cannot be switched on ends no run") {
  Machine machine;
  machine.tree.write("/sys/sensor/enable", "0\n");
  machine.tree.write("/sys/sensor/linked", "0\n");
  std::filesystem::create_symlink("linked", machine.tree.root().resolve("/sys/sensor/link"));
  machine.calls.write_errors["/sys/sensor/enable"] = EBUSY;
  machine.calls.texts["/sys/sensor/enable"] = "0\n";
  const auto power = [](const char* enable) {
    return SensorSpec{.signal = std::string("power_w.") + (enable + sizeof("/sys/sensor")),
                      .path = "/sys/sensor/power",
                      .enable = enable};
  };
  machine.board.sensors = {power("/sys/sensor/enable"), power("/sys/sensor/link")};
  Run run(machine);
  DOCTEST_CHECK(has_note(run.platform, "/sys/sensor/enable: cannot write '1': Device or resource"));
  DOCTEST_CHECK(has_note(run.platform, "/sys/sensor/link: is left alone"));
  DOCTEST_CHECK(machine.tree.root().read("/sys/sensor/linked") == "0");
}

DOCTEST_TEST_CASE("a configuration that does not fit changes nothing") {
  Machine machine;
  Run run(machine);
  LinuxPlatform& platform = run.platform;
  DOCTEST_CHECK_THROWS_WITH_AS(platform.apply({0, 0}), "configuration: expected 3 levels, found 2",
                               std::out_of_range);
  DOCTEST_CHECK_THROWS_WITH_AS(platform.apply({0, 2, 0}),
                               "frequency.both: expected a level below 2, found 2",
                               std::out_of_range);
  DOCTEST_CHECK(machine.calls.cpus_of[100] == CpuList{0, 1});
}

DOCTEST_TEST_CASE("one place that was refused took the whole mapping with it") {
  Machine machine;
  Run run(machine, nullptr);
  LinuxPlatform& platform = run.platform;
  platform.apply({0, 0, 1});
  machine.calls.online = {0};  // The rest was taken from us meanwhile.
  for (int i = 0; i < LinuxPlatform::kMaxRefusals; ++i) {
    DOCTEST_CHECK(platform.apply({1, 0, 1})[0].refused);
    DOCTEST_CHECK_FALSE(platform.grants()[0].left_out);
    DOCTEST_CHECK(machine.calls.cpus_of[100] == CpuList{0});
  }
  const auto troubles = platform.new_troubles();
  DOCTEST_REQUIRE(troubles.size() == 2);
  DOCTEST_CHECK(troubles[1] ==
                "mapping.dnn cpu1: sched_setaffinity: cannot move thread 100 to CPUs 1: Invalid "
                "argument; left out after 3 refusals, the others stay");
  // It is not tried again, and said so; the others work.
  machine.calls.online = {0, 1};
  DOCTEST_CHECK(platform.apply({1, 0, 1})[0].refused);
  DOCTEST_CHECK(platform.grants()[0].level == 0);
  DOCTEST_CHECK_FALSE(platform.apply({2, 0, 1})[0].refused);
  DOCTEST_CHECK(machine.calls.cpus_of[100] == CpuList{0, 1});
  DOCTEST_CHECK(platform.new_troubles().empty());
}

DOCTEST_TEST_CASE("a place was given up for good while somebody else had its CPU offline") {
  Machine machine;
  Run run(machine, nullptr);
  LinuxPlatform& platform = run.platform;
  platform.apply({0, 0, 1});
  machine.calls.online = {0};
  machine.tree.write("/sys/devices/system/cpu/cpu1/online", "0");
  for (int i = 0; i < 3 * LinuxPlatform::kMaxRefusals; ++i) {
    DOCTEST_CHECK(platform.apply({1, 0, 1})[0].refused);
    DOCTEST_CHECK(platform.grants()[0].level == 0);
  }
  DOCTEST_CHECK(platform.new_troubles().size() == 1);  // Said once.
  machine.calls.online = {0, 1};
  machine.tree.write("/sys/devices/system/cpu/cpu1/online", "1");
  DOCTEST_CHECK_FALSE(platform.apply({1, 0, 1})[0].refused);
  DOCTEST_CHECK(machine.calls.cpus_of[100] == CpuList{1});
  DOCTEST_CHECK(platform.new_troubles() == std::vector<std::string>{"mapping.dnn: works again"});
}

DOCTEST_TEST_CASE("a domain that is only read is no control") {
  Machine machine;
  machine.board.domains[0].control = false;
  Run run(machine);
  DOCTEST_CHECK(control_names(run.platform) ==
                std::vector<std::string>{"mapping.dnn", "bandwidth.cpu"});
}

DOCTEST_TEST_CASE("what the machine does not offer is left out with a note") {
  Machine machine;
  machine.tree.remove("/sys/devices/system/cpu/cpufreq");
  machine.tree.remove("/sys/class/thermal");
  machine.calls.make_error = EROFS;
  machine.board.places.push_back({.name = "far", .cpus = {7}, .threads = 1});
  Run run(machine);
  LinuxPlatform& platform = run.platform;
  DOCTEST_CHECK(control_names(platform) == std::vector<std::string>{"mapping.dnn"});
  DOCTEST_CHECK(platform.controls()[0].levels.size() == 3);
  DOCTEST_CHECK(has_note(platform, "policy0: does not exist; check the domain both"));
  DOCTEST_CHECK(has_note(platform, "rein-100: cannot be made: Read-only file system"));
  DOCTEST_CHECK(has_note(platform, "a budget on heat is blind"));
  DOCTEST_CHECK(
      has_note(platform, "the CPUs 7 of the place far are offline, only 0-1 can be used"));
}

DOCTEST_TEST_CASE("an application may have a choice of places, in its own order") {
  Machine machine;
  machine.options.applications = {"net"};
  machine.options.places = {{"net", {"all2", "cpu0"}}};
  machine.options.frequency = false;
  machine.options.bandwidth = false;
  {
    Run run(machine);
    LinuxPlatform& platform = run.platform;
    DOCTEST_CHECK(control_names(platform) == std::vector<std::string>{"mapping.net"});
    DOCTEST_CHECK(platform.controls()[0].levels[0].label == "all2");
    DOCTEST_CHECK(platform.controls()[0].levels[1].label == "cpu0");
  }
  machine.options.places = {{"net", {"gpu"}}};
  DOCTEST_CHECK_THROWS_WITH_AS(Run{machine}, "net: expected a place of the board x, found 'gpu'",
                               Error);
  machine.options.applications = {"net", "other"};
  DOCTEST_CHECK_THROWS_AS(Run{machine}, Error);
}

DOCTEST_TEST_CASE("the first sample has no rates, and later ones cover the time between") {
  Machine machine;
  Run run(machine);
  LinuxPlatform& platform = run.platform;
  const auto first = platform.sample();
  DOCTEST_CHECK(first.interval == Duration::zero());
  DOCTEST_CHECK(first.readings.size() == platform.signals().size());
  DOCTEST_CHECK_FALSE(reading(platform, first, "power_w").valid);
  DOCTEST_CHECK(reading(platform, first, "temperature_c.cpu").value == 50.0);
  DOCTEST_CHECK(reading(platform, first, "frequency_mhz.both").value == 600.0);

  machine.clock.advance(from_seconds(1.0));
  machine.tree.write("/proc/stat", "cpu0 50 0 0 50 0 0 0 0 0 0\ncpu1 0 0 0 100 0 0 0 0 0 0\n");
  const auto second = platform.sample();
  DOCTEST_CHECK(second.interval == from_seconds(1.0));
  DOCTEST_CHECK(reading(platform, second, "power_w").value == doctest::Approx(3.5));
  DOCTEST_CHECK_FALSE(reading(platform, platform.sample(), "power_w").valid);
}

DOCTEST_TEST_CASE("a sensor in trouble is not valid, and its age grows until it is well again") {
  Machine machine;
  Run run(machine);
  LinuxPlatform& platform = run.platform;
  platform.sample();
  machine.clock.advance(from_seconds(1.0));
  machine.tree.write("/sys/class/thermal/thermal_zone0/temp", "");
  platform.sample();
  machine.clock.advance(from_seconds(1.0));
  const auto telemetry = platform.sample();
  const Reading bad = reading(platform, telemetry, "temperature_c.cpu");
  DOCTEST_CHECK_FALSE(bad.valid);
  DOCTEST_CHECK(bad.value == 0.0);
  DOCTEST_CHECK(bad.age == from_seconds(2.0));
  machine.tree.write("/sys/class/thermal/thermal_zone0/temp", "51000");
  const Reading good = reading(platform, platform.sample(), "temperature_c.cpu");
  DOCTEST_CHECK(good.valid);
  DOCTEST_CHECK(good.age == Duration::zero());
}

DOCTEST_TEST_CASE("measured power goes before that of an assumed model") {
  Machine machine;
  const auto is_estimated = [&machine] {
    Run run(machine);
    LinuxPlatform& platform = run.platform;
    std::vector<bool> result;
    for (const auto& signal : platform.signals()) {
      if (signal.name == "power_w") {
        result.push_back(signal.estimated);
      }
    }
    return result;
  };
  machine.board.power_model.is_assumed = true;
  DOCTEST_CHECK(is_estimated() == std::vector<bool>{true});
  machine.tree.write("/sys/class/hwmon/hwmon0/name", "ina226");
  machine.tree.write("/sys/class/hwmon/hwmon0/power1_input", "5");
  DOCTEST_CHECK(is_estimated() == std::vector<bool>{false});
  machine.tree.write("/sys/class/powercap/intel-rapl:0/name", "package-0");
  machine.tree.write("/sys/class/powercap/intel-rapl:0/energy_uj", "5");
  DOCTEST_CHECK(is_estimated() == std::vector<bool>{false});
  machine.tree.remove("/sys/class/powercap");
  machine.tree.remove("/sys/class/hwmon");
  machine.board.power_model = {};
  DOCTEST_CHECK(is_estimated().empty());
}

DOCTEST_TEST_CASE("another process is placed, limited and measured, until it ends") {
  const SysfsRoot root;
  const auto cpus = *root.calls().affinity(getpid());
  if (cpus.size() < 2) {
    DOCTEST_MESSAGE("skipped: one CPU is no choice");
    return;
  }
  const Board board = Board::from_yaml(ConfigNode::parse(
      fmt::format("name: x\ncpus: \"{0},{1}\"\nplaces: [{{name: a, cpus: \"{0}\"}}, {{name: b, "
                  "cpus: \"{1}\"}}]\nbandwidth: {{levels_cpus: [1, 2]}}\n"
                  "power_model: {{idle_w: 2, cpu_w: 3}}\n",
                  cpus[0], cpus[1]),
      "b.yaml"));
  test::OtherProcess other;
  const pid_t child = other.fork_child();
  ManualClock clock;
  ControlGuard guard(root, fail);
  LinuxPlatformOptions options;
  options.subject = Subject::process(other.pid());
  LinuxPlatform platform(board, root, clock, guard, options);
  Configuration last;
  for (const auto& control : platform.controls()) {
    last.push_back(control.levels.size() - 1);
  }
  platform.apply(last);
  for (std::size_t i = 0; i < last.size(); ++i) {
    DOCTEST_CHECK(platform.grants()[i].level == last[i]);
  }
  for (const pid_t process : {other.pid(), child}) {
    DOCTEST_CHECK(root.calls().affinity(process) == CpuList{cpus[1]});
  }
  DOCTEST_CHECK(root.calls().affinity(getpid()) == cpus);
  platform.sample();
  other.work();
  clock.advance(std::chrono::seconds(1));
  const Reading power_w = reading(platform, platform.sample(), "power_ours_w");
  DOCTEST_CHECK(power_w.valid);
  DOCTEST_CHECK(power_w.value >= 0.9 * 3.0 * test::OtherProcess::kWorkS);
  platform.new_troubles();
  other.end();
  for (int period = 0; period < 2 * LinuxPlatform::kMaxRefusals; ++period) {
    for (const auto& grant : platform.apply(last)) {
      DOCTEST_CHECK_FALSE(grant.refused);
    }
    platform.grants();
    clock.advance(std::chrono::seconds(1));
    platform.sample();
  }
  DOCTEST_CHECK(reading(platform, platform.sample(), "power_ours_w").value == 0.0);
  for (const auto& trouble : platform.new_troubles()) {
    DOCTEST_CHECK_MESSAGE(!trouble.starts_with("mapping"), trouble);
    DOCTEST_CHECK_MESSAGE(!trouble.starts_with("bandwidth"), trouble);
  }
}

}  // namespace rein
