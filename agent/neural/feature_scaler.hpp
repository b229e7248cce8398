#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "common/archive.hpp"
#include "env/observation_spec.hpp"

namespace rein {

/// Shifts and scales features to a mean of 0 and a deviation of 1 over all that was seen (Welford
/// 1962): a deadline that moves from 0.44 to 0.5 of its range else hardly moves a network's
/// outputs. Features that hardly changed are scaled less, so that they can be surprised. Begins as
/// if it had seen ten that are spread over [0, 1].
class FeatureScaler {
 public:
  explicit FeatureScaler(std::size_t features);

  void add(const Observation& observation);
  /// Writes [features] floats.
  void scale(const Observation& observation, float* scaled) const;
  /// The same in place, of one observation after another.
  void scale(std::span<float> observations) const;

  void archive(Archive& archive);

 private:
  void set_factors();

  double count_;
  std::vector<double> means_;
  std::vector<double> squares_;  ///< Sums of squared differences from the mean.
  std::vector<float> factors_, shifts_;
};

}  // namespace rein
