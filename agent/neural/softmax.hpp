#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

#include "common/random.hpp"

namespace rein {

/// Writes the chances of actions with these preferences: proportional to e^(preference /
/// temperature) (Sutton & Barto 2018, eq. 2.11). @param chances  [preferences.size()]
inline void softmax(std::span<const float> preferences, float temperature, float* chances) {
  const float highest = *std::ranges::max_element(preferences);
  const float scale = 1.0F / temperature;
  float sum = 0.0F;
  for (std::size_t i = 0; i < preferences.size(); ++i) {
    chances[i] = std::exp((preferences[i] - highest) * scale);
    sum += chances[i];
  }
  const float share = 1.0F / sum;
  for (std::size_t i = 0; i < preferences.size(); ++i) {
    chances[i] *= share;
  }
}

/// One of them, by chance in proportion to its weight; none of weight 0. @param sum  of the
/// weights, within rounding; above 0.
template <typename Number>
std::size_t draw(std::span<const Number> weights, double sum, Random& random) {
  double left = random.uniform() * sum;
  std::size_t drawn = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] > 0) {
      drawn = i;
      if (left < weights[i]) {
        break;
      }
      left -= weights[i];
    }
  }
  return drawn;
}

}  // namespace rein
