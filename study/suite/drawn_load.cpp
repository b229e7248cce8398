#include "study/suite/drawn_load.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "study/suite/boards.hpp"
#include "study/suite/drawn_application.hpp"

namespace rein::suite {

namespace {

/// A Markov-modulated Poisson process with two rates, in gaps of a mean near 1.
std::vector<double> bursts(Random& random) {
  const double rates = log_uniform(kBurstRate, random);
  const double in_burst = log_uniform(kBurstLength, random);
  const double share = uniform(kBurstShare, random);
  const double between = in_burst * (1.0 - share) / share;
  const double mean_gap = share / rates + (1.0 - share);
  std::vector<double> times = {0.0};
  bool is_burst = false;
  while (times.size() < kRecordedArrivals) {
    if (happens(1.0 / std::max(1.0, is_burst ? in_burst : between), random)) {
      is_burst = !is_burst;
    }
    const double gap = random.exponential((is_burst ? 1.0 / rates : 1.0) / mean_gap);
    times.push_back(times.back() + std::round(1e4 * gap) * 1e-4);
  }
  return times;
}

std::vector<double> shipped_recording() {
  std::vector<double> times;
  std::string_view text = kRecording;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1);
    const std::string line(text.substr(0, end));
    if (!line.empty() && line.front() >= '0' && line.front() <= '9') {
      times.push_back(std::stod(line));
    }
    text.remove_prefix(end + 1);
  }
  return times;
}

/// Of this, in worlds of heat, the slowest that there is gets warm within the episode.
void hasten_heat(Draft& draft) {
  double longest_s = 0.0;
  const Board board = draft.board.board();
  for (const auto& zone : board.simulation->zones) {
    for (const auto& stage : zone.stages) {
      longest_s = std::max(longest_s, stage.time_constant_s);
    }
  }
  const double most_s = kHeatWithin * draft.duration_s;
  if (longest_s > most_s) {
    draft.board.scale_heat_time(most_s / longest_s);
  }
}

}  // namespace

void draw_arrival(Draft& draft) {
  Random& random = draft.random;
  draft.arrival = draft.kind.arrival;
  const double which = random.uniform();
  if (draft.arrival.empty()) {
    draft.arrival = which < kPoissonShare                      ? "poisson"
                    : which < kPoissonShare + kClosedLoopShare ? "closed_loop"
                                                               : "periodic";
  } else if (is(draft, "overload") && which < kPoissonOverloads) {
    draft.arrival = "poisson";
  }
  draft.queue_limit = one_of(kQueueLimits, random);
  draft.drops_expired = happens(kDropsExpired, random);
  draft.miss_rate = one_of(kMissRates, random);
}

void draw_pace(Draft& draft) {
  Random& random = draft.random;
  const std::size_t level = random.index(draft.levels.size());
  const double slack = log_uniform(kSlack, random);
  const bool waits = draft.arrival == "poisson" && !is(draft, "poisson");
  const double gap = log_uniform(draft.kind.gap, random) * (waits ? kPoissonGap : 1.0);
  const double deadline =
      log_uniform(draft.kind.deadline, random) * (waits ? kPoissonDeadline : 1.0);
  const double slow_gap_ms = log_uniform(kSlowGapMs, random);
  const double small_deadline_ms = log_uniform(kSmallDeadlineMs, random);
  const double small_power = log_uniform(kSmallPower, random);
  draft.period_ms = one_of(kPeriodsMs, random);
  draft.duration_s = uniform(kDurationS, random);
  double request_ms = fastest_ms(draft, level) * slack;
  if (is(draft, "slow-board")) {
    draft.board.slow_down(slow_gap_ms / (gap * request_ms));
    request_ms = slow_gap_ms / gap;
    draft.period_ms = 50.0;
    for (const double period_ms : kPeriodsMs) {
      draft.period_ms =
          period_ms <= 2.0 * slow_gap_ms ? std::max(draft.period_ms, period_ms) : draft.period_ms;
    }
  }
  if (is(draft, "small-limits")) {
    draft.board.slow_down(small_deadline_ms / (deadline * request_ms));
    draft.board.scale_power(small_power);
    request_ms = small_deadline_ms / deadline;
    draft.period_ms = 50.0;
  }
  draft.gap_ms = std::max(gap * request_ms, draft.period_ms / kMostPerPeriod);
  draft.deadline_ms = deadline * request_ms;
  draft.switch_ms = log_uniform(kSwitchShare, random) * fastest_ms(draft, draft.levels.size() - 1);
  draft.duration_s = std::clamp(kFewestPeriods * draft.period_ms * 1e-3, draft.duration_s,
                                std::max(draft.duration_s, kLongestS));
  draft.duration_s = std::round(draft.duration_s);
  if (is(draft, "heat")) {
    hasten_heat(draft);
  }
}

std::string draw_recording(Draft& draft) {
  if (draft.arrival != "recorded") {
    return "";
  }
  Random& random = draft.random;
  if (happens(kShippedRecording, random)) {
    draft.arrivals_s = shipped_recording();
    return std::string(kRecording);
  }
  draft.arrivals_s = bursts(random);
  std::string text = "arrival_s\n";
  for (const double time_s : draft.arrivals_s) {
    text += fmt::format("{:.4f}\n", time_s);
  }
  return text;
}

}  // namespace rein::suite
