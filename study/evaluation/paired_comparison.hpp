#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "common/random.hpp"
#include "common/statistics.hpp"
#include "study/evaluation/episode_figures.hpp"

namespace rein {

/// Figures of compare() of two agents in one world: an episode of each for every seed; no figures
/// where an episode is missing.
struct PairedEpisodes {
  std::vector<Figures> own;
  std::vector<Figures> other;
};

/// In how many worlds which of two agents is better.
struct Standing {
  std::size_t ahead = 0;
  std::size_t behind = 0;
};

/// One agent beside another over the same worlds and seeds.
struct PairedComparison {
  std::size_t episodes = 0;  ///< That both played.
  std::size_t worlds = 0;    ///< In which there were such.
  // The one's less the other's; 0 without episodes.
  MeanInterval objective_share;
  MeanInterval violation;
  MeanInterval regret;
  Standing by_regret;  ///< The lower mean regret is ahead.
  /// The lower mean violation is ahead; of violations at most half a point (0.005) apart the better
  /// mean objective.
  Standing by_budgets_and_objective;
};

/// What differs between worlds is no chance to the intervals: bootstrap_mean() with the worlds as
/// groups.
PairedComparison compare_pairs(const std::vector<PairedEpisodes>& worlds, Random& random);

}  // namespace rein
