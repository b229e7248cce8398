#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "common/config_node.hpp"

namespace rein {

/// The signal that says whose power is meant.
enum class PowerSignal { kMachine, kOurs };
constexpr std::size_t kNumPowerSignals = 2;
/// [PowerSignal]: `power_w`, of the whole machine; `power_ours_w`, what our own CPU time costs.
constexpr std::array<std::string_view, kNumPowerSignals> kPowerSignals = {"power_w",
                                                                          "power_ours_w"};
constexpr std::string_view name_of(PowerSignal signal) {
  return kPowerSignals[static_cast<std::size_t>(signal)];
}
/// The key `signal`. @throws ConfigError for a name that is none of them.
PowerSignal read_power_signal(const ConfigNode& node, PowerSignal fallback);

/// Which of the budgets in force.
struct BudgetId {
  enum class Kind { kLatency, kAccuracy, kPower, kEnergy, kTemperature };
  Kind kind = Kind::kLatency;
  std::size_t application = 0;  ///< Whose latency or accuracy; 0 for what is the machine's.

  bool operator==(const BudgetId&) const = default;
};
/// [BudgetId::Kind]: the keys in files, and what terms and features are called.
constexpr std::array kBudgetNames = {"latency", "accuracy", "power", "energy", "temperature"};
constexpr std::size_t kNumBudgets = kBudgetNames.size();

/// Requests that end later than this after their arrival are late.
struct LatencyBudget {
  double deadline_ms = 0.0;  ///< Above 0.
  double miss_rate = 0.01;   ///< The share of requests that may be late or dropped, 0 to 1.
};

/// A limit on the mean of a power signal.
struct PowerBudget {
  double limit_w = 0.0;   ///< Above 0.
  double window_s = 2.0;  ///< Above 0.
  PowerSignal signal = PowerSignal::kMachine;
};

/// A limit on the energy of one request, or a battery that has to last. Exactly one of the two.
struct EnergyBudget {
  std::optional<double> limit_mj;  ///< Mean per request over the window; above 0.
  double window_s = 2.0;
  std::optional<double> total_j;  ///< What the battery holds; above 0 ...
  double horizon_s = 0.0;         ///< ... and how long it has to last; above 0.
  PowerSignal signal = PowerSignal::kMachine;
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

/// Those that each application has of its own.
struct ApplicationBudgets {
  std::optional<LatencyBudget> latency;
  std::optional<AccuracyBudget> accuracy;
};

/// Those of the machine.
struct MachineBudgets {
  std::optional<PowerBudget> power;
  std::optional<EnergyBudget> energy;
  std::optional<TemperatureBudget> temperature;
};

/// The limits in force, any subset. They can change at run time.
struct Budgets : ApplicationBudgets, MachineBudgets {
  /// Takes from `others` those that there are none of here.
  void add_missing(const Budgets& others);

  /// Reads `node` over `base`: keys that it does not have keep the value of `base`.
  /// @throws ConfigError for what is unknown, missing or out of range.
  static Budgets from_yaml(const ConfigNode& node, const Budgets& base = {});
};

}  // namespace rein
