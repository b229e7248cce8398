#include "platform/sensors/counter_group.hpp"

#include <doctest/doctest.h>

#include "platform/fake_calls.hpp"
#include "platform/kernel/thread_list.hpp"
#include "platform/sensor_samples.hpp"
#include "support/other_process.hpp"
#include "support/temporary_tree.hpp"

namespace rein {

namespace {

using test::Values;
using Strings = std::vector<std::string>;

const Values kNothing{std::nullopt, std::nullopt, std::nullopt};
const std::string kDevices = "/sys/bus/event_source/devices/";
constexpr std::uint32_t kLittle = 8;
constexpr std::uint32_t kBig = 9;

struct Machine {
  SysfsRoot root() { return SysfsRoot(tree.path(), calls); }
  /// One of whose counters a test says what they show.
  CounterGroup& start() {
    counters.emplace(root(), missing);
    sampler.emplace(*counters);
    return *counters;
  }
  Values sample(std::vector<int> threads = {100}) {
    return sampler->values(std::chrono::seconds(1), std::move(threads));
  }
  std::string problem(std::vector<int> threads = {100}) {
    return sampler->sample(std::chrono::seconds(1), std::move(threads)).at(0).problem;
  }

  void add_unit(const std::string& name, const std::string& type, const std::string& cpus,
                const std::vector<std::pair<std::string, std::string>>& events) const {
    tree.write(kDevices + name + "/type", type + "\n");
    tree.write(kDevices + name + "/cpus", cpus + "\n");
    tree.write(kDevices + name + "/format/event", "config:0-15\n");
    for (const auto& [event, code] : events) {
      tree.write(kDevices + name + "/events/" + event, "event=" + code + "\n");
    }
  }
  /// Two kinds of cores, CPUs 0-3 and 4-7.
  void add_units() const {
    add_unit("armv7_cortex_a7", "8", "0-3",
             {{"cpu_cycles", "0x11"}, {"inst_retired", "0x08"}, {"l2d_cache_refill", "0x17"}});
    add_unit("armv7_cortex_a15", "9", "4-7",
             {{"cpu_cycles", "0x11"}, {"inst_retired", "0x08"}, {"l2d_cache_refill", "0x17"}});
  }

