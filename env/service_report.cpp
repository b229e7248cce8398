#include "env/service_report.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace rein {

void ServiceReport::clear() {
  arrived = served = late = dropped = queued = images = correct = 0;
  latencies_ms.clear();
  services_ms.clear();
  misses.clear();
  accuracy_sum = 0.0;
  busy_ms = waited_ms = 0.0;
}

double quantile(std::vector<double> values, double share) {
  return quantile_in_place(values, share);
}

double quantile_in_place(std::span<double> values, double share) {
  if (values.empty()) {
    return 0.0;
  }
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(values.size())));
  if (rank == values.size()) {  // As it is for the upper quantiles of few values.
    return *std::ranges::max_element(values);
  }
  const auto nth = values.begin() + static_cast<std::ptrdiff_t>(std::max<std::size_t>(rank, 1) - 1);
  std::ranges::nth_element(values, nth);
  return *nth;
}

double mean(const std::vector<double>& values) {
  return values.empty() ? 0.0
                        : std::accumulate(values.begin(), values.end(), 0.0) /
                              static_cast<double>(values.size());
}

}  // namespace rein
