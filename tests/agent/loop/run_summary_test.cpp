#include "agent/loop/run_summary.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>

namespace rein {
namespace {

/// A tenth of a second in which one request is served, or missed.
StepResult period(std::size_t index) {
  const bool missed = index % 7 == 3 || index % 50 < 4;
  StepResult result;
  result.reward = static_cast<double>(index % 4);
  result.info.time_s = static_cast<double>(index);
  result.info.interval_s = 1.0;
  ApplicationInfo application;
  application.name = "app";
  application.service.served = 1;
  application.service.late = missed ? 1 : 0;
  application.service.accuracy_sum = 1.0;
  application.service.latencies_ms = {static_cast<double>(1 + index % 30)};
  application.service.misses = {missed};
  result.info.applications = {application};
  return result;
}

Statistics summed(std::size_t from, std::size_t to) {
  Statistics statistics;
  for (std::size_t i = from; i < to; ++i) {
    statistics.add(period(i), 2.0, 1.0);
  }
  return statistics;
}

DOCTEST_TEST_CASE("stretches that follow one another add up to the whole") {
  for (const std::size_t middle : {0, 1, 3, 51, 53, 99, 100}) {
    Statistics both = summed(0, middle);
    both.add(summed(middle, 100));
    DOCTEST_CHECK(both.to_json() == summed(0, 100).to_json());
  }
}

DOCTEST_TEST_CASE("a run of misses was broken by another application's requests") {
  const auto of_two = [](std::size_t from, std::size_t to) {
    Statistics statistics;
    for (std::size_t i = from; i < to; ++i) {
      StepResult result = period(i);
      result.info.applications[0].service.misses = {i >= 2 && i < 7};
      result.info.applications.push_back(result.info.applications[0]);
      result.info.applications[1].name = "other";
      result.info.applications[1].service.misses = {false, false};
      result.info.applications[1].service.served = 2;
      statistics.add(result, 2.0, 1.0);
    }
    return statistics;
  };
  DOCTEST_CHECK(of_two(0, 10).longest_miss_run() == 5);
  DOCTEST_CHECK(of_two(0, 10).served() == 30);
  Statistics joined = of_two(0, 4);
  joined.add(of_two(4, 10));
  DOCTEST_CHECK(joined.longest_miss_run() == 5);
  joined.pause();
  joined.add(of_two(2, 5));
  DOCTEST_CHECK(joined.longest_miss_run() == 5);
}

DOCTEST_TEST_CASE("an objective on our own power was told of the whole machine's") {
  const Statistics statistics = summed(0, 10);  // 2 W, of which 1 W is ours, a request a second.
  const auto told = [&](Objective::Kind kind, PowerSignal signal) {
    return statistics.objective({.kind = kind, .reference = 1.0, .signal = signal}).value();
  };
  DOCTEST_CHECK(told(Objective::Kind::kMinPower, PowerSignal::kMachine) == 2.0);
  DOCTEST_CHECK(told(Objective::Kind::kMinPower, PowerSignal::kOurs) == 1.0);
  DOCTEST_CHECK(told(Objective::Kind::kMinEnergy, PowerSignal::kMachine) == 2000.0);
  DOCTEST_CHECK(told(Objective::Kind::kMinEnergy, PowerSignal::kOurs) == 1000.0);
}

/// A second of the phase with this name.
StepResult period_in(const std::string& phase, std::size_t index) {
  StepResult result = period(index);
  result.info.phase = phase;
  return result;
}

DOCTEST_TEST_CASE("the phases of a run are told one by one where they are few") {
  PhaseTally tally;
  for (std::size_t i = 0; i < 12; ++i) {
    tally.add(period_in(i / 3 % 2 == 0 ? "a" : "b", i), 2.0, 1.0);
  }
  DOCTEST_REQUIRE(tally.entries().size() == 4);
  for (std::size_t i = 0; i < 4; ++i) {
    const PhaseTally::Entry& entry = tally.entries()[i];
    DOCTEST_CHECK(entry.name == (i % 2 == 0 ? "a" : "b"));
    DOCTEST_CHECK(entry.stretches == 1);
    DOCTEST_CHECK(entry.start_s == 3.0 * static_cast<double>(i));
    DOCTEST_CHECK(entry.end_s == 3.0 * static_cast<double>(i + 1));
    DOCTEST_CHECK(entry.seconds == 3.0);
    DOCTEST_CHECK(entry.statistics.to_json() == summed(3 * i, 3 * i + 3).to_json());
  }
}

DOCTEST_TEST_CASE("a run of chained phases grew by all stretches that it had") {
  PhaseTally tally;
  Statistics alone;
  constexpr std::size_t kStretches = 1'000'000;
  std::size_t most = 0;
  for (std::size_t i = 0; i < kStretches; ++i) {
    const StepResult result = period_in(std::string(1, static_cast<char>('a' + i % 3)), i);
    tally.add(result, 2.0, 1.0);
    if (i % 3 == 0) {
      alone.pause();
      alone.add(result, 2.0, 1.0);
    }
    most = std::max(most, tally.entries().size());
  }
  DOCTEST_CHECK(most == PhaseTally::kMostStretches);
  DOCTEST_REQUIRE(tally.entries().size() == 3);
  const PhaseTally::Entry& first = tally.entries().front();
  DOCTEST_CHECK(first.name == "a");
  DOCTEST_CHECK(first.stretches == (kStretches + 2) / 3);
  DOCTEST_CHECK(first.start_s == 0.0);
  DOCTEST_CHECK(first.end_s == static_cast<double>(kStretches));
  DOCTEST_CHECK(first.seconds == static_cast<double>(first.stretches));
  // As if it had been alone; misses of different stretches are no run.
  DOCTEST_CHECK(first.statistics.requests() == first.stretches);
  DOCTEST_CHECK(first.statistics.to_json() == alone.to_json());
  DOCTEST_CHECK(first.statistics.longest_miss_run() == 1);
}

DOCTEST_TEST_CASE("the second half of a run that was interrupted was that of the plan: nothing") {
  HalfTally tally;
  DOCTEST_CHECK(tally.second_half().requests() == 0);
  for (std::size_t end = 1; end <= 5000; ++end) {
    tally.add(period(end - 1), 2.0, 1.0);
    const Statistics half = tally.second_half();
    if (end <= 128) {
      DOCTEST_REQUIRE(half.to_json() == summed((end + 1) / 2, end).to_json());
    } else {
      // Its last periods, of about half the number.
      DOCTEST_REQUIRE(half.requests() >= end / 2 - end / 64 - 1);
      DOCTEST_REQUIRE(half.requests() <= end / 2 + end / 64 + 1);
      if (end % 1000 == 0) {
        DOCTEST_CHECK(half.to_json() == summed(end - half.requests(), end).to_json());
      }
    }
  }
}

}  // namespace
}  // namespace rein
