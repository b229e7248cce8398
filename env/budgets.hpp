#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/config_node.hpp"

namespace rein {

/// Requests that end later than this after their arrival are late.
struct LatencyBudget {
  double deadline_ms = 0.0;  ///< Above 0.
  double miss_rate = 0.01;   ///< The share of requests that may be late or dropped, 0 to 1.
};

/// A limit on the mean of a power signal.
struct PowerBudget {
  double limit_w = 0.0;            ///< Above 0.
  double window_s = 2.0;           ///< Above 0.
  std::string signal = "power_w";  ///< Or `power_ours_w`: what our own CPU time costs.
};

/// A limit on the energy of one request, or a battery that has to last. Exactly one of the two.
struct EnergyBudget {
  std::optional<double> limit_mj;  ///< Mean per request over the window; above 0.
  double window_s = 2.0;
  std::optional<double> total_j;  ///< What the battery holds; above 0 ...
  double horizon_s = 0.0;         ///< ... and how long it has to last; above 0.
};

/// A floor on the mean top-1 accuracy of what was served.
struct AccuracyBudget {
  double min_top1 = 0.0;  ///< 0 to 1.
  double window_s = 2.0;
};

/// A limit on the hottest zone.
struct TemperatureBudget {
  double limit_c = 0.0;
};

/// The limits in force, any subset. They can change at run time.
struct Budgets {
  std::optional<LatencyBudget> latency;
  std::optional<PowerBudget> power;
  std::optional<EnergyBudget> energy;
  std::optional<AccuracyBudget> accuracy;
  std::optional<TemperatureBudget> temperature;

  /// Takes from `others` those that there are none of here.
  void add_missing(const Budgets& others);

  /// Reads `node` over `base`: keys that it does not have keep the value of `base`.
  /// @throws ConfigError for what is unknown, missing or out of range.
  static Budgets from_yaml(const ConfigNode& node, const Budgets& base = {});
};

}  // namespace rein
