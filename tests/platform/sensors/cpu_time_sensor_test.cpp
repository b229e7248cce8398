#include "platform/sensors/cpu_time_sensor.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "platform/fake_calls.hpp"
#include "platform/kernel/thread_list.hpp"
#include "platform/sensor_samples.hpp"
#include "platform/sensors/power_sensor.hpp"
#include "support/other_process.hpp"
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
  SysfsRoot root() { return SysfsRoot(tree.path(), calls); }
  std::vector<Measurement> measure(Sensor& sensor, double interval_s) const {
    std::vector<Measurement> measurements;
    SampleContext context{.now = {}, .interval = from_seconds(interval_s), .threads = {}};
    ThreadList(tree.root()).read(context.threads);
    sensor.sample(context, measurements);
    return measurements;
  }
  test::Values sample(Sensor& sensor, double interval_s) const {
    test::Values values;
    for (const auto& measurement : measure(sensor, interval_s)) {
      values.push_back(measurement.value);
    }
    return values;
  }
  std::string path(const std::string& kernel_path) const {
    return tree.root().resolve(kernel_path).string();
  }

  test::TemporaryTree tree;
  test::FakeCalls calls;
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
  CpuTimeSensor sensor(machine.root(), {0, 1});
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
  DOCTEST_CHECK(sensor.ours_cpus().value.value() == doctest::Approx(0.25));
  DOCTEST_CHECK(sensor.busy_cpus().value.value() == doctest::Approx(0.85));
}

