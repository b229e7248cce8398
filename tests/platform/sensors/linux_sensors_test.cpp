#include "platform/sensors/linux_sensors.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <iterator>
#include <map>

#include "platform/fake_calls.hpp"
#include "support/board_tree.hpp"
#include "support/fake_cards.hpp"
#include "support/temporary_tree.hpp"

namespace rein {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Strings = std::vector<std::string>;

const std::string kZone = "/sys/class/thermal/thermal_zone0";
const std::string kHwmon = "/sys/class/hwmon/hwmon";
const std::string kPackage = "/sys/class/powercap/intel-rapl:0";
const std::string kPerf = "/sys/bus/event_source/devices/power";

/// One CPU, one thread, one thermal zone, no counters; a test adds what it needs.
struct Machine {
  Machine() {
    board.name = "x";
    board.cpus = {0};
    board.power_model = {.idle_w = 2.0, .cpu_w = 3.0, .is_assumed = true};
    tree.write("/sys/devices/system/cpu/online", "0\n");
    tree.write("/proc/self/task/100/schedstat", "0 0 0\n");
    tree.write("/proc/self/task/100/stat", "100 (x) R\n");
    tree.write(kZone + "/type", "cpu\n");
    tree.write(kZone + "/temp", "50000\n");
    set_busy(0);
    calls.refused_types = {PERF_TYPE_HARDWARE, PERF_TYPE_SOFTWARE};
  }
  SysfsRoot root() { return SysfsRoot(tree.path(), calls); }
  std::string path(const std::string& kernel_path) { return root().resolve(kernel_path).string(); }
  void set_busy(int ticks) const {
    tree.write("/proc/stat", "cpu0 " + std::to_string(ticks) + " 0 0 " +
                                 std::to_string(10 * ticks) + " 0 0 0 0 0 0\n");
  }
  void add_rail(const std::string& chip, const std::string& label,
                const std::string& power_uw) const {
    tree.write(kHwmon + chip + "/name", "ina226\n");
    tree.write(kHwmon + chip + "/power1_label", label + "\n");
    tree.write(kHwmon + chip + "/power1_input", power_uw + "\n");
  }
  void add_package() const {
    tree.write(kPackage + "/name", "package-0\n");
    tree.write(kPackage + "/max_energy_range_uj", "262143328850\n");
    tree.write(kPackage + "/energy_uj", "1000000\n");
  }
  void add_perf() {
    tree.write(kPerf + "/type", "11\n");
    tree.write(kPerf + "/cpumask", "0\n");
    tree.write(kPerf + "/format/event", "config:0-7\n");
    tree.write(kPerf + "/events/energy-pkg", "event=0x02\n");
    tree.write(kPerf + "/events/energy-pkg.scale", "2.3283064365386962890625e-10\n");
    tree.write(kPerf + "/events/energy-pkg.unit", "Joules\n");
    calls.cpu_counts[{2, 0}] = 0;
  }

  test::TemporaryTree tree;
  test::FakeCalls calls;
  Board board;
};

/// What a machine says at moments that a test chooses.
struct Run {
  explicit Run(Machine& machine) : sensors(machine.board, machine.root()) {}

  std::size_t index(const std::string& name) const {
    const auto& signals = sensors.signals();
    const auto found = std::find_if(signals.begin(), signals.end(),
                                    [&name](const Signal& signal) { return signal.name == name; });
    DOCTEST_REQUIRE_MESSAGE(found != signals.end(), name);
    return static_cast<std::size_t>(found - signals.begin());
  }
  const Signal& signal(const std::string& name) const { return sensors.signals()[index(name)]; }
  bool has(const std::string& name) const {
    const auto& signals = sensors.signals();
    return std::any_of(signals.begin(), signals.end(),
                       [&name](const Signal& signal) { return signal.name == name; });
  }
  Reading sample(const std::string& name, Duration after = milliseconds(100)) {
    now += after;
    telemetry = sensors.sample(now);
    DOCTEST_REQUIRE(telemetry.readings.size() == sensors.signals().size());
    return telemetry.readings[index(name)];
  }
  bool misses(const std::string& line) const {
    return std::any_of(sensors.missing().begin(), sensors.missing().end(),
                       [&line](const Missing& missing) { return missing.line() == line; });
  }

