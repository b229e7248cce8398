#include "study/suite/drawn_scenario.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace rein::suite {

namespace {

/// To tenths of a second, as durations are written.
double tenths(double seconds) { return std::round(10.0 * seconds) / 10.0; }

std::string draw_co_runner(Draft& draft) {
  Random& random = draft.random;
  constexpr std::array<const char*, 3> kClusters = {"fastest", "slowest", "all"};
  const std::size_t what = random.index(4);  // CPUs more often.
  const char* const cluster = one_of(kClusters, random);
  const double load = log_uniform(kCpuLoad, random);
  const double gpu = log_uniform(kGpuPressure, random);
  const double memory = log_uniform(kMemoryShare, random);
  std::vector<std::string> takes;
  if (what < 2) {
    takes.push_back(fmt::format("cpu: {{{}: {}}}", cluster, number(load)));
  }
  if (what == 2 || happens(kAlsoGpu, random)) {
    takes.push_back(fmt::format("gpu: {}", number(gpu)));
  }
  if (what == 3 || happens(kAlsoMemory, random)) {
    takes.push_back(fmt::format("memory: {}", number(memory)));
  }
  const bool by_turns = happens(kComesInBursts, random);
  const double on_ms = log_uniform(kShortOnOffMs, random);
  const double off_ms = log_uniform(kShortOnOffMs, random);
  if (by_turns) {
    takes.push_back(fmt::format("on_ms: {:.0f}, off_ms: {:.0f}", on_ms, off_ms));
  }
  return fmt::format("{{contention: {{{}}}}}", fmt::join(takes, ", "));
}

/// One that is felt wherever the network may run.
std::string draw_alternation(Draft& draft) {
  Random& random = draft.random;
  const double load = log_uniform(kAlternatingLoad, random);
  const double gpu = log_uniform(kAlternatingGpu, random);
  const double on_ms = log_uniform(kAlternationMs, random);
  const double off_ms = log_uniform(kAlternationMs, random);
  return fmt::format(
      "{{contention: {{cpu: {{all: {}}}, gpu: {}, memory: 0.1, on_ms: {:.0f}, off_ms: {:.0f}}}}}",
      number(load), number(gpu), on_ms, off_ms);
}

void draw_overloads(Draft& draft) {
  Random& random = draft.random;
  for (double left_s = draft.duration_s; left_s > 0.0;) {
    const double between_s = std::min(tenths(uniform(kBetweenOverloadsS, random)), left_s);
    draft.phases.push_back({.duration_s = between_s, .co_runners = {}, .ambient_c = {}});
    left_s = tenths(left_s - between_s);
    const double overload_s = tenths(uniform(kOverloadS, random));
    const double rate = log_uniform(kOverloadRate, random);
    if (left_s > overload_s) {
      draft.phases.push_back(
          {.duration_s = overload_s, .co_runners = {}, .rate = rate, .ambient_c = {}});
      left_s = tenths(left_s - overload_s);
    }
  }
}

void draw_co_runners(Draft& draft) {
  Random& random = draft.random;
  double which = random.uniform();
  std::size_t pattern = 0;
  while (pattern + 1 < kCoRunnerShares.size() && which >= kCoRunnerShares[pattern]) {
    which -= kCoRunnerShares[pattern++];
  }
  const std::size_t count = pattern == 0 ? 0 : pattern == 3 ? 2 + random.index(3) : 1;
  for (std::size_t i = 0; i < count; ++i) {
    draft.co_runners.push_back(draw_co_runner(draft));
  }
  const double all_s = draft.duration_s;
  if (pattern < 2) {
    draft.phases.push_back({.duration_s = all_s, .co_runners = {}, .ambient_c = {}});
    if (pattern == 1) {
      draft.phases.back().co_runners = {0};
    }
  } else if (pattern == 2) {
    const double from_s = tenths(all_s * uniform(kOnceFrom, random));
    const double lasts_s = tenths((all_s - from_s) * uniform(kOnceUntil, random));
    draft.phases = {{.duration_s = from_s, .co_runners = {}, .ambient_c = {}},
                    {.duration_s = lasts_s, .co_runners = {0}, .ambient_c = {}},
                    {.duration_s = all_s - from_s - lasts_s, .co_runners = {}, .ambient_c = {}}};
  } else {
    for (double left_s = all_s; left_s > 0.0;) {
      Draft::Phase phase{.duration_s = std::min(tenths(log_uniform(kPhaseS, random)), left_s),
                         .co_runners = {},
                         .ambient_c = {}};
      for (std::size_t i = 0; i < count; ++i) {
        if (happens(kCoRunnerShare, random)) {
          phase.co_runners.push_back(i);
        }
      }
      left_s = tenths(left_s - phase.duration_s);
      draft.phases.push_back(std::move(phase));
    }
  }
}

void draw_changes(Draft& draft) {
  Random& random = draft.random;
  const bool changes_budgets = happens(kChangesBudgets, random) && draft.phases.size() > 1;
  const bool changes_rate = happens(kChangesRate, random) && draft.arrival != "closed_loop";
  for (std::size_t i = 1; i < draft.phases.size(); ++i) {
    Draft::Phase& phase = draft.phases[i];
    const double deadline = log_uniform(kRelativeDeadline, random);
    const double power = log_uniform(kRelativePower, random);
    const double rate = log_uniform(kRelativeRate, random);
    const bool does = happens(kChangesPhase, random);
    if (changes_budgets && does) {
      phase.deadline = deadline;
      phase.power = power;
    }
    if (changes_rate && !is(draft, "overload")) {
      phase.rate = rate;
    }
  }
}

}  // namespace

void draw_scenario(Draft& draft) {
  Random& random = draft.random;
  if (is(draft, "overload")) {
    draw_overloads(draft);
  } else if (is(draft, "alternating")) {
    draft.co_runners = {draw_alternation(draft)};
    draft.phases.push_back({.duration_s = draft.duration_s, .co_runners = {0}, .ambient_c = {}});
  } else {
    draw_co_runners(draft);
    draw_changes(draft);
  }
  if (is(draft, "heat")) {
    const double step_k = uniform(kAmbientStepK, random);
    if (happens(kAmbientStep, random)) {
      const double half_s = draft.duration_s / 2.0;
      double start_s = 0.0;
      const double ambient_c = draft.board.board().simulation->ambient_c + step_k;
      for (auto& phase : draft.phases) {
        if (start_s >= half_s) {
          phase.ambient_c = ambient_c;
        }
        start_s += phase.duration_s;
      }
    }
  }
}

}  // namespace rein::suite
