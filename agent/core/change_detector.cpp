#include "agent/core/change_detector.hpp"

#include <algorithm>

namespace rein {

ChangeDetector::Options ChangeDetector::Options::from_yaml(const ConfigNode& node) {
  Options options;
  options.tolerance = node.number_or("tolerance", options.tolerance, Range::share());
  options.threshold = node.number_or("threshold", options.threshold, Range::positive());
  node.reject_unknown();
  return options;
}

bool ChangeDetector::add(double value) {
  ++state_.count;
  const double rate = std::max(options_.mean_rate, 1.0 / static_cast<double>(state_.count));
  state_.mean += rate * (value - state_.mean);
  state_.sum = std::max(0.0, state_.sum + value - state_.mean - options_.tolerance);
  if (state_.sum <= options_.threshold) {
    return false;
  }
  state_ = {};
  return true;
}

void ChangeDetector::archive(Archive& archive) {
  archive.count("count", state_.count);
  archive.number("mean", state_.mean);
  archive.number("sum", state_.sum, Range::non_negative());
}

}  // namespace rein
