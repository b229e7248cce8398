#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "agent/model_based/shares.hpp"
#include "common/archive.hpp"
#include "env/request_spec.hpp"

namespace rein {

/// How long it is from one arrival to the next, over the mean that the task's rate says: a
/// histogram of what was seen lately, in which older ones count less and less. So it tells periodic
/// arrivals from those that come by chance, and these from bursts, whatever they were called.
class ArrivalGaps {
 public:
  /// Starts as the kind of arrivals says, as if it had seen some.
  explicit ArrivalGaps(RequestSpec::Arrival kind = RequestSpec::Arrival::kPeriodic);

  /// @param ratio  of a gap to the mean; what is below 0 or no number counts as 0.
  void add(double ratio);
  /// The mean of each part of the histogram, and its share: ascending, only those that were seen.
  void points(std::vector<Share>& points) const;
  /// Standard deviation over the mean: 0 of periodic ones, 1 of a Poisson process.
  double variation() const;

  void archive(Archive& archive);

 private:
  static constexpr double kLowest = -4.2;  ///< log of the ratio at the first bin's upper edge.
  static constexpr double kWidth = 0.35;
  static constexpr std::size_t kBins = 24;
  static constexpr double kMemory = 400.0;  ///< Requests that count.

  void add(double ratio, double weight);

  std::array<double, kBins> weights_{};
  std::array<double, kBins> sums_{};  ///< Of the ratios.
  double total_ = 0.0;
};

}  // namespace rein
