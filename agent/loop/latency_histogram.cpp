#include "agent/loop/latency_histogram.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include "common/index.hpp"
#include "common/statistics.hpp"

namespace rein {

namespace {
constexpr double kFirstMs = 1e-3;
constexpr std::size_t kBins = 2100;  // 1.01^2100 x 1 us is about 20 minutes.
const double kLogStep = std::log(1.01);
}  // namespace

LatencyHistogram::LatencyHistogram() : bins_(kBins, 0) {}

void LatencyHistogram::add(double latency_ms) {
  const double position = std::log(std::max(latency_ms, kFirstMs) / kFirstMs) / kLogStep;
  ++bins_[index_at(position, kBins - 1)];
  ++count_;
  largest_ms_ = std::max(largest_ms_, latency_ms);
}

void LatencyHistogram::add(const LatencyHistogram& other) {
  std::ranges::transform(bins_, other.bins_, bins_.begin(), std::plus{});
  count_ += other.count_;
  largest_ms_ = std::max(largest_ms_, other.largest_ms_);
}

double LatencyHistogram::quantile_ms(double share) const {
  const std::uint64_t rank = quantile_rank(share, count_);
  if (rank >= count_) {
    return largest_ms_;
  }
  std::uint64_t passed = 0;
  std::size_t bin = 0;
  while (passed + bins_[bin] < rank) {
    passed += bins_[bin++];
  }
  // The middle of the bin.
  return std::min(largest_ms_, kFirstMs * std::exp((static_cast<double>(bin) + 0.5) * kLogStep));
}

}  // namespace rein
