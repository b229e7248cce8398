#include "study/evaluation/measure.hpp"

#include <cmath>

#include "common/statistics.hpp"

namespace rein {

namespace {

/// The one's less the other's with each seed of the other's; empty if one is missing.
std::vector<double> differences(const std::vector<std::optional<double>>& one,
                                const std::vector<std::optional<double>>& other) {
  std::vector<double> values;
  for (std::size_t seed = 0; seed < other.size(); ++seed) {
    if (other[seed] && !one[seed]) {
      return {};
    }
    if (other[seed]) {
      values.push_back(*one[seed] - *other[seed]);
    }
  }
  return values;
}

}  // namespace

Measure find_measure(const std::vector<std::vector<std::optional<double>>>& rewards,
                     std::size_t oracle) {
  Measure measure{.agent = oracle};
  for (std::size_t agent = 0; agent < rewards.size(); ++agent) {
    const auto above = differences(rewards[agent], rewards[oracle]);
    const MeanAndSpread difference = mean_and_spread(above);
    if (difference.mean.value_or(0.0) > measure.above_oracle) {
      measure = {.agent = agent, .above_oracle = *difference.mean, .noise = std::nullopt};
      if (difference.spread) {
        measure.noise = 2.0 * *difference.spread / std::sqrt(static_cast<double>(above.size()));
      }
    }
  }
  return measure;
}

}  // namespace rein
