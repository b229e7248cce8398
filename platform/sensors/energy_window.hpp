#pragma once

#include <optional>
#include <vector>

#include "common/clock.hpp"

namespace rein {

/// Mean power by a counter of energy that moves every so often, and nobody says how often: every 10
/// to 100 ms, of the cards that are known. Over so long, one move more or less is a small part; who
/// samples less often than that gets the mean since the sample before.
class EnergyWindow {
 public:
  static constexpr Duration kLength = std::chrono::milliseconds(500);

  /// Takes in what the counter shows, in J. A clock that went backwards begins anew.
  /// @return W; nothing before the counter has been watched for so long.
  std::optional<double> mean_w(TimePoint now, double energy_j);
  /// Forgets what was shown.
  void restart() { points_.clear(); }

 private:
  struct Point {
    TimePoint at;
    double j;
  };
  std::vector<Point> points_;  ///< Ascending; at most some fifty.
};

}  // namespace rein
