#include "platform/cpu_time_sensor.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "platform/power_sensor.hpp"
#include "support/temporary_tree.hpp"

namespace rein {

namespace {

/// A machine of two CPUs whose counters go on from sample to sample.
struct Machine {
  struct Cpu {
    long user = 100;
    long idle = 1000;
    long steal = 0;
  };

  Machine() { write_stat(); }
  void write_stat() const {
    std::string text = "cpu  1 2 3 4 5 6 7 8 9 10\n";
    for (std::size_t i = 0; i < cpus.size(); ++i) {
      text += fmt::format("cpu{} {} 0 0 {} 0 0 0 {} 0 0\n", i, cpus[i].user, cpus[i].idle,
                          cpus[i].steal);
    }
    tree.write("/proc/stat", text + "intr 1 2 3\nctxt 5\n");
  }
  void write_thread(int thread, long run_ns, int cpu) const {
    const std::string folder = "/proc/self/task/" + std::to_string(thread);
    tree.write(folder + "/schedstat", fmt::format("{} 50 3\n", run_ns));
    tree.write(folder + "/stat",
               fmt::format("{} (odd ) name) R 1 1 1 0 -1 0 0 0 0 0 {} 0 0 0 20 0 1 0 5 0 0 0 0 0 0 "
                           "0 0 0 0 0 0 0 0 0 17 {} 0 0 0\n",
                           thread, run_ns / 10'000'000, cpu));
  }
  std::vector<std::optional<double>> sample(Sensor& sensor, double interval_s) const {
    std::vector<std::optional<double>> values;
    sensor.sample({.interval = from_seconds(interval_s), .threads = list_threads(tree.root())},
                  values);
    return values;
  }

