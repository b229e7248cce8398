#include "agent/model_based/arrival_gaps.hpp"

#include <algorithm>
#include <cmath>

#include "common/index.hpp"

namespace rein {

namespace {

/// So many requests is what is known beforehand worth.
constexpr double kTold = 60.0;
constexpr double kGuessed = 10.0;
/// Of arrivals that nothing is known of but that they are not regular: one in so many gaps is long.
constexpr double kLongShare = 0.2;
constexpr double kLongGap = 3.0;

}  // namespace

ArrivalGaps::ArrivalGaps(RequestSpec::Arrival kind) {
  // Of an exponential distribution, in parts of the same size.
  const auto add_exponential = [this](double mean, double weight) {
    constexpr int kParts = 200;
    for (int i = 0; i < kParts; ++i) {
      add(-mean * std::log1p(-(i + 0.5) / kParts), weight / kParts);
    }
  };
  switch (kind) {
    case RequestSpec::Arrival::kPeriodic:
    case RequestSpec::Arrival::kClosedLoop:
      add(1.0, kTold);
      break;
    case RequestSpec::Arrival::kPoisson:
      add_exponential(1.0, kTold);
      break;
    case RequestSpec::Arrival::kRecorded:
      add_exponential(kLongGap, kGuessed * kLongShare);
      add_exponential((1.0 - kLongShare * kLongGap) / (1.0 - kLongShare),
                      kGuessed * (1.0 - kLongShare));
      break;
  }
}

void ArrivalGaps::add(double ratio) {
  if (total_ > kMemory) {
    // Instead of making older ones lighter each time, now and then.
    constexpr double kKept = 0.9;
    std::ranges::for_each(weights_, [](double& each) { each *= kKept; });
    std::ranges::for_each(sums_, [](double& each) { each *= kKept; });
    total_ *= kKept;
  }
  add(ratio, 1.0);
}

void ArrivalGaps::add(double ratio, double weight) {
  constexpr double kMost = 1e6;
  const double value = ratio > 0.0 ? std::min(ratio, kMost) : 0.0;
  const double place = value > 0.0 ? (std::log(value) - kLowest) / kWidth + 1.0 : 0.0;
  const std::size_t bin = index_at(place, kBins - 1);
  weights_[bin] += weight;
  sums_[bin] += weight * value;
  total_ += weight;
}

void ArrivalGaps::points(std::vector<Share>& points) const {
  constexpr double kNone = 1e-4;
  points.clear();
  double left = 0.0;
  for (std::size_t i = 0; i < kBins; ++i) {
    if (weights_[i] > kNone * total_) {
      points.push_back({sums_[i] / weights_[i], weights_[i] / total_});
      left += weights_[i] / total_;
    }
  }
  for (Share& each : points) {
    each.share /= left;
  }
}

double ArrivalGaps::variation() const {
  std::vector<Share> all;
  points(all);
  double mean = 0.0;
  double square = 0.0;
  for (const Share& each : all) {
    mean += each.share * each.value;
    square += each.share * each.value * each.value;
  }
  return mean > 0.0 ? std::sqrt(std::max(0.0, square - mean * mean)) / mean : 0.0;
}

void ArrivalGaps::archive(Archive& archive) {
  archive.numbers("weights", std::span<double>(weights_));
  archive.numbers("sums", std::span<double>(sums_));
  if (archive.is_reading()) {
    total_ = 0.0;
    for (const double weight : weights_) {
      total_ += weight;
    }
  }
}

}  // namespace rein