  LinuxSensors sensors;
  TimePoint now = TimePoint{} + seconds(1000);
  Telemetry telemetry;
};

const std::string kTemperature = "temperature_c.cpu";

}  // namespace

DOCTEST_TEST_CASE("a trouble is told once, and its end once with how long it was") {
  Machine machine;
  Run run(machine);
  DOCTEST_CHECK(run.sample(kTemperature).value == 50.0);
  DOCTEST_CHECK(run.sensors.new_troubles().empty());
  machine.calls.read_errors[kZone + "/temp"] = EIO;
  for (int i = 0; i < 7; ++i) {
    DOCTEST_CHECK_FALSE(run.sample(kTemperature).valid);
  }
  DOCTEST_CHECK(run.sensors.new_troubles() ==
                Strings{"temperature_c.cpu: " + machine.path(kZone + "/temp") +
                        ": cannot be read: Input/output error"});
  run.sample(kTemperature);
  DOCTEST_CHECK(run.sensors.new_troubles().empty());
  machine.calls.read_errors.clear();
  DOCTEST_CHECK(run.sample(kTemperature).value == 50.0);
  DOCTEST_CHECK(run.sensors.new_troubles() ==
                Strings{"temperature_c.cpu: " + kZone +
                        "/temp: reads again, after 8 samples without a value"});
  run.sample(kTemperature);
  DOCTEST_CHECK(run.sensors.new_troubles().empty());
}

