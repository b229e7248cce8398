#pragma once

#include <cstddef>
#include <optional>
#include <vector>

namespace rein {

/// Of the policies that were played in a world the one that regret and shares are measured against:
/// the best by its mean reward over the world's seeds.
///
/// By the mean, and not for each seed the best: that would be a policy that nobody could have
/// chosen, and the more of them were played, the more of their luck it would be.
struct Measure {
  std::size_t agent = 0;
  double above_oracle = 0.0;  ///< Its mean reward less the oracle's; 0 if it is the oracle.
  /// Two standard errors of that mean's, over the seeds in pairs; empty with one seed.
  std::optional<double> noise;
};

/// @param rewards  [agents x seeds]: the mean of a period's; empty where the episode was not
/// played. Only who was played with every seed that the oracle was played with can be the measure.
/// Of equals it is the oracle, then the first.
Measure find_measure(const std::vector<std::vector<std::optional<double>>>& rewards,
                     std::size_t oracle);

}  // namespace rein
