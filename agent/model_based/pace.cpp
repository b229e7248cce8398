#include "agent/model_based/pace.hpp"

#include <algorithm>
#include <cmath>

namespace rein {

namespace {

/// What is lately, and how long a block is.
constexpr double kLatelyS = 1.0;
constexpr double kLeast = 0.05;
/// Standard deviations beyond which a variance is more than chance.
constexpr double kSure = 2.0;

}  // namespace

void Pace::note(double arrived, double expected, double interval_s) {
  const double kept = std::exp(-interval_s / kLatelyS);
  lately_ = kept * lately_ + arrived;
  lately_expected_ = kept * lately_expected_ + expected;
  arrived_ += arrived;
  expected_ += expected;
  time_s_ += interval_s;
  if (time_s_ >= kLatelyS && expected_ > 0.0) {
    const double difference = arrived_ - expected_;
    squares_ += difference * difference / expected_;
    chance_ += 1.0;
    arrived_ = expected_ = time_s_ = 0.0;
  }
}

double Pace::factor() const {
  if (!(lately_expected_ > 0.0)) {
    return 1.0;
  }
  // Variance of counts over their mean: 1 by chance, give or take.
  const double beyond = std::max(0.0, squares_ / chance_ - 1.0 - kSure * std::sqrt(2.0 / chance_));
  const double credible = beyond / (1.0 + beyond);
  return std::max(kLeast, 1.0 + credible * (lately_ / lately_expected_ - 1.0));
}

}  // namespace rein
