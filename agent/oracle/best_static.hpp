#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "agent/core/power_reader.hpp"
#include "env/environment.hpp"
#include "env/worth.hpp"

namespace rein {

/// What one configuration came to that was kept for a whole episode.
struct StaticScore {
  ActionId action = 0;
  double violation = 0.0;           ///< BudgetTally::worst_rate().
  std::optional<double> objective;  ///< As Statistics::objective().
  std::optional<double> power_w;    ///< Mean.
};

/// Finds the configuration that would have been best for an episode had it been kept all the time,
/// by playing the episode with each.
///
/// The best has the best objective of those whose violation is at most a tenth of a percent above
/// the least violation; of equals it is the one that draws the least power.
class StaticSearch {
 public:
  /// `environment` must outlive this. The search ends early when `stop` says so.
  StaticSearch(
      Environment& environment, const Objective& objective,
      std::function<bool()> stop = [] { return false; });

  /// Actions that were played to the end, the best first: not all, since one that can no longer be
  /// the best is given up. Never empty, unless stopped.
  std::vector<StaticScore> run(std::uint64_t seed);

 private:
  /// All actions. What looks best at the beginning of the episode comes first, so that most of the
  /// others can soon be given up.
  std::vector<ActionId> order(std::uint64_t seed);
  /// Plays at most `periods`. Empty if the action was given up.
  std::optional<StaticScore> play(ActionId action, std::uint64_t seed, std::uint64_t periods);
  double bound_of(ActionId action) const;
  bool earns_less_than_the_best(ActionId action) const;
  void sort(std::vector<StaticScore>& scores) const;

  Environment& environment_;
  Objective objective_;
  std::function<bool()> stop_;
  PowerReader power_;
  std::vector<StaticScore> played_;  ///< To the end, the best first.
  double periods_ = 0.0;             ///< Of an episode; 0 while none was played.
  double requests_ = 0.0;            ///< The most that an episode had.
};

}  // namespace rein
