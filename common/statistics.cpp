#include "common/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace rein {

namespace {

constexpr std::size_t kSamples = 2000;

}  // namespace

std::size_t quantile_rank(double share, std::size_t count) {
  return std::max<std::size_t>(
      1, static_cast<std::size_t>(std::ceil(share * static_cast<double>(count))));
}

double quantile(std::vector<double> values, double share) {
  return quantile_in_place(values, share);
}

double quantile_in_place(std::span<double> values, double share) {
  if (values.empty()) {
    return 0.0;
  }
  const std::size_t rank = quantile_rank(share, values.size());
  if (rank == values.size()) {  // As it is for the upper quantiles of few values.
    return *std::ranges::max_element(values);
  }
  const auto nth = values.begin() + static_cast<std::ptrdiff_t>(rank - 1);
  std::ranges::nth_element(values, nth);
  return *nth;
}

double mean(const std::vector<double>& values) {
  return values.empty() ? 0.0
                        : std::accumulate(values.begin(), values.end(), 0.0) /
                              static_cast<double>(values.size());
}

MeanAndSpread mean_and_spread(const std::vector<double>& values) {
  if (values.empty()) {
    return {};
  }
  const double middle = mean(values);
  double squares = 0.0;
  for (const double value : values) {
    squares += (value - middle) * (value - middle);
  }
  return {.mean = middle,
          .spread = values.size() > 1
                        ? std::optional(std::sqrt(squares / static_cast<double>(values.size() - 1)))
                        : std::nullopt};
}

Quartiles quartiles_of(std::vector<double> values) {
  return {.count = values.size(),
          .low = quantile_in_place(values, 0.25),
          .median = quantile_in_place(values, 0.5),
          .high = quantile_in_place(values, 0.75)};
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
  result.low = quantile_in_place(means, 0.025);
  result.high = quantile_in_place(means, 0.975);
  return result;
}

}  // namespace rein