DOCTEST_TEST_CASE("a thread's time counts for the CPU that it was last on") {
  Machine machine;
  machine.write_thread(100, 0, 0);
  machine.write_thread(101, 0, 0);
  CpuTimeSensor sensor(machine.root(), {0, 1});
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
  CpuTimeSensor sensor(machine.root(), {0, 1});
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
  CpuTimeSensor sensor(machine.root(), {0, 1});
  machine.sample(sensor, 0.0);
  machine.write_thread(100, 1'500'000'000, 1);
  machine.tree.write("/proc/self/task/100/schedstat", "");
  DOCTEST_CHECK(machine.sample(sensor, 1.0)[kOurs1].value() == doctest::Approx(0.5));
}

DOCTEST_TEST_CASE("threads that vanish are dropped, and those that come back begin anew") {
  Machine machine;
  machine.write_thread(100, 1'000'000'000, 0);
  machine.write_thread(101, 9'000'000'000, 0);
  CpuTimeSensor sensor(machine.root(), {0, 1});
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
  CpuTimeSensor sensor(machine.root(), {0, 1});
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
    DOCTEST_CHECK(sensor.busy_cpus().value == std::nullopt);
  }
}

DOCTEST_TEST_CASE("modelled power is idle power and so much for each busy CPU, and marked so") {
  Machine machine;
  machine.write_thread(100, 0, 0);
  CpuTimeSensor cpu_time(machine.root(), {0, 1});
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

DOCTEST_TEST_CASE("what is wrong with a CPU's or a thread's time is told") {
  Machine machine;
  machine.write_thread(100, 0, 0);
  CpuTimeSensor sensor(machine.root(), {0, 1});
  machine.sample(sensor, 0.0);
  const auto problem = [&](std::size_t signal) {
    return machine.measure(sensor, 1.0).at(signal).problem;
  };
  const std::string stat = machine.path("/proc/stat");
  machine.tree.write("/proc/stat", "cpu1 200 0 0 2000 0 0 0 0 0 0\ncpu0 1 x\n");
  DOCTEST_CHECK(problem(kSteal0) == stat + ": expected 8 times of cpu0, found 'cpu0 1 x'");
  machine.tree.write("/proc/stat", "cpu1 200 0 0 2001 0 0 0 0 0 0\n");
  DOCTEST_CHECK(problem(kOthers0) == stat + ": expected a line of cpu0, found none");
  DOCTEST_CHECK(sensor.busy_cpus().problem == stat + ": expected a line of cpu0, found none");
  machine.write_stat();
  DOCTEST_CHECK(problem(kOthers1) == stat + ": the times of cpu1 went backwards");
  machine.calls.read_errors["/proc/stat"] = EIO;
  DOCTEST_CHECK(problem(kOthers0) == stat + ": cannot be read: Input/output error");
  DOCTEST_CHECK(problem(kOurs0).empty());
  machine.tree.remove("/proc/self/task");
  DOCTEST_CHECK(problem(kOurs0) == machine.path("/proc/self/task") + ": lists no threads");
}

DOCTEST_TEST_CASE("a CPU that is offline is used by nobody, and is counted anew when it is back") {
  Machine machine;
  machine.write_thread(100, 0, 0);
  machine.tree.write("/sys/devices/system/cpu/online", "0\n");
  CpuTimeSensor sensor(machine.root(), {0, 1});
  machine.sample(sensor, 0.0);
  const auto both = machine.cpus;
  machine.cpus = {{.user = 150, .idle = 1050}};
  machine.write_stat();
  const auto offline = machine.measure(sensor, 1.0);
  DOCTEST_CHECK(offline[kOthers0].value == 0.5);
  DOCTEST_CHECK(offline[kOurs1].value == 0.0);
  DOCTEST_CHECK(offline[kOthers1].value == 0.0);
  DOCTEST_CHECK(offline[kOthers1].problem.empty());
  DOCTEST_CHECK(sensor.busy_cpus().value == 0.5);
  machine.tree.write("/sys/devices/system/cpu/online", "0-1\n");
  machine.cpus = both;
  machine.cpus[0] = {.user = 200, .idle = 1100};
  machine.write_stat();
  const auto back = machine.measure(sensor, 1.0);
  DOCTEST_CHECK(back[kOthers1].value == std::nullopt);
  DOCTEST_CHECK(back[kOthers1].problem.empty());
}

DOCTEST_TEST_CASE("of a machine that is not this one there are no threads") {
  const Machine machine;
  const CpuTimeSensor sensor(machine.tree.root(), {0, 1});
  DOCTEST_CHECK(test::names(sensor) ==
                std::vector<std::string>{"cpu_steal_share.cpu0", "cpu_steal_share.cpu1"});
}

DOCTEST_TEST_CASE("in no time nobody used a CPU, whatever the counters say") {
  Machine machine;
  machine.write_thread(100, 0, 0);
  CpuTimeSensor sensor(machine.root(), {0, 1});
  machine.sample(sensor, 0.0);
  machine.cpus[0] = {.user = 150, .idle = 1050};
  machine.write_stat();
  machine.write_thread(100, 100'000'000, 0);
  for (const auto& value : machine.sample(sensor, 0.0)) {
    DOCTEST_CHECK(value == std::nullopt);
  }
  DOCTEST_CHECK(sensor.ours_cpus().value == std::nullopt);
  DOCTEST_CHECK(sensor.busy_cpus().value == std::nullopt);
}

DOCTEST_TEST_CASE("busy time that goes backwards is no share, even if there was more of idle") {
  Machine machine;
  machine.write_thread(100, 0, 0);
  CpuTimeSensor sensor(machine.root(), {0, 1});
  machine.sample(sensor, 0.0);
  machine.cpus[0] = {.user = 90, .idle = 1110};
  machine.write_stat();
  DOCTEST_CHECK(machine.sample(sensor, 1.0)[kSteal0] == std::nullopt);
}

DOCTEST_TEST_CASE("our time on a CPU that is not the board's is ours all the same") {
  Machine machine;
  machine.write_thread(100, 0, 7);
  CpuTimeSensor sensor(machine.root(), {0, 1});
  machine.sample(sensor, 0.0);
  machine.write_thread(100, 500'000'000, 7);
  DOCTEST_CHECK(machine.sample(sensor, 1.0)[kOurs0] == 0.0);
  DOCTEST_CHECK(sensor.ours_cpus().value == 0.5);
}

DOCTEST_TEST_CASE("where a thread is, is not asked while it does not run") {
  Machine machine;
  machine.write_thread(100, 100'000'000, 0);
  CpuTimeSensor sensor(machine.root(), {0, 1});
  machine.sample(sensor, 0.0);
  machine.calls.num_reads = 0;
  machine.sample(sensor, 1.0);
  DOCTEST_CHECK(machine.calls.num_reads == 2);  // /proc/stat and schedstat.
  machine.write_thread(100, 200'000'000, 1);
  machine.calls.num_reads = 0;
  machine.sample(sensor, 1.0);
  DOCTEST_CHECK(machine.calls.num_reads == 3);
}

namespace {

/// CPU time of a subject on this machine, in s, from sample to sample.
class Watched {
 public:
  explicit Watched(const Subject& subject)
      : list_(root_, subject), sensor_(root_, parse_cpu_list(root_.read(kOnline)), subject) {}

  /// Whatever the clock says: a period of 100 s.
  std::optional<double> next_s() {
    SampleContext context{.now = {}, .interval = from_seconds(kIntervalS), .threads = {}};
    list_.read(context.threads);
    std::vector<Measurement> ignored;
    sensor_.sample(context, ignored);
    const auto& cpus = sensor_.ours_cpus().value;
    return cpus ? std::optional(*cpus * kIntervalS) : std::nullopt;
  }

 private:
  static constexpr double kIntervalS = 100.0;
  static constexpr const char* kOnline = "/sys/devices/system/cpu/online";
  SysfsRoot root_;
  ThreadList list_;
  CpuTimeSensor sensor_;
};

}  // namespace

DOCTEST_TEST_CASE("the CPU time of another process is ours if it is the subject, and no other's") {
  test::OtherProcess other;
  test::OtherProcess stranger;
  Watched watched(Subject::process(other.pid()));
  DOCTEST_CHECK_FALSE(watched.next_s());
  other.start_thread();
  other.fork_child();
  other.work();
  stranger.work();
  const auto worked_s = watched.next_s();
  DOCTEST_REQUIRE(worked_s);
  DOCTEST_CHECK(*worked_s >= 0.9 * test::OtherProcess::kWorkS);
  stranger.work();
  DOCTEST_CHECK(watched.next_s().value_or(1.0) < 0.9 * test::OtherProcess::kWorkS);
  // What has ended uses nothing, and that is known. (Its child may take a moment to die.)
  other.end();
  DOCTEST_CHECK(watched.next_s().value_or(1.0) < 0.1 * test::OtherProcess::kWorkS);
}

DOCTEST_TEST_CASE("what a process did before it joined the subject's group was of one period") {
  Machine machine;
  const std::string group = "/sys/fs/cgroup/app";
  machine.tree.write(group + "/tasks", "200\n");
  const auto write_other = [&machine](int thread, long run_ns) {
    const std::string folder = fmt::format("/proc/{0}/task/{0}", thread);
    machine.tree.write(folder + "/schedstat", fmt::format("{} 50 3\n", run_ns));
    machine.tree.write(folder + "/stat",
                       fmt::format("{} (x) R 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 5 0 0 0 0 0 0 0 "
                                   "0 0 0 0 0 0 0 0 17 0 0 0 0\n",
                                   thread));
  };
  write_other(200, 1'000'000'000);
  machine.write_thread(100, 7'000'000'000, 1);  // This process is another.
  CpuTimeSensor sensor(machine.root(), {0, 1}, Subject::group(group));
  ThreadList list(machine.root(), Subject::group(group));
  const auto ours = [&] {
    SampleContext context{.now = {}, .interval = from_seconds(1.0), .threads = {}};
    list.read(context.threads);
    std::vector<Measurement> measurements;
    sensor.sample(context, measurements);
    return sensor.ours_cpus().value;
  };
  DOCTEST_CHECK_FALSE(ours());
  write_other(200, 1'250'000'000);
  DOCTEST_CHECK(ours() == doctest::Approx(0.25));
  // One that is old joins, and one that was born in the period.
  machine.tree.write(group + "/tasks", "200\n201\n202\n");
  write_other(201, 60'000'000'000);
  write_other(202, 125'000'000);
  DOCTEST_CHECK(ours() == doctest::Approx(0.125));
  write_other(201, 60'500'000'000);
  DOCTEST_CHECK(ours() == doctest::Approx(0.5));
  machine.tree.write(group + "/tasks", "");
  DOCTEST_CHECK(ours() == 0.0);
}

}  // namespace rein
