// Runs in the guest of run_arm64.sh, on the emulated PMU: of the test suites, `all counters` with
// -icount and `only cycles` without.
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "platform/kernel/sysfs_root.hpp"
#include "platform/sensors/counter_group.hpp"

namespace rein {

namespace {

constexpr std::uint64_t kRounds = 3'000'000;
constexpr double kInstructionsOfRound = 5.0;

/// Five instructions a round.
void run_loop(std::uint64_t rounds) {
  asm volatile(
      "1: nop\n"
      "   nop\n"
      "   nop\n"
      "   subs %0, %0, #1\n"
      "   b.ne 1b\n"
      : "+r"(rounds)
      :
      : "cc");
}

struct Counters {
  Counters() : group(SysfsRoot(), missing) { sample(); }

  std::vector<Measurement> sample() {
    std::vector<Measurement> measurements;
    group.sample({.now = {}, .interval = from_seconds(0.1), .threads = {getpid()}}, measurements);
    return measurements;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> result;
    for (const auto& signal : group.signals()) {
      result.push_back(signal.name);
    }
    return result;
  }
  /// What was counted since the sample before.
  double count(const std::string& name) {
    const auto measurements = sample();
    const auto all = names();
    const auto at = std::find(all.begin(), all.end(), name) - all.begin();
    DOCTEST_REQUIRE(measurements.size() == all.size());
    DOCTEST_REQUIRE(at < static_cast<std::ptrdiff_t>(all.size()));
    DOCTEST_CHECK(measurements[at].problem == "");
    DOCTEST_REQUIRE(measurements[at].value.has_value());
    return *measurements[at].value;
  }

  std::vector<Missing> missing;
  CounterGroup group;
};

}  // namespace

DOCTEST_TEST_SUITE("all counters") {
  DOCTEST_TEST_CASE("instructions and cycles of a known loop are those of the loop") {
    Counters counters;
    DOCTEST_CHECK(counters.names() == std::vector<std::string>{"instructions", "cycles"});
    const double expected = kInstructionsOfRound * kRounds;
    run_loop(kRounds);
    DOCTEST_CHECK(counters.count("instructions") == doctest::Approx(expected).epsilon(0.03));
    run_loop(kRounds);
    // One instruction a cycle with -icount shift=0.
    DOCTEST_CHECK(counters.count("cycles") == doctest::Approx(expected).epsilon(0.03));
  }

  DOCTEST_TEST_CASE("what was counted before does not count again") {
    Counters counters;
    run_loop(kRounds);
    counters.sample();
    DOCTEST_CHECK(counters.count("instructions") < 0.03 * kInstructionsOfRound * kRounds);
    run_loop(2 * kRounds);
    DOCTEST_CHECK(counters.count("instructions") ==
                  doctest::Approx(2.0 * kInstructionsOfRound * kRounds).epsilon(0.03));
  }

  DOCTEST_TEST_CASE("cache misses, which this PMU does not count, are told to be missing") {
    const Counters counters;
    const bool told = std::any_of(
        counters.missing.begin(), counters.missing.end(),
        [](const Missing& each) { return each.line().find("cache_misses") != std::string::npos; });
    DOCTEST_CHECK(told);
  }
}

DOCTEST_TEST_SUITE("only cycles") {
  DOCTEST_TEST_CASE("a PMU that counts cycles alone is still used") {
    Counters counters;
    DOCTEST_CHECK(counters.names() == std::vector<std::string>{"cycles"});
    run_loop(kRounds);
    const double once = counters.count("cycles");
    DOCTEST_CHECK(once > 0.0);
    run_loop(20 * kRounds);
    // Follows the time that the emulation takes here.
    DOCTEST_CHECK(counters.count("cycles") > once);
  }

  DOCTEST_TEST_CASE("instructions, which this PMU does not count, are told to be missing") {
    const Counters counters;
    const bool told = std::any_of(
        counters.missing.begin(), counters.missing.end(),
        [](const Missing& each) { return each.line().find("instructions") != std::string::npos; });
    DOCTEST_CHECK(told);
  }
}

}  // namespace rein
