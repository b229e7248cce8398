#include "agent/model_based/change_process.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace rein {

namespace {

/// Periods that it remembers.
constexpr std::size_t kMemory = 300;
/// Levels that are nearer are the same.
constexpr double kNear = 0.1;
/// What is less is no jump: nobody knows a level better.
constexpr double kNoJump = 0.05;
/// Periods in which it stayed that are counted before any was seen.
constexpr double kStayed = 5.0;

}  // namespace

void ChangeProcess::note(std::span<const double> conditions) {
  periods_.emplace_back(conditions.begin(), conditions.end());
  if (periods_.size() > kMemory) {
    periods_.pop_front();
  }
}

std::vector<ChangeProcess::Jump> ChangeProcess::jumps(std::span<const double> slows) const {
  std::vector<Jump> jumps;
  const auto level_of = [&](const std::vector<double>& conditions) {
    return std::inner_product(slows.begin(), slows.end(), conditions.begin(), 0.0);
  };
  if (periods_.empty()) {
    return jumps;
  }
  const double now = level_of(periods_.back());
  double periods = kStayed;
  double before = level_of(periods_.front());
  for (std::size_t i = 1; i < periods_.size(); ++i) {
    const double after = level_of(periods_[i]);
    const double was = std::exchange(before, after);
    if (std::abs(was - now) > kNear) {
      continue;
    }
    periods += 1.0;
    if (std::abs(after - was) < kNoJump) {
      continue;
    }
    const double log = after - now;
    const auto same = std::ranges::find_if(
        jumps, [log](const Jump& jump) { return std::abs(jump.log - log) < kNear; });
    if (same == jumps.end()) {
      jumps.push_back({log, 1.0});
    } else {
      same->chance += 1.0;
      same->log += (log - same->log) / same->chance;
    }
  }
  for (Jump& jump : jumps) {
    jump.chance /= periods;
  }
  return jumps;
}

}  // namespace rein
