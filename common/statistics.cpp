#include "common/statistics.hpp"

#include <algorithm>
#include <cmath>

namespace rein {

namespace {

constexpr std::size_t kSamples = 2000;

/// @pre sorted and not empty.
double quantile(const std::vector<double>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], at - static_cast<double>(below));
}

}  // namespace

Quartiles quartiles_of(std::vector<double> values) {
  if (values.empty()) {
    return {};
  }
  std::ranges::sort(values);
  return {.count = values.size(),
          .low = quantile(values, 0.25),
          .median = quantile(values, 0.5),
          .high = quantile(values, 0.75)};
}

MeanInterval bootstrap_mean(const std::vector<std::vector<double>>& groups, Random& random) {
  double count = 0.0;
  double sum = 0.0;
  bool known = false;
  for (const auto& group : groups) {
    known = known || group.size() > 1;
    count += static_cast<double>(group.size());
    for (const double value : group) {
      sum += value;
    }
  }
  MeanInterval result{.mean = sum / count, .low = {}, .high = {}};
  if (!known) {
    return result;
  }
  std::vector<double> means(kSamples);
  for (double& mean : means) {
    for (const auto& group : groups) {
      for (std::size_t i = 0; i < group.size(); ++i) {
        mean += group[random.index(group.size())] / count;
      }
    }
  }
  std::ranges::sort(means);
  result.low = quantile(means, 0.025);
  result.high = quantile(means, 0.975);
  return result;
}

}  // namespace rein
