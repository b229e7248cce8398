#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace rein {

/// What each period of an episode earned, and where the conditions changed.
struct RewardCourse {
  std::vector<std::int32_t> thousandths;  ///< [periods]: the reward in thousandths, rounded.
  std::vector<std::size_t> changes;       ///< Periods that began another phase, ascending.

  /// @param skipped  periods that were lost by an overrun. They earn as much, so that the periods
  /// of two agents are at the same time.
  void add(double reward, bool is_change, std::size_t skipped = 0);
};

/// How long an agent took after each change of conditions to be as good as the oracle.
///
/// It is from the first period from which the mean reward of five periods is no more than 0.05
/// below the oracle's in the same periods: 5 % of the objective's range, which is 1. A phase that
/// is shorter than five periods is judged as a whole.
struct Adaptation {
  /// [changes]: periods from the change to then; the phase's length where it never was.
  std::vector<double> periods;
  std::size_t unadapted = 0;  ///< Changes after which it never was.
};

/// Of an episode in the same world with the same seed. The changes are those that the oracle saw.
Adaptation adapt(const RewardCourse& own, const RewardCourse& oracle);

/// The first period from which the mean reward of both 100 periods and all that are left is no more
/// than 0.05 below the oracle's in the same periods; the episode's length where there is none. An
/// episode that is shorter than 100 periods is judged as a whole. Not every later 100 periods have
/// to be as good: two requests that are late by chance outweigh 0.05 of them.
std::size_t good_from_period(const RewardCourse& own, const RewardCourse& oracle);

/// Mean reward by the periods that have passed since a change of conditions, over any number of
/// changes. What lies before the change before or after the next is left out.
class ChangeCurve {
 public:
  static constexpr std::size_t kBefore = 10;  ///< Periods before a change ...
  static constexpr std::size_t kAfter = 50;   ///< ... and from it on.

  void add(const RewardCourse& course);
  /// [kBefore + kAfter]; empty where no phase was that long.
  std::vector<std::optional<double>> means() const;

 private:
  std::vector<double> sums_ = std::vector<double>(kBefore + kAfter);
  std::vector<double> counts_ = std::vector<double>(kBefore + kAfter);
};

}  // namespace rein
