#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "env/environment.hpp"

namespace rein {

/// What others would use of a CPU if we left it to them, in [0, 1], and how much an error of their
/// share is magnified in it.
struct Demand {
  double share = 0.0;
  double sensitivity = 1.0;  ///< From 1 to 4.
};

/// Demand of others by what they and we had of a CPU, in [0, 1] each. With a demand of x and fair
/// sharing they have x while we do not run, and x / (1 + x) while we do: that is x - ours x^2.
inline Demand demand_of_others(double others, double ours) {
  constexpr double kLittle = 1e-3;
  constexpr double kLeast = 0.25;
  if (ours < kLittle) {
    return {std::clamp(others, 0.0, 1.0), 1.0};
  }
  const double root = std::sqrt(std::max(0.0, 1.0 - 4.0 * ours * others));
  return {std::clamp((1.0 - root) / (2.0 * ours), 0.0, 1.0), 1.0 / std::clamp(root, kLeast, 1.0)};
}

/// The signals of one CPU: others' share of it, and ours if it is measured.
struct CpuShares {
  int cpu = -1;  ///< Its number; -1 if the name does not say.
  std::size_t others = 0;
  std::optional<std::size_t> ours;
};

/// "cpu_others_share.cpu3": 3.
inline int cpu_of(std::string_view signal) {
  const std::size_t digits = signal.find_last_not_of("0123456789") + 1;
  int cpu = -1;
  std::from_chars(signal.data() + digits, signal.data() + signal.size(), cpu);
  return cpu;
}

/// Of each CPU, in the order of the signals.
inline std::vector<CpuShares> find_cpu_shares(const std::vector<SignalDescription>& signals) {
  const std::string others = "cpu_others_share";
  std::vector<CpuShares> result;
  for (std::size_t i = 0; i < signals.size(); ++i) {
    if (signals[i].name.starts_with(others)) {
      const std::string ours = "cpu_ours_share" + signals[i].name.substr(others.size());
      result.push_back({cpu_of(signals[i].name), i, find_signal(signals, ours)});
    }
  }
  return result;
}

}  // namespace rein
