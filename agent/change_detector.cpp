#include "agent/change_detector.hpp"

#include <algorithm>

namespace rein {

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

}  // namespace rein
