#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rein {

/// Quantiles of any number of latencies in memory that does not grow with it: bins of 1 % width
/// from a nanosecond to about 20 minutes (what is outside counts in the first or last bin), of
/// which those are kept that lie between the least and the greatest latency.
class LatencyHistogram {
 public:
  void add(double latency_ms);
  /// As if all that `other` holds had been added.
  void add(const LatencyHistogram& other);
  std::uint64_t count() const { return count_; }
  /// Within 1 % of the exact quantile (quantile_rank()); the largest is exact. 0 if there is none.
  /// @pre share in (0, 1].
  double quantile_ms(double share) const;
  /// What it takes [bytes].
  std::size_t memory() const { return bins_.capacity() * sizeof(std::uint64_t); }

 private:
  /// The count of a bin, of all that there can be.
  std::uint64_t& bin(std::size_t index);

  std::vector<std::uint64_t> bins_;
  std::size_t first_ = 0;  ///< Index of the first of bins_ among all.
  std::uint64_t count_ = 0;
  double largest_ms_ = 0.0;
};

}  // namespace rein