DOCTEST_TEST_CASE("a sensor that comes and goes does not fill the log") {
  Machine machine;
  Run run(machine);
  run.sample(kTemperature);
  std::size_t lines = 0;
  for (int i = 0; i < 2000; ++i) {
    machine.tree.write(kZone + "/temp", i % 2 == 0 ? "" : std::to_string(50'000 + i));
    run.sample(kTemperature);
    lines += run.sensors.new_troubles().size();
  }
  DOCTEST_CHECK(lines == 3);  // In, out and in again, until it has been well for two samples.
  for (int i = 0; i < 2000; ++i) {
    machine.tree.write(kZone + "/temp", std::to_string(50'000 + i));
    run.sample(kTemperature);
  }
  DOCTEST_CHECK(run.sensors.new_troubles() ==
                Strings{"temperature_c.cpu: " + kZone +
                        "/temp: reads again, after 999 samples without a value"});
  // Trusted again.
  machine.tree.write(kZone + "/temp", "");
  run.sample(kTemperature);
  machine.tree.write(kZone + "/temp", "60000");
  run.sample(kTemperature);
  DOCTEST_CHECK(run.sensors.new_troubles().size() == 2);
}

DOCTEST_TEST_CASE("a rate that has no value yet is no trouble") {
  Machine machine;
  machine.add_package();
  Run run(machine);
  DOCTEST_CHECK_FALSE(run.sample("power_w").valid);
  DOCTEST_CHECK(run.sensors.new_troubles().empty());
}

DOCTEST_TEST_CASE("what is not valid is as old as the last that was, and its value is 0") {
  Machine machine;
  Run run(machine);
  run.sample(kTemperature);
  machine.tree.write(kZone + "/temp", "-256000");
  run.sample(kTemperature);
  const Reading bad = run.sample(kTemperature);
  DOCTEST_CHECK_FALSE(bad.valid);
  DOCTEST_CHECK_FALSE(bad.stale);
  DOCTEST_CHECK(bad.value == 0.0);
  DOCTEST_CHECK(bad.age == milliseconds(200));
}

DOCTEST_TEST_CASE(
    "a sensor of 260 ms is stale in each period of 100 ms in which it did not measure") {
  Machine machine;
  machine.add_rail("0", "VDD_IN", "1000000");
  machine.tree.write(kHwmon + "0/update_interval", "260\n");
  Run run(machine);
  Strings found;
  // It measures at 260, 520 and 780 ms.
  for (const char* power_uw : {"1000000", "1000000", "1000000", "2000000", "2000000", "2000000",
                               "3000000", "3000000", "4000000"}) {
    machine.tree.write(kHwmon + "0/power1_input", power_uw);
    const Reading reading = run.sample("power_w.VDD_IN");
    DOCTEST_CHECK(reading.valid);
    DOCTEST_CHECK(run.telemetry.readings[run.index("power_w")].stale == reading.stale);
    found.push_back(reading.stale ? "stale" : "fresh");
  }
  DOCTEST_CHECK(found == Strings{"stale", "stale", "stale", "fresh", "stale", "stale", "fresh",
                                 "stale", "fresh"});
}

DOCTEST_TEST_CASE("a clock that stands still or goes backwards gives no rates and no ages") {
  Machine machine;
  machine.add_package();
  Run run(machine);
  run.sample("power_w");
  machine.tree.write(kPackage + "/energy_uj", "2000000\n");
  DOCTEST_CHECK(run.sample("power_w", seconds(1)).value == doctest::Approx(1.0));
  for (const Duration after : {Duration(0), Duration(milliseconds(-500))}) {
    machine.tree.write(kPackage + "/energy_uj", "3000000\n");
    machine.set_busy(10);
    const Reading power = run.sample("power_w", after);
    DOCTEST_CHECK(run.telemetry.interval == Duration::zero());
    DOCTEST_CHECK_FALSE(power.valid);
    DOCTEST_CHECK(power.age >= Duration::zero());
    DOCTEST_CHECK_FALSE(run.telemetry.readings[run.index("cpu_others_share.cpu0")].valid);
    DOCTEST_CHECK(run.telemetry.readings[run.index(kTemperature)].valid);
  }
  DOCTEST_CHECK(run.sensors.new_troubles().empty());
  machine.tree.write(kPackage + "/energy_uj", "5000000\n");
  DOCTEST_CHECK(run.sample("power_w", seconds(1)).value == doctest::Approx(2.0));
}

DOCTEST_TEST_CASE("the board's rails go before all else as the total") {
  Machine machine;
  machine.add_package();
  machine.add_rail("0", "VDD_IN", "1000000");
  machine.add_rail("1", "A15", "2000000");
  machine.add_rail("2", "A7", "500000");
  machine.board.total_power = {"A15", "A7"};
  Run run(machine);
  DOCTEST_CHECK(run.sample("power_w").value == 2.5);
  DOCTEST_CHECK(run.signal("power_w").source == "power_w.A15 + power_w.A7");
}

DOCTEST_TEST_CASE("a rail of the total that is not there is told, and others give it") {
  Machine machine;
  machine.add_rail("0", "A15", "2000000");
  machine.board.total_power = {"A15", "A7"};
  Run run(machine);
  DOCTEST_CHECK(run.signal("power_w").estimated);
  DOCTEST_CHECK(
      run.misses("power_w.A7: is not measured here, so that its sum has no part of it; "
                 "check `total_power` of the board file; there is A15"));
}

DOCTEST_TEST_CASE("a board's sensor may be the total itself") {
  Machine machine;
  machine.add_package();
  machine.tree.write("/sys/meter/power", "12.5\n");
  machine.board.sensors = {{.signal = "power_w", .path = "/sys/meter/*"}};
  Run run(machine);
  DOCTEST_CHECK(run.sample("power_w").value == 12.5);
  DOCTEST_CHECK(std::count_if(run.sensors.signals().begin(), run.sensors.signals().end(),
                              [](const Signal& signal) { return signal.name == "power_w"; }) == 1);
}

DOCTEST_TEST_CASE("the input rail goes before packages, and packages before other rails") {
  Machine machine;
  machine.add_rail("0", "VDD_IN", "1000000");
  machine.add_rail("1", "VDD_SOC", "2000000");
  machine.add_package();
  DOCTEST_CHECK(Run(machine).signal("power_w").source == kHwmon + "0/power1_input");
  machine.tree.remove(kHwmon + "0");
  Run run(machine);
  DOCTEST_CHECK(run.signal("power_w").source == kPackage + "/energy_uj");
  DOCTEST_CHECK(run.misses(
      "power_w: is of the processor alone: nothing else is known to measure the whole machine; "
      "name the rails that do under `total_power` in the board file, or give `power_model`, or "
      "leave it so"));
}

DOCTEST_TEST_CASE("the only rail is the total, unless it is a card or there are several") {
  Machine machine;
  machine.add_rail("0", "VDD_5V", "1000000");
  DOCTEST_CHECK(Run(machine).sample("power_w").value == 1.0);
  DOCTEST_CHECK_FALSE(Run(machine).signal("power_w").estimated);
  machine.add_rail("1", "VDD_SOC", "2000000");
  DOCTEST_CHECK(Run(machine).signal("power_w").estimated);
  machine.tree.remove(kHwmon + "1");
  machine.tree.write(kHwmon + "0/name", "amdgpu\n");
  DOCTEST_CHECK(Run(machine).signal("power_w").estimated);
  machine.tree.remove(kHwmon + "0");
  machine.board.power_model = {};
  Run run(machine);
  DOCTEST_CHECK_FALSE(run.has("power_w"));
  DOCTEST_CHECK(
      run.misses("/sys/class/powercap, /sys/class/hwmon: no sensor gives the power of the whole "
                 "machine; give `power_model` in the board file; power_w is then an estimate"));
}

DOCTEST_TEST_CASE("where powercap's counters cannot be read, the kernel's counters are") {
  Machine machine;
  machine.add_package();
  machine.add_perf();
  {
    Run run(machine);
    DOCTEST_CHECK(run.signal("power_w.package-0").source == kPackage + "/energy_uj");
    DOCTEST_CHECK(machine.calls.open_counters.empty());  // Never both.
  }
  machine.calls.read_errors[kPackage + "/energy_uj"] = EACCES;
  {
    Run run(machine);
    DOCTEST_CHECK(run.signal("power_w.package-0").source == "perf_event_open: energy-pkg of CPU 0");
    run.sample("power_w");
    machine.calls.cpu_counts[{2, 0}] = 1ULL << 32;
    DOCTEST_CHECK(run.sample("power_w", seconds(1)).value == doctest::Approx(1.0));
    DOCTEST_CHECK(run.sensors.missing().size() == 4);  // Pressure, power, counters of threads.
  }
  machine.calls.refused_types.insert(11);
  Run run(machine);
  DOCTEST_CHECK(run.signal("power_w").estimated);
  DOCTEST_CHECK(
      run.misses(kPackage +
                 "/energy_uj: cannot be read: Permission denied; run as root, or give read "
                 "access (it is root's since Linux 5.10)"));
  DOCTEST_CHECK(run.misses(kPerf + "/events/energy-pkg: cannot be counted: No such file or "
                                   "directory; run as root, or with "
                                   "/proc/sys/kernel/perf_event_paranoid of 0"));
}

DOCTEST_TEST_CASE("one sample opens nothing and reads each file once") {
  Machine machine;
  for (int rail = 0; rail < 10; ++rail) {
    machine.add_rail(std::to_string(rail), "rail" + std::to_string(rail), "1000000");
  }
  Run run(machine);
  run.sample(kTemperature);
  machine.calls.num_opens = 0;
  machine.calls.num_reads = 0;
  run.sample(kTemperature);
  DOCTEST_CHECK(machine.calls.num_opens == 0);
  // Rails and temperature, /proc/stat, and schedstat and stat of the thread.
  DOCTEST_CHECK(machine.calls.num_reads == 10 + 1 + 1 + 2);
}

DOCTEST_TEST_CASE("the power model of a board file goes before what is but guessed, and says so") {
  Machine machine;
  machine.add_rail("0", "VIN", "1000000");
  machine.board.power_model.is_assumed = false;
  Run run(machine);
  DOCTEST_CHECK(run.signal("power_w").estimated);
  DOCTEST_CHECK(
      run.misses("power_w: is by `power_model` of the board file, which goes before what could be "
                 "but guessed to be the whole machine; if it is measured, give `total_power: "
                 "[VIN]` in the board file"));
  machine.board.total_power = {"VIN"};
  DOCTEST_CHECK_FALSE(Run(machine).signal("power_w").estimated);
}

DOCTEST_TEST_CASE("a machine with rails is told to add them up, and not to give a model") {
  Machine machine;
  machine.add_rail("0", "CPU_power", "1000000");
  machine.add_rail("1", "IO_power", "1000000");
  Run run(machine);
  DOCTEST_CHECK(run.signal("power_w").estimated);
  DOCTEST_CHECK(run.signal("power_w").source == "assumed model: 3 W a busy CPU and 2 W idle");
  DOCTEST_CHECK(
      run.misses("power_w: no rail is known to be the whole machine's; give `total_power: "
                 "[CPU_power, IO_power]` in the board file, without rails that others contain"));
}

DOCTEST_TEST_CASE("a guessed total in mW is not believed, one that a board file gives is") {
  Machine machine;
  machine.add_rail("0", "VIN", "32506");
  Run run(machine);
  DOCTEST_CHECK_FALSE(run.sample("power_w").valid);
  DOCTEST_CHECK(run.sensors.new_troubles().front().find("expected at least 0.1 W of a whole "
                                                        "machine, found 0.03251") !=
                std::string::npos);
  machine.board.total_power = {"VIN"};
  DOCTEST_CHECK(Run(machine).sample("power_w").value == doctest::Approx(0.032506));
}

DOCTEST_TEST_CASE("a battery beside the only rail does not take its place away") {
  Machine machine;
  machine.add_rail("0", "board", "5000000");
  machine.tree.write(kHwmon + "1/name", "BAT0\n");
  machine.tree.write(kHwmon + "1/power1_input", "21000000\n");
  DOCTEST_CHECK(Run(machine).sample("power_w").value == 5.0);
}

DOCTEST_TEST_CASE("one file that is in trouble is one line, whatever signals it gives") {
  Machine machine;
  machine.tree.write(kZone + "/type", "cpu0\n");
  machine.tree.write("/sys/class/thermal/thermal_zone1/type", "cpu1\n");
  machine.tree.write("/sys/class/thermal/thermal_zone1/temp", "50000\n");
  Run run(machine);
  machine.calls.read_errors["/temp"] = EIO;
  run.sample("temperature_c.cpu0");
  DOCTEST_CHECK(run.sensors.new_troubles() ==
                Strings{"temperature_c.cpu{0-1}: " +
                        machine.path("/sys/class/thermal/thermal_zone{0-1}/temp") +
                        ": cannot be read: Input/output error"});
}

DOCTEST_TEST_CASE("what closes the files of pressure is not a kernel without them") {
  Machine machine;
  machine.tree.write("/proc/pressure/cpu", "some avg10=0.00 total=1\n");
  machine.tree.write("/proc/pressure/memory", "some avg10=0.00 total=1\n");
  machine.calls.open_errors = {{"pressure/cpu", EACCES}, {"pressure/memory", EACCES}};
  DOCTEST_CHECK(
      Run(machine).misses("/proc/pressure/{cpu,memory}: cannot be read: Permission "
                          "denied; run as root, or give read access"));
  machine.calls.open_errors = {{"pressure/cpu", EOPNOTSUPP}, {"pressure/memory", EOPNOTSUPP}};
  DOCTEST_CHECK(
      Run(machine).misses("/proc/pressure/{cpu,memory}: says nothing; a kernel with "
                          "CONFIG_PSI, started with psi=1"));
}

DOCTEST_TEST_CASE(
    "a sensor that a board file names counts unless its name says that it is elsewhere") {
  Machine machine;
  machine.tree.write("/sys/a", "50\n");
  machine.board.sensors = {{.signal = "temperature_c.x", .path = "/sys/a"},
                           {.signal = "temperature_c.ambient", .path = "/sys/a"}};
  const Run run(machine);
  DOCTEST_CHECK(run.signal("temperature_c.x").is_heat);
  DOCTEST_CHECK_FALSE(run.signal("temperature_c.ambient").is_heat);
  DOCTEST_CHECK(run.signal(kTemperature).is_heat);
  machine.board.temperature = {.zones = {"a*"}, .ignore = {}};
  const Run chosen(machine);
  DOCTEST_CHECK(chosen.signal("temperature_c.ambient").is_heat);
  DOCTEST_CHECK_FALSE(chosen.signal(kTemperature).is_heat);
}

namespace {

/// The same with a card of NVIDIA's, and a place on it if the network `computes_there`.
struct MachineWithCard : Machine {
  explicit MachineWithCard(bool computes_there) {
    calls.library = REIN_FAKE_NVML;
    if (computes_there) {
      board.places = {{.name = "gpu", .device = "gpu", .cpus = {0}, .threads = 1, .offline = {}}};
    }
  }
  test::FakeCards cards;
};

}  // namespace

DOCTEST_TEST_CASE("a card's power and heat are the machine's if the network has a place on it") {
  MachineWithCard machine(/*computes_there=*/true);
  machine.add_perf();
  machine.calls.cpu_counts[{2, 0}] = 0;
  Run run(machine);
  DOCTEST_CHECK(run.signal("temperature_c.gpu").is_heat);
  DOCTEST_CHECK(run.signal(kTemperature).is_heat);
  DOCTEST_CHECK(run.signal("power_w").source == "power_w.package-0 + power_w.gpu");
  DOCTEST_CHECK(
      run.misses("power_w: is of the processor and the GPU alone: nothing else is known to "
                 "measure the whole machine; name the rails that do under `total_power` "
                 "in the board file, or give `power_model`, or leave it so"));
  run.sample("power_w");
  machine.calls.cpu_counts[{2, 0}] = 3ULL << 32;  // 3 J.
  DOCTEST_CHECK(run.sample("power_w", seconds(1)).value == doctest::Approx(3.0 + 75.0));
}

DOCTEST_TEST_CASE("a card that the network has no place on is measured and counts for nothing") {
  MachineWithCard machine(/*computes_there=*/false);
  machine.add_perf();
  Run run(machine);
  DOCTEST_CHECK_FALSE(run.signal("temperature_c.gpu").is_heat);
  DOCTEST_CHECK(run.signal("power_w").source == "perf_event_open: energy-pkg of CPU 0");
  DOCTEST_CHECK(run.sample("power_w.gpu").value == 75.0);
  DOCTEST_CHECK(run.sensors.new_troubles().empty());
  machine.board.total_power = {"package-0", "gpu"};
  DOCTEST_CHECK(Run(machine).signal("power_w").source == "power_w.package-0 + power_w.gpu");
}

DOCTEST_TEST_CASE("a model of the CPUs says that it has nothing of the GPU") {
  MachineWithCard machine(/*computes_there=*/true);
  Run run(machine);
  DOCTEST_CHECK(run.signal("power_w").estimated);
  DOCTEST_CHECK(
      run.misses("power_w: is by a model of the CPUs, and has nothing of the GPU; for the "
                 "GPU's power give `total_power: [gpu]` in the board file, with all other "
                 "rails that are measured"));
  machine.board.total_power = {"gpu"};
  DOCTEST_CHECK(Run(machine).sample("power_w").value == 75.0);
}

DOCTEST_TEST_CASE("a card is not called what the chip's own GPU is") {
  MachineWithCard machine(/*computes_there=*/false);
  machine.tree.write(kZone + "/type", "gpu\n");
  machine.tree.write("/sys/devices/gpu.0/load", "500\n");
  Run run(machine);
  DOCTEST_CHECK(run.sample("temperature_c.gpu").value == 50.0);
  DOCTEST_CHECK(run.sample("temperature_c.gpu_0000_01_00.0").value == 31.0);
  DOCTEST_CHECK(run.sample("gpu_load_share").value == 0.5);
  DOCTEST_CHECK(run.sample("load_share.gpu_0000_01_00.0").value == 0.25);
}

DOCTEST_TEST_CASE("a lost card is one line, and one more when it is back") {
  MachineWithCard machine(/*computes_there=*/false);
  Run run(machine);
  run.sample("power_w.gpu");
  machine.cards.card()["lost"] = 15;
  machine.cards.say();
  DOCTEST_CHECK_FALSE(run.sample("power_w.gpu").valid);
  DOCTEST_CHECK(run.sensors.new_troubles() ==
                Strings{"frequency_mhz.gpu, frequency_mhz.gpu_memory, gpu_load_share, power_w.gpu, "
                        "temperature_c.gpu, throttled.gpu_{power,heat,hardware}: NVML, NVIDIA "
                        "H200: GPU is lost"});
  run.sample("power_w.gpu", milliseconds(500));
  DOCTEST_CHECK(run.sensors.new_troubles().empty());
  machine.cards.card().erase("lost");
  machine.cards.say();
  DOCTEST_CHECK(run.sample("power_w.gpu", seconds(1)).value == 75.0);
  DOCTEST_CHECK(run.sensors.new_troubles().size() == 1);
}

DOCTEST_TEST_CASE("after a reboot a signal's name is the same chip, whatever number it was given") {
  const auto values = [](const std::string& name) {
    const test::BoardTree tree(name);
    LinuxSensors sensors(Board::detect(tree.root()), tree.root());
    const Telemetry telemetry = sensors.sample(TimePoint{});
    std::map<std::string, double> result;
    for (std::size_t i = 0; i < telemetry.readings.size(); ++i) {
      result[sensors.signals()[i].name] = telemetry.readings[i].value;
    }
    return result;
  };
  const auto first = values("reported/two-sockets-numbers-change");
  DOCTEST_CHECK(first == values("reported/two-sockets-numbers-change.second-boot"));
  DOCTEST_CHECK(first.at("power_w.SVI2_P_SoC_0000_00_18.3") == doctest::Approx(20.43));
  DOCTEST_CHECK(first.at("temperature_c.Tdie_0000_00_19.3") == doctest::Approx(25.6));
}

namespace {

/// Board files and what is found: each name once, and each value that is valid a plausible one.
void check_sensors(const Board& board, const SysfsRoot& root) {
  LinuxSensors sensors(board, root);
  Strings names;
  for (const auto& signal : sensors.signals()) {
    names.push_back(signal.name);
  }
  std::sort(names.begin(), names.end());
  DOCTEST_CHECK(std::adjacent_find(names.begin(), names.end()) == names.end());
  const Telemetry telemetry = sensors.sample(TimePoint{});
  DOCTEST_REQUIRE(telemetry.readings.size() == sensors.signals().size());
  for (std::size_t i = 0; i < telemetry.readings.size(); ++i) {
    const Reading& reading = telemetry.readings[i];
    const Quantity& quantity = quantity_of(sensors.signals()[i].name);
    DOCTEST_CAPTURE(sensors.signals()[i].name);
    DOCTEST_CHECK(
        (!reading.valid || (reading.value >= quantity.min && reading.value <= quantity.max)));
  }
  for (const auto& missing : sensors.missing()) {
    DOCTEST_CHECK_FALSE(missing.remedy.empty());
  }
}

}  // namespace

DOCTEST_TEST_CASE("the sensors of every board's tree have names that differ and plausible values") {
  auto names = test::board_tree_names();
  std::ranges::copy(test::reported_tree_names(), std::back_inserter(names));
  for (const auto& name : names) {
    DOCTEST_CAPTURE(name);
    const test::BoardTree tree(name);
    check_sensors(Board::detect(tree.root()), tree.root());
    const std::filesystem::path file = REIN_SOURCE_DIR "/configs/boards/" + name + ".yaml";
    if (std::filesystem::exists(file)) {
      check_sensors(Board::from_yaml(ConfigNode::load(file)), tree.root());
    }
  }
}

}  // namespace rein
