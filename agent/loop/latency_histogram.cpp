#include "agent/loop/latency_histogram.hpp"

#include <algorithm>
#include <cmath>

#include "common/index.hpp"
#include "common/statistics.hpp"

namespace rein {

namespace {
const double kLogStep = std::log(1.01);
constexpr std::size_t kBinsBelowMicrosecond = 695;           // A factor of about 1000.
constexpr std::size_t kBins = kBinsBelowMicrosecond + 2100;  // 1.01^2100 x 1 us: about 20 minutes.
constexpr double kMicrosecondMs = 1e-3;
constexpr double kLeastMs = 1e-6;
}  // namespace

std::uint64_t& LatencyHistogram::bin(std::size_t index) {
  if (bins_.empty()) {
    first_ = index;
  }
  if (index < first_) {
    bins_.insert(bins_.begin(), first_ - index, 0);
    first_ = index;
  } else if (index - first_ >= bins_.size()) {
    bins_.resize(index - first_ + 1, 0);
  }
  return bins_[index - first_];
}

void LatencyHistogram::add(double latency_ms) {
  const double position = std::log(std::max(latency_ms, kLeastMs) / kMicrosecondMs) / kLogStep +
                          static_cast<double>(kBinsBelowMicrosecond);
  ++bin(index_at(position, kBins - 1));
  ++count_;
  largest_ms_ = std::max(largest_ms_, latency_ms);
}

void LatencyHistogram::add(const LatencyHistogram& other) {
  for (std::size_t i = 0; i < other.bins_.size(); ++i) {
    if (other.bins_[i] > 0) {
      bin(other.first_ + i) += other.bins_[i];
    }
  }
  count_ += other.count_;
  largest_ms_ = std::max(largest_ms_, other.largest_ms_);
}

double LatencyHistogram::quantile_ms(double share) const {
  const std::uint64_t rank = quantile_rank(share, count_);
  if (rank >= count_) {
    return largest_ms_;
  }
  std::uint64_t passed = 0;
  std::size_t i = 0;
  while (passed + bins_[i] < rank) {
    passed += bins_[i++];
  }
  // The middle of the bin.
  const double position =
      static_cast<double>(first_ + i) - static_cast<double>(kBinsBelowMicrosecond) + 0.5;
  return std::min(largest_ms_, kMicrosecondMs * std::exp(position * kLogStep));
}

}  // namespace rein
