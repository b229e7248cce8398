#include "study/evaluation/adaptation.hpp"

#include <algorithm>
#include <cmath>
#include <span>

namespace rein {

namespace {

constexpr double kScale = 1000.0;
constexpr double kMost = 2e9;  ///< What 32 bits hold.
/// As far below the oracle's as still counts as equal, in thousandths.
constexpr std::int64_t kWithin = 50;
constexpr std::size_t kAdapted = 5;    ///< Periods that have to be good after a change ...
constexpr std::size_t kLearned = 100;  ///< ... and when all is learned.

/// Whether the mean over `count` periods from `first` on is as good as the oracle's.
bool is_good(const RewardCourse& own, const RewardCourse& oracle, std::size_t first,
             std::size_t count) {
  std::int64_t below = 0;
  for (std::size_t i = first; i < first + count; ++i) {
    below += std::int64_t{oracle.thousandths[i]} - own.thousandths[i];
  }
  return below <= kWithin * static_cast<std::int64_t>(count);
}

std::size_t common_length(const RewardCourse& own, const RewardCourse& oracle) {
  return std::min(own.thousandths.size(), oracle.thousandths.size());
}

}  // namespace

void RewardCourse::add(double reward, bool is_change, std::size_t skipped) {
  if (is_change) {
    changes.push_back(thousandths.size());
  }
  thousandths.insert(
      thousandths.end(), 1 + skipped,
      static_cast<std::int32_t>(std::lround(std::clamp(reward * kScale, -kMost, kMost))));
}

Adaptation adapt(const RewardCourse& own, const RewardCourse& oracle) {
  const std::size_t end = common_length(own, oracle);
  const std::vector<std::size_t>& changes = oracle.changes;
  Adaptation adaptation;
  for (std::size_t i = 0; i < changes.size() && changes[i] < end; ++i) {
    const std::size_t change = changes[i];
    const std::size_t length =
        (i + 1 < changes.size() ? std::min(changes[i + 1], end) : end) - change;
    const std::size_t window = std::min(kAdapted, length);
    std::size_t passed = 0;
    while (passed + window <= length && !is_good(own, oracle, change + passed, window)) {
      ++passed;
    }
    const bool adapted = passed + window <= length;
    adaptation.periods.push_back(static_cast<double>(adapted ? passed : length));
    adaptation.unadapted += adapted ? 0 : 1;
  }
  return adaptation;
}

std::size_t good_from_period(const RewardCourse& own, const RewardCourse& oracle) {
  const std::size_t length = common_length(own, oracle);
  const std::size_t window = std::min(kLearned, length);
  std::size_t good_from = length;
  std::int64_t rest = 0;  // Below the oracle's, less what may lack: from `first` to the end.
  for (std::size_t first = length; first-- > 0;) {
    rest += std::int64_t{oracle.thousandths[first]} - own.thousandths[first] - kWithin;
    if (first + window <= length && rest <= 0 && is_good(own, oracle, first, window)) {
      good_from = first;
    }
  }
  return good_from;
}

void ChangeCurve::add(const RewardCourse& course) {
  const std::span<const std::int32_t> rewards = course.thousandths;
  for (std::size_t i = 0; i < course.changes.size(); ++i) {
    const std::size_t change = course.changes[i];
    const std::size_t previous = i > 0 ? course.changes[i - 1] : 0;
    const std::size_t next = i + 1 < course.changes.size() ? course.changes[i + 1] : rewards.size();
    const std::size_t first = change - std::min(kBefore, change - previous);
    for (std::size_t period = first; period < std::min(next, change + kAfter); ++period) {
      sums_[period + kBefore - change] += rewards[period] / kScale;
      counts_[period + kBefore - change] += 1.0;
    }
  }
}

std::vector<std::optional<double>> ChangeCurve::means() const {
  std::vector<std::optional<double>> means(sums_.size());
  for (std::size_t i = 0; i < sums_.size(); ++i) {
    if (counts_[i] > 0.0) {
      means[i] = sums_[i] / counts_[i];
    }
  }
  return means;
}

}  // namespace rein
