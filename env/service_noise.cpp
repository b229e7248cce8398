#include "env/service_noise.hpp"

#include <cmath>

namespace rein {

namespace {

/// With less than this the generalised Pareto distribution is taken as its limit, an exponential.
constexpr double kSmallestShape = 1e-6;

/// The probability that Random::bell() gives more than `value`: that the sum of four variables that
/// are uniform in [0, 1] exceeds 2 + value / sqrt(3) (Irwin 1927, Hall 1927).
double bell_exceedance(double value) {
  const double distance = std::abs(value) / std::sqrt(3.0);
  double beyond = 0.0;
  if (distance < 1.0) {
    const double sum = 2.0 - distance;
    beyond = (std::pow(sum, 4) - 4.0 * std::pow(sum - 1.0, 4)) / 24.0;
  } else if (distance < 2.0) {
    beyond = std::pow(2.0 - distance, 4) / 24.0;
  }
  return value >= 0.0 ? beyond : 1.0 - beyond;
}

}  // namespace

ServiceNoise::ServiceNoise(const LatencyNoise& noise) : noise_(noise) {
  // So that the chain of requests is in the tail for tail_share of the time.
  chance_of_tail_ = noise.tail_share * (1.0 - noise.tail_persistence) / (1.0 - noise.tail_share);
}

void ServiceNoise::reset(Random& random) {
  is_in_tail_ = noise_.tail_share > 0.0 && random.uniform() < noise_.tail_share;
}

double ServiceNoise::draw(Random& random) {
  if (noise_.tail_share > 0.0) {
    is_in_tail_ = random.uniform() < (is_in_tail_ ? noise_.tail_persistence : chance_of_tail_);
    if (is_in_tail_) {
      const double excess = random.exponential(1.0);
      return 1.0 +
             noise_.tail_scale * (std::abs(noise_.tail_shape) < kSmallestShape
                                      ? excess
                                      : std::expm1(noise_.tail_shape * excess) / noise_.tail_shape);
    }
  }
  return noise_.sigma > 0.0 ? 1.0 + noise_.sigma * random.bell() : 1.0;
}

double ServiceNoise::mean() const {
  return 1.0 + noise_.tail_share * noise_.tail_scale / (1.0 - noise_.tail_shape);
}

double ServiceNoise::exceedance(double factor) const {
  const double excess = factor - 1.0;
  double usual = excess < 0.0 ? 1.0 : 0.0;
  if (noise_.sigma > 0.0) {
    usual = bell_exceedance(excess / noise_.sigma);
  }
  return noise_.tail_share > 0.0 ? usual + noise_.tail_share * (tail_exceedance(factor) - usual)
                                 : usual;
}

double ServiceNoise::tail_exceedance(double factor) const {
  const double excess = factor - 1.0;
  if (excess < 0.0 || noise_.tail_scale <= 0.0) {
    return excess < 0.0 ? 1.0 : 0.0;
  }
  const double scaled = excess / noise_.tail_scale;
  if (std::abs(noise_.tail_shape) < kSmallestShape) {
    return std::exp(-scaled);
  }
  const double base = 1.0 + noise_.tail_shape * scaled;
  return base > 0.0 ? std::pow(base, -1.0 / noise_.tail_shape) : 0.0;
}

}  // namespace rein
