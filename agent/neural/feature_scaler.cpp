#include "agent/neural/feature_scaler.hpp"

#include <algorithm>
#include <cmath>

namespace rein {

namespace {

constexpr double kPriorCount = 10.0;
constexpr double kPriorMean = 0.5;
constexpr double kPriorVariance = 0.25;
/// Features are in [0, 1] or [-1, 1]: none gets beyond +-20.
constexpr double kLeastDeviation = 0.1;

}  // namespace

FeatureScaler::FeatureScaler(std::size_t features)
    : count_(kPriorCount),
      means_(features, kPriorMean),
      squares_(features, kPriorCount * kPriorVariance),
      factors_(features),
      shifts_(features) {
  set_factors();
}

void FeatureScaler::add(const Observation& observation) {
  count_ += 1.0;
  for (std::size_t i = 0; i < means_.size(); ++i) {
    const double difference = observation[i] - means_[i];
    means_[i] += difference / count_;
    squares_[i] += difference * (observation[i] - means_[i]);
  }
  set_factors();
}

void FeatureScaler::set_factors() {
  for (std::size_t i = 0; i < means_.size(); ++i) {
    const double factor = 1.0 / std::max(std::sqrt(squares_[i] / count_), kLeastDeviation);
    factors_[i] = static_cast<float>(factor);
    shifts_[i] = static_cast<float>(-means_[i] * factor);
  }
}

void FeatureScaler::scale(const Observation& observation, float* scaled) const {
  for (std::size_t i = 0; i < factors_.size(); ++i) {
    scaled[i] = static_cast<float>(observation[i]) * factors_[i] + shifts_[i];
  }
}

void FeatureScaler::scale(std::span<float> observations) const {
  for (; !observations.empty(); observations = observations.subspan(factors_.size())) {
    for (std::size_t i = 0; i < factors_.size(); ++i) {
      observations[i] = observations[i] * factors_[i] + shifts_[i];
    }
  }
}

void FeatureScaler::archive(Archive& archive) {
  archive.number("count", count_, {.min = kPriorCount});
  archive.numbers("means", means_, means_.size());
  archive.numbers("squares", squares_, squares_.size(), Range::count());
  if (archive.is_reading()) {
    set_factors();
  }
}

}  // namespace rein
