#pragma once

#include <cstddef>
#include <span>

#include "common/config_node.hpp"

namespace rein {

/// What tunes the planner of `model_based`: how it judges, what it takes measurements for, and what
/// it forgets. planner_table() has unit, range, default and meaning of each.
struct PlannerOptions {
  PlannerOptions();  ///< All at their defaults.

  // What an action promises.
  double least_spread;
  double broken_price;
  double haste;
  double change_periods;
  double empty_battery;
  // How near to a limit it goes: dual ascent.
  double miss_step;
  double miss_margin;
  double miss_margin_least;
  double miss_margin_most;
  double power_step;
  double power_rate;
  double power_margin_least;
  double power_margin_most;
  double heat_step;
  double heat_margin_least;
  double heat_margin_most;
  double presence_rate;
  double settled_periods;
  double stretch_step;
  double stretch_most;
  double stretch_kept;
  // What measurements come from.
  double change_chance;
  double return_chance;
  double outlier_chance;
  double outlier_spread;
  double another_outlier;
  double mistaken_chance;
  double mistaken_spread;
  double surprise;
  // How sure measurements are, as standard deviations.
  double service_noise;
  double profile_spread;
  double power_noise;
  double hint_noise;
  double least_power;
  double new_service_noise;
  double new_power_noise;
  // What is kept, and forgotten.
  double drift;
  double known_conditions;
  double known_after_periods;
  double spread_kept;
  double spread_requests;
  double spread_first_requests;
  double spread_first;
  double spread_usual;
  double change_memory;
  double ceiling_periods;
  double ceiling_same;
  // Conditions that change so often that nobody can follow.
  double restless_share;
  double calm_share;
  double restless_rate;
  double restless_service_noise;
  double restless_power_noise;
  double restless_hint_noise;
  // Requests that wait.
  double worth_hurrying;
  double starved_share;

  /// @throws ConfigError for what is unknown, out of range, or contradicts another.
  static PlannerOptions from_yaml(const ConfigNode& node);
};

struct PlannerOption {
  const char* name;  ///< Under `planner:` in the run file.
  const char* unit;  ///< "log": of the logarithm; "objective": what the objective is worth in all.
  double standard;   ///< The default.
  Range range;
  bool is_whole;  ///< A number of things.
  double PlannerOptions::*value;
  const char* meaning;
};

/// Every option there is, in the order of the documentation.
std::span<const PlannerOption> planner_table();

}  // namespace rein