  test::TemporaryTree tree;
  test::FakeCalls calls;
  std::vector<Missing> missing;
  std::optional<CounterGroup> counters;
  std::optional<test::Sampler> sampler;
};

}  // namespace

DOCTEST_TEST_CASE("counts are of the period, summed over the threads") {
  Machine machine;
  auto& calls = machine.calls;
  calls.cpus_of[101] = {0};
  DOCTEST_CHECK(test::names(machine.start()) == Strings{"instructions", "cycles", "cache_misses"});
  DOCTEST_CHECK(machine.missing.empty());
  DOCTEST_CHECK(calls.open_counters.empty());  // Those of the trial are closed.
  calls.counts_of[100] = {10, 10, 1000, 500, 7};
  calls.counts_of[101] = {0, 0, 0, 0, 0};
  DOCTEST_CHECK(machine.sample({100, 101}) == kNothing);
  calls.counts_of[100] = {20, 20, 1300, 600, 8};
  calls.counts_of[101] = {5, 5, 40, 50, 60};
  DOCTEST_CHECK(machine.sample({100, 101}) == Values{340.0, 150.0, 61.0});
  calls.counts_of[100] = {30, 30, 1301, 601, 9};
  DOCTEST_CHECK(machine.sampler->values({}, {100, 101}) == kNothing);  // In no time.
}

DOCTEST_TEST_CASE("counts are scaled up where the counters were shared") {
  Machine machine;
  auto& calls = machine.calls;
  machine.start();
  calls.counts_of[100] = {100, 100, 0, 0, 0};
  machine.sample();
  calls.counts_of[100] = {200, 125, 10, 20, 30};
  DOCTEST_CHECK(machine.sample() == Values{40.0, 80.0, 120.0});
  calls.counts_of[100] = {200, 125, 10, 20, 30};  // The thread slept.
  DOCTEST_CHECK(machine.sample() == Values{0.0, 0.0, 0.0});
  calls.counts_of[100] = {300, 125, 10, 20, 30};  // It ran, but was not counted at all.
  DOCTEST_CHECK(machine.problem() == "perf_event_open: thread 100 was not counted");
}

DOCTEST_TEST_CASE("threads come and go without a jump, and no descriptor is left open") {
  Machine machine;
  auto& calls = machine.calls;
  machine.start();
  calls.counts_of[100] = {1, 1, 100, 0, 0};
  machine.sample();
  calls.cpus_of[101] = {0};
  calls.counts_of[101] = {1, 1, 5, 0, 0};
  DOCTEST_CHECK(machine.sample({100, 101})[0] == 5.0);
  calls.counts_of[101] = {2, 2, 9, 0, 0};
  calls.cpus_of.erase(101);  // Its last counts can still be read.
  DOCTEST_CHECK(machine.sample({100})[0] == 4.0);
  DOCTEST_CHECK(calls.open_counters.size() == 3);
  DOCTEST_CHECK(machine.sample({100, 102})[0] == 0.0);  // 102 ended before it was opened.
  machine.counters.reset();
  DOCTEST_CHECK(calls.open_counters.empty());
}

DOCTEST_TEST_CASE("counts that cannot be read or go backwards are no numbers, nor is a gap") {
  Machine machine;
  auto& calls = machine.calls;
  machine.start();
  calls.counts_of[100] = {10, 10, 100, 100, 100};
  machine.sample();
  calls.counts_of[100] = {20, 20, 99, 200, 200};
  DOCTEST_CHECK(machine.sample() == kNothing);
  calls.counts_of[100] = {30, 30, 109, 210, 210};
  DOCTEST_CHECK(machine.sample() == Values{10.0, 10.0, 10.0});
  calls.counts_of[100] = {};
  DOCTEST_CHECK(machine.problem() == "perf_event_open: thread 100 was not counted");
  calls.counts_of[100] = {40, 40, 119, 220, 220};
  DOCTEST_CHECK(machine.sample() == kNothing);
  calls.counts_of[100] = {50, 50, 120, 221, 221};
  DOCTEST_CHECK(machine.sample() == Values{1.0, 1.0, 1.0});
  DOCTEST_CHECK(machine.problem({}) == "perf_event_open: there are no threads to count");
}

DOCTEST_TEST_CASE("a thread that cannot be counted makes the sum unknown") {
  Machine machine;
  auto& calls = machine.calls;
  calls.cpus_of[101] = {0};
  machine.start();
  calls.counts_of[100] = {1, 1, 1, 1, 1};
  machine.sample();
  calls.refused_types = {PERF_TYPE_HARDWARE};
  calls.open_error = EMFILE;
  DOCTEST_CHECK(machine.problem({100, 101}) ==
                "perf_event_open: thread 101 cannot be counted: Too many open files");
}

DOCTEST_TEST_CASE("without the processor's counters the kernel's are taken") {
  Machine machine;
  auto& calls = machine.calls;
  calls.refused_types = {PERF_TYPE_HARDWARE};
  DOCTEST_CHECK(test::names(machine.start()) ==
                Strings{"context_switches", "cpu_migrations", "page_faults", "task_clock_s"});
  DOCTEST_CHECK(machine.missing.size() == 1);
  calls.counts_of[100] = {1, 1, 0, 0, 0, 0};
  machine.sample();
  calls.counts_of[100] = {2, 2, 3, 1, 4, 250'000'000};
  DOCTEST_CHECK(machine.sample() == Values{3.0, 1.0, 4.0, 0.25});
}

DOCTEST_TEST_CASE(
    "where the kernel keeps its own work from us, what would always be 0 is left out") {
  Machine machine;
  machine.calls.refused_types = {PERF_TYPE_HARDWARE};
  machine.calls.kernel_is_private = true;
  DOCTEST_CHECK(test::names(machine.start()) == Strings{"page_faults", "task_clock_s"});
  DOCTEST_CHECK(machine.counters->signals()[0].source == "perf_event_open, user mode only");
}

DOCTEST_TEST_CASE("a kernel without counters leaves no signals and says so") {
  Machine machine;
  machine.calls.refused_types = {PERF_TYPE_HARDWARE, PERF_TYPE_SOFTWARE};
  machine.calls.open_error = ENOSYS;
  DOCTEST_CHECK(machine.start().signals().empty());
  DOCTEST_CHECK(machine.missing.size() == 2);
  DOCTEST_CHECK(machine.sample().empty());
}

DOCTEST_TEST_CASE("one unit of cores is counted as the kernel's generic events") {
  Machine machine;
  machine.add_unit("armv8_cortex_a57", "8", "0-3", {{"cpu_cycles", "0x11"}});
  DOCTEST_CHECK(test::names(machine.start()) == Strings{"instructions", "cycles", "cache_misses"});
}

DOCTEST_TEST_CASE("cores of two kinds are counted each by its unit, and together") {
  Machine machine;
  auto& calls = machine.calls;
  machine.add_units();
  DOCTEST_CHECK(test::names(machine.start()) ==
                Strings{"instructions", "cycles", "cache_misses", "instructions.armv7_cortex_a7",
                        "cycles.armv7_cortex_a7", "cache_misses.armv7_cortex_a7",
                        "instructions.armv7_cortex_a15", "cycles.armv7_cortex_a15",
                        "cache_misses.armv7_cortex_a15"});
  DOCTEST_CHECK(machine.missing.empty());
  calls.unit_counts_of[{kLittle, 100}] = {0, 0, 0, 0, 0};
  calls.unit_counts_of[{kBig, 100}] = {0, 0, 0, 0, 0};
  machine.sample();
  DOCTEST_CHECK(calls.open_counters.size() == 6);
  // 60 of 100 ns on a little CPU, the rest on a big one: nothing was shared.
  calls.unit_counts_of[{kLittle, 100}] = {100, 60, 300, 600, 9};
  calls.unit_counts_of[{kBig, 100}] = {100, 40, 700, 400, 1};
  DOCTEST_CHECK(machine.sample() ==
                Values{1000.0, 1000.0, 10.0, 300.0, 600.0, 9.0, 700.0, 400.0, 1.0});
  // Counted for 20 and 30 of 100 ns: all is doubled, whatever was where.
  calls.unit_counts_of[{kLittle, 100}] = {200, 80, 400, 700, 10};
  calls.unit_counts_of[{kBig, 100}] = {200, 70, 900, 600, 3};
  DOCTEST_CHECK(machine.sample() ==
                Values{600.0, 600.0, 6.0, 200.0, 200.0, 2.0, 400.0, 400.0, 4.0});
}

DOCTEST_TEST_CASE("each thread is scaled by its own time on both kinds of cores") {
  Machine machine;
  auto& calls = machine.calls;
  machine.add_units();
  calls.cpus_of[101] = {4};
  machine.start();
  for (const int thread : {100, 101}) {
    calls.unit_counts_of[{kLittle, thread}] = {0, 0, 0, 0, 0};
    calls.unit_counts_of[{kBig, thread}] = {0, 0, 0, 0, 0};
  }
  machine.sample({100, 101});
  calls.unit_counts_of[{kLittle, 100}] = {100, 50, 10, 20, 30};  // Half the time: twice as much.
  calls.unit_counts_of[{kBig, 101}] = {100, 100, 1, 2, 3};       // Counted all the time.
  const auto values = machine.sample({100, 101});
  DOCTEST_CHECK(values[0] == 21.0);
  DOCTEST_CHECK(values[3] == 20.0);
  DOCTEST_CHECK(values[6] == 1.0);
  // It ran and neither unit counted.
  calls.unit_counts_of[{kBig, 101}] = {200, 100, 1, 2, 3};
  DOCTEST_CHECK(machine.problem({100, 101}) == "perf_event_open: thread 101 was not counted");
}

DOCTEST_TEST_CASE("a unit that offers half of what is asked is counted, without its total") {
  Machine machine;
  auto& calls = machine.calls;
  machine.add_units();
  machine.tree.remove(kDevices + "armv7_cortex_a7/events/l2d_cache_refill");
  calls.refused_configs = {0x08};
  DOCTEST_CHECK(test::names(machine.start()) == Strings{"cycles", "cycles.armv7_cortex_a7",
                                                        "cycles.armv7_cortex_a15",
                                                        "cache_misses.armv7_cortex_a15"});
  DOCTEST_REQUIRE(machine.missing.size() == 2);
  DOCTEST_CHECK(machine.missing[0].line() ==
                kDevices +
                    "armv7_cortex_a7: offers 1 of instructions, cycles and cache misses; a kernel "
                    "that knows these cores, and perf_event_paranoid of at most 2");
  calls.unit_counts_of[{kLittle, 100}] = {0, 0, 0};
  calls.unit_counts_of[{kBig, 100}] = {0, 0, 0, 0};
  machine.sample();
  calls.unit_counts_of[{kLittle, 100}] = {10, 5, 50};
  calls.unit_counts_of[{kBig, 100}] = {10, 5, 60, 7};
  DOCTEST_CHECK(machine.sample() == Values{110.0, 50.0, 60.0, 7.0});
}

DOCTEST_TEST_CASE("what cannot be counted on some cores is not scaled up from the others") {
  Machine machine;
  auto& calls = machine.calls;
  machine.add_units();
  calls.refused_types = {kLittle};
  DOCTEST_CHECK(test::names(machine.start()) == Strings{"instructions.armv7_cortex_a15",
                                                        "cycles.armv7_cortex_a15",
                                                        "cache_misses.armv7_cortex_a15"});
  calls.unit_counts_of[{kBig, 100}] = {0, 0, 0, 0, 0};
  machine.sample();
  calls.unit_counts_of[{kBig, 100}] = {100, 10, 1, 2, 3};
  DOCTEST_CHECK(machine.sample() == Values{1.0, 2.0, 3.0});
  calls.unit_counts_of[{kBig, 100}] = {200, 10, 1, 2, 3};  // It was on the others alone.
  DOCTEST_CHECK(machine.sample() == Values{0.0, 0.0, 0.0});
}

DOCTEST_TEST_CASE("units of cores of which none can be counted leave the kernel's counters") {
  Machine machine;
  machine.add_units();
  machine.calls.refused_types = {kLittle, kBig};
  DOCTEST_CHECK(test::names(machine.start()) ==
                Strings{"context_switches", "cpu_migrations", "page_faults", "task_clock_s"});
}

DOCTEST_TEST_CASE("the counters of this very process count") {
  std::vector<Missing> missing;
  CounterGroup counters(SysfsRoot(), missing);
  if (counters.signals().empty()) {
    DOCTEST_MESSAGE("skipped: perf_event_open offers no counters here");
    return;
  }
  const int process = SystemCalls::kernel().process_id();
  test::Sampler sampler(counters);
  sampler.sample({}, {process});
  for (const auto& value : sampler.values(std::chrono::seconds(1), {process})) {
    DOCTEST_REQUIRE(value.has_value());
    DOCTEST_CHECK(*value >= 0.0);
  }
}

DOCTEST_TEST_CASE("the counters of another process count what it does, and its end is no trouble") {
  test::OtherProcess other;
  const Subject subject = Subject::process(other.pid());
  std::vector<Missing> missing;
  CounterGroup counters(SysfsRoot(), missing, subject);
  const auto clock = std::ranges::find(counters.signals(), "task_clock_s", &Signal::name);
  if (clock == counters.signals().end()) {
    DOCTEST_MESSAGE("skipped: perf_event_open does not count the time of tasks here");
    return;
  }
  ThreadList list(SysfsRoot(), subject);
  std::vector<int> threads;
  test::Sampler sampler(counters);
  const auto next = [&] {
    list.read(threads);
    return sampler.values(std::chrono::seconds(1),
                          threads)[static_cast<std::size_t>(clock - counters.signals().begin())];
  };
  next();
  other.start_thread();
  other.work();
  DOCTEST_CHECK(next().value_or(0.0) >= 0.9 * test::OtherProcess::kWorkS);
  other.end_thread();
  DOCTEST_CHECK(next().value_or(1.0) < 0.9 * test::OtherProcess::kWorkS);
  other.end();
  next();
  DOCTEST_CHECK(next() == 0.0);
}

}  // namespace rein
