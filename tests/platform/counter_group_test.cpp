#include "platform/counter_group.hpp"

#include <doctest/doctest.h>

#include "platform/fake_calls.hpp"

namespace rein {

namespace {

using Values = std::vector<std::optional<double>>;

Values sample(CounterGroup& counters, std::vector<int> threads) {
  Values values;
  counters.sample({.interval = from_seconds(1.0), .threads = std::move(threads)}, values);
  return values;
}

std::vector<std::string> names(const CounterGroup& counters) {
  std::vector<std::string> result;
  for (const auto& signal : counters.signals()) {
    result.push_back(signal.name);
  }
  return result;
}

const Values kNothing{std::nullopt, std::nullopt, std::nullopt};

}  // namespace

DOCTEST_TEST_CASE("counts are of the period, summed over the threads") {
  test::FakeCalls calls;
  calls.cpus_of[101] = {0};
  std::vector<Missing> missing;
  CounterGroup counters(calls, 100, missing);
  DOCTEST_CHECK(names(counters) ==
                std::vector<std::string>{"instructions", "cycles", "cache_misses"});
  DOCTEST_CHECK(missing.empty());
  DOCTEST_CHECK(calls.open_counters.empty());  // Those of the trial are closed.
  calls.counts_of[100] = {10, 10, 1000, 500, 7};
  calls.counts_of[101] = {0, 0, 0, 0, 0};
  DOCTEST_CHECK(sample(counters, {100, 101}) == kNothing);
  calls.counts_of[100] = {20, 20, 1300, 600, 8};
  calls.counts_of[101] = {5, 5, 40, 50, 60};
  DOCTEST_CHECK(sample(counters, {100, 101}) == Values{340.0, 150.0, 61.0});
}

DOCTEST_TEST_CASE("counts are scaled up where the counters were shared") {
  test::FakeCalls calls;
  std::vector<Missing> missing;
  CounterGroup counters(calls, 100, missing);
  calls.counts_of[100] = {100, 100, 0, 0, 0};
  sample(counters, {100});
  calls.counts_of[100] = {200, 125, 10, 20, 30};
  DOCTEST_CHECK(sample(counters, {100}) == Values{40.0, 80.0, 120.0});
  calls.counts_of[100] = {200, 125, 10, 20, 30};  // The thread slept.
  DOCTEST_CHECK(sample(counters, {100}) == Values{0.0, 0.0, 0.0});
  calls.counts_of[100] = {300, 125, 10, 20, 30};  // It ran, but was not counted at all.
  DOCTEST_CHECK(sample(counters, {100}) == kNothing);
}

DOCTEST_TEST_CASE("threads come and go without a jump, and no descriptor is left open") {
  test::FakeCalls calls;
  std::vector<Missing> missing;
  {
    CounterGroup counters(calls, 100, missing);
    calls.counts_of[100] = {1, 1, 100, 0, 0};
    sample(counters, {100});
    calls.cpus_of[101] = {0};
    calls.counts_of[101] = {1, 1, 5, 0, 0};
    DOCTEST_CHECK(sample(counters, {100, 101})[0] == 5.0);
    calls.counts_of[101] = {2, 2, 9, 0, 0};
    calls.cpus_of.erase(101);  // Its last counts can still be read.
    DOCTEST_CHECK(sample(counters, {100})[0] == 4.0);
    DOCTEST_CHECK(calls.open_counters.size() == 3);
    DOCTEST_CHECK(sample(counters, {100, 102})[0] == 0.0);  // 102 ended before it was opened.
  }
  DOCTEST_CHECK(calls.open_counters.empty());
}

DOCTEST_TEST_CASE("counts that cannot be read or go backwards are no numbers") {
  test::FakeCalls calls;
  std::vector<Missing> missing;
  CounterGroup counters(calls, 100, missing);
  calls.counts_of[100] = {10, 10, 100, 100, 100};
  sample(counters, {100});
  calls.counts_of[100] = {20, 20, 99, 200, 200};
  DOCTEST_CHECK(sample(counters, {100}) == kNothing);
  calls.counts_of[100] = {};
  DOCTEST_CHECK(sample(counters, {100}) == kNothing);
  DOCTEST_CHECK(sample(counters, {}) == kNothing);
}

DOCTEST_TEST_CASE("a thread that cannot be counted makes the sum unknown") {
  test::FakeCalls calls;
  calls.cpus_of[101] = {0};
  std::vector<Missing> missing;
  CounterGroup counters(calls, 100, missing);
  calls.counts_of[100] = {1, 1, 1, 1, 1};
  sample(counters, {100});
  calls.refused_types = {PERF_TYPE_HARDWARE};
  calls.open_error = EMFILE;
  DOCTEST_CHECK(sample(counters, {100, 101}) == kNothing);
}

DOCTEST_TEST_CASE("without the processor's counters the kernel's are taken") {
  test::FakeCalls calls;
  calls.refused_types = {PERF_TYPE_HARDWARE};
  std::vector<Missing> missing;
  CounterGroup counters(calls, 100, missing);
  DOCTEST_CHECK(names(counters) == std::vector<std::string>{"context_switches", "cpu_migrations",
                                                            "page_faults", "task_clock_s"});
  DOCTEST_CHECK(missing.size() == 1);
  calls.counts_of[100] = {1, 1, 0, 0, 0, 0};
  sample(counters, {100});
  calls.counts_of[100] = {2, 2, 3, 1, 4, 250'000'000};
  DOCTEST_CHECK(sample(counters, {100}) == Values{3.0, 1.0, 4.0, 0.25});
}

DOCTEST_TEST_CASE(
    "where the kernel keeps its own work from us, what would always be 0 is left out") {
  test::FakeCalls calls;
  calls.refused_types = {PERF_TYPE_HARDWARE};
  calls.kernel_is_private = true;
  std::vector<Missing> missing;
  const CounterGroup counters(calls, 100, missing);
  DOCTEST_CHECK(names(counters) == std::vector<std::string>{"page_faults", "task_clock_s"});
  DOCTEST_CHECK(counters.signals()[0].source == "perf_event_open, user mode only");
}

DOCTEST_TEST_CASE("a kernel without counters leaves no signals and says so") {
  test::FakeCalls calls;
  calls.refused_types = {PERF_TYPE_HARDWARE, PERF_TYPE_SOFTWARE};
  calls.open_error = ENOSYS;
  std::vector<Missing> missing;
  CounterGroup counters(calls, 100, missing);
  DOCTEST_CHECK(counters.signals().empty());
  DOCTEST_CHECK(missing.size() == 2);
  DOCTEST_CHECK(sample(counters, {100}).empty());
}

DOCTEST_TEST_CASE("the counters of this very process count") {
  SystemCalls calls;
  std::vector<Missing> missing;
  CounterGroup counters(calls, calls.process_id(), missing);
  if (counters.signals().empty()) {
    DOCTEST_MESSAGE("skipped: perf_event_open offers no counters here");
    return;
  }
  sample(counters, {calls.process_id()});
  for (const auto& value : sample(counters, {calls.process_id()})) {
    DOCTEST_REQUIRE(value.has_value());
    DOCTEST_CHECK(*value >= 0.0);
  }
}

}  // namespace rein
