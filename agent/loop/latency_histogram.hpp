#pragma once

#include <cstdint>
#include <vector>

namespace rein {

/// Quantiles of any number of latencies in memory that does not grow: bins of 1 % width from a
/// microsecond to about 20 minutes (what is outside counts in the first or last bin).
class LatencyHistogram {
 public:
  LatencyHistogram();
  void add(double latency_ms);
  /// As if all that `other` holds had been added.
  void add(const LatencyHistogram& other);
  std::uint64_t count() const { return count_; }
  /// Within 1 % of the exact quantile (quantile_rank()); the largest is exact. 0 if there is none.
  /// @pre share in (0, 1].
  double quantile_ms(double share) const;

 private:
  std::vector<std::uint64_t> bins_;
  std::uint64_t count_ = 0;
  double largest_ms_ = 0.0;
};

}  // namespace rein
