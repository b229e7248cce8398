#include "agent/model_based/change_process.hpp"

#include <algorithm>
#include <cmath>

namespace rein {

namespace {

/// What it remembers: some 300 periods of six places.
constexpr std::size_t kMemory = 1800;
/// Levels that are nearer are the same.
constexpr double kNear = 0.1;
/// What is less is no jump: nobody knows a level better.
constexpr double kNoJump = 0.05;
/// Periods in which it stayed that are counted before any was seen.
constexpr double kStayed = 5.0;

}  // namespace

void ChangeProcess::note(std::size_t place, double before, double after) {
  seen_.push_back({place, before, after});
  if (seen_.size() > kMemory) {
    seen_.pop_front();
  }
}

std::span<const ChangeProcess::Jump> ChangeProcess::jumps_from(std::size_t place, double level) {
  jumps_.clear();
  double periods = kStayed;
  for (const Seen& seen : seen_) {
    if (seen.place != place || std::abs(seen.before - level) > kNear) {
      continue;
    }
    periods += 1.0;
    const double log = seen.after - level;
    if (std::abs(seen.after - seen.before) < kNoJump) {
      continue;
    }
    const auto same = std::ranges::find_if(
        jumps_, [log](const Jump& jump) { return std::abs(jump.log - log) < kNear; });
    if (same == jumps_.end()) {
      jumps_.push_back({log, 1.0});
    } else {
      same->chance += 1.0;
      same->log += (log - same->log) / same->chance;
    }
  }
  for (Jump& jump : jumps_) {
    jump.chance /= periods;
  }
  return jumps_;
}

}  // namespace rein
