#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace rein {

/// What an agent sees: a value for each feature of the ObservationSpec, in its order.
using Observation = std::vector<double>;

/// One normalised number of an observation.
struct Feature {
  std::string name;
  std::string unit;      ///< Of the number before it was normalised.
  double min = 0.0;      ///< The least that it can be, after normalisation.
  double max = 1.0;      ///< The most.
  double neutral = 0.0;  ///< Stands in while there is no valid reading.
  std::string source;    ///< What it is made from, and how it is normalised.
};

/// Names, units and ranges of an observation. docs/observation.md has the list.
class ObservationSpec {
 public:
  explicit ObservationSpec(std::vector<Feature> features) : features_(std::move(features)) {}

  const std::vector<Feature>& features() const { return features_; }
  std::size_t size() const { return features_.size(); }

 private:
  std::vector<Feature> features_;
};

}  // namespace rein
