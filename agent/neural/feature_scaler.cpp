#include "agent/neural/feature_scaler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

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

nlohmann::ordered_json FeatureScaler::save() const {
  return {{"count", count_}, {"means", means_}, {"squares", squares_}};
}

void FeatureScaler::load(const ConfigNode& node) {
  FeatureScaler loaded = *this;
  loaded.count_ = node.at("count").number({.min = kPriorCount});
  const auto read = [&](const char* key, const Range& range) {
    auto numbers = node.at(key).numbers(range);
    if (numbers.size() != means_.size()) {
      node.at(key).reject(fmt::format("expected {} numbers, one for each feature, found {}",
                                      means_.size(), numbers.size()));
    }
    return numbers;
  };
  loaded.means_ = read("means", {});
  loaded.squares_ = read("squares", Range::count());
  node.reject_unknown();
  loaded.set_factors();
  *this = std::move(loaded);
}

}  // namespace rein