  test::TemporaryTree tree;
  std::vector<Cpu> cpus{2};
};

// Indices into the signals of two CPUs.
constexpr std::size_t kOurs0 = 0;
constexpr std::size_t kOurs1 = 1;
constexpr std::size_t kOthers0 = 2;
constexpr std::size_t kOthers1 = 3;
constexpr std::size_t kSteal0 = 4;

}  // namespace

DOCTEST_TEST_CASE("busy time is divided between us and others on each CPU") {
  Machine machine;
  machine.write_thread(100, 1'000'000'000, 0);
  CpuTimeSensor sensor(machine.tree.root(), {0, 1});
  DOCTEST_CHECK(sensor.signals()[kOurs1].name == "cpu_ours_share.cpu1");
  DOCTEST_CHECK(sensor.signals()[kOthers1].name == "cpu_others_share.cpu1");
  DOCTEST_CHECK(sensor.signals()[kSteal0].name == "cpu_steal_share.cpu0");
  for (const auto& value : machine.sample(sensor, 0.0)) {
    DOCTEST_CHECK(value == std::nullopt);
  }

  machine.cpus = {{.user = 160, .idle = 1030, .steal = 10}, {.user = 125, .idle = 1075}};
  machine.write_stat();
  machine.write_thread(100, 1'250'000'000, 0);
  const auto values = machine.sample(sensor, 1.0);
  DOCTEST_CHECK(values[kOurs0].value() == doctest::Approx(0.25));
  DOCTEST_CHECK(values[kOthers0].value() == doctest::Approx(0.35));
  DOCTEST_CHECK(values[kSteal0].value() == doctest::Approx(0.1));
  DOCTEST_CHECK(values[kOurs1] == 0.0);
  DOCTEST_CHECK(values[kOthers1].value() == doctest::Approx(0.25));
  DOCTEST_CHECK(sensor.ours_cpus().value() == doctest::Approx(0.25));
  DOCTEST_CHECK(sensor.busy_cpus().value() == doctest::Approx(0.85));
}

DOCTEST_TEST_CASE("a thread's time counts for the CPU that it was last on") {
  Machine machine;
  machine.write_thread(100, 0, 0);
  machine.write_thread(101, 0, 0);
  CpuTimeSensor sensor(machine.tree.root(), {0, 1});
  machine.sample(sensor, 0.0);
  machine.write_thread(100, 100'000'000, 1);
  machine.write_thread(101, 50'000'000, 0);
  machine.write_thread(102, 200'000'000, 1);  // New: all that it did is of this period.
  const auto values = machine.sample(sensor, 1.0);
  DOCTEST_CHECK(values[kOurs0].value() == doctest::Approx(0.05));
  DOCTEST_CHECK(values[kOurs1].value() == doctest::Approx(0.3));
}

DOCTEST_TEST_CASE("ours is never more than all, and others never less than nothing") {
  Machine machine;
  machine.write_thread(100, 0, 0);
  CpuTimeSensor sensor(machine.tree.root(), {0, 1});
  machine.sample(sensor, 0.0);
  machine.cpus[0] = {.user = 110, .idle = 1090};
  machine.write_stat();
  machine.write_thread(100, 3'000'000'000, 0);
  const auto values = machine.sample(sensor, 1.0);
  DOCTEST_CHECK(values[kOurs0] == 1.0);
  DOCTEST_CHECK(values[kOthers0] == 0.0);
}

DOCTEST_TEST_CASE("without schedstat a thread's time is read in ticks") {
  Machine machine;
  machine.write_thread(100, 1'000'000'000, 1);
  machine.tree.remove("/proc/self/task/100/schedstat");
  CpuTimeSensor sensor(machine.tree.root(), {0, 1});
  machine.sample(sensor, 0.0);
  machine.write_thread(100, 1'500'000'000, 1);
  machine.tree.write("/proc/self/task/100/schedstat", "");
  DOCTEST_CHECK(machine.sample(sensor, 1.0)[kOurs1].value() == doctest::Approx(0.5));
}

DOCTEST_TEST_CASE("threads that vanish are dropped, and those that come back begin anew") {
  Machine machine;
  machine.write_thread(100, 1'000'000'000, 0);
  machine.write_thread(101, 9'000'000'000, 0);
  CpuTimeSensor sensor(machine.tree.root(), {0, 1});
  machine.sample(sensor, 0.0);
  machine.tree.remove("/proc/self/task/101");
  DOCTEST_CHECK(machine.sample(sensor, 1.0)[kOurs0] == 0.0);
  machine.write_thread(101, 100'000'000, 0);
  DOCTEST_CHECK(machine.sample(sensor, 1.0)[kOurs0].value() == doctest::Approx(0.1));
  // Listed, but gone when it is read.
  machine.tree.write("/proc/self/task/101/schedstat", "");
  machine.tree.write("/proc/self/task/101/stat", "");
  DOCTEST_CHECK(machine.sample(sensor, 1.0)[kOurs0] == 0.0);
  machine.tree.remove("/proc/self/task");
  const auto values = machine.sample(sensor, 1.0);
  DOCTEST_CHECK(values[kOurs0] == std::nullopt);
  DOCTEST_CHECK(values[kOthers0] == std::nullopt);
}

DOCTEST_TEST_CASE("a CPU whose line is missing, garbage or goes backwards has no shares") {
  Machine machine;
  machine.write_thread(100, 0, 0);
  CpuTimeSensor sensor(machine.tree.root(), {0, 1});
  machine.sample(sensor, 0.0);
  for (const char* text : {"", "garbage\n", "cpu 1 2 3\ncpu0 1 x 3 4 5 6 7 8\n", "cpu0 1 2 3\n",
                           "cpu0 -1 0 0 0 0 0 0 0\n", "cpu0 5 0 0 9 0 0 0 0 0 0\n"}) {
    DOCTEST_CAPTURE(text);
    machine.cpus[0] = {};
    machine.write_stat();
    machine.sample(sensor, 1.0);
    machine.tree.write("/proc/stat", text);
    const auto values = machine.sample(sensor, 1.0);
    DOCTEST_CHECK(values[kOurs0] == 0.0);
    DOCTEST_CHECK(values[kOthers0] == std::nullopt);
    DOCTEST_CHECK(values[kSteal0] == std::nullopt);
    DOCTEST_CHECK(sensor.busy_cpus() == std::nullopt);
  }
}

DOCTEST_TEST_CASE("modelled power is idle power and so much for each busy CPU, and marked so") {
  Machine machine;
  machine.write_thread(100, 0, 0);
  CpuTimeSensor cpu_time(machine.tree.root(), {0, 1});
  ModelledPowerSensor power({.idle_w = 2.0, .cpu_w = 4.0}, cpu_time, true);
  DOCTEST_REQUIRE(power.signals().size() == 2);
  DOCTEST_CHECK(power.signals()[0].name == "power_ours_w");
  DOCTEST_CHECK(power.signals()[1].name == "power_w");
  DOCTEST_CHECK(power.signals()[0].estimated);
  DOCTEST_CHECK(power.signals()[1].estimated);
  machine.sample(cpu_time, 0.0);
  DOCTEST_CHECK(machine.sample(power, 0.0) ==
                std::vector<std::optional<double>>{std::nullopt, std::nullopt});
  machine.cpus = {{.user = 150, .idle = 1050}, {.user = 200, .idle = 1000}};
  machine.write_stat();
  machine.write_thread(100, 250'000'000, 0);
  machine.sample(cpu_time, 1.0);
  const auto values = machine.sample(power, 1.0);
  DOCTEST_CHECK(values[0].value() == doctest::Approx(1.0));
  DOCTEST_CHECK(values[1].value() == doctest::Approx(2.0 + 1.5 * 4.0));
}

}  // namespace rein
