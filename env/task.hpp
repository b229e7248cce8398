#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "common/config_node.hpp"
#include "env/budgets.hpp"
#include "env/request_spec.hpp"

namespace rein {

/// What is maximised or minimised inside the budgets.
struct Objective {
  enum class Kind { kMaxAccuracy, kMinEnergy, kMinPower, kMinLatency };
  Kind kind = Kind::kMaxAccuracy;
  /// The power [W] or energy of a request [mJ] that earns nothing; twice as much earns nothing too.
  /// Needed for kMinPower and kMinEnergy.
  double reference = 0.0;
  PowerSignal signal = PowerSignal::kMachine;  ///< Whose power or energy.

  /// Either a name (`max_accuracy`, `min_latency`) or a mapping
  /// (`{kind: min_power, reference_w: 10}`, `{kind: min_energy, reference_mj: 200}`).
  static Objective from_yaml(const ConfigNode& node);
  /// On one line, what from_yaml() reads to the same.
  std::string to_yaml() const;
  std::string name() const;
  /// Whether power is what it is about.
  bool asks_for_power() const { return kind == Kind::kMinEnergy || kind == Kind::kMinPower; }

  bool operator==(const Objective&) const = default;
};

/// What one unit of each budget's violation costs, in units of the objective (which is in [0, 1]).
struct Prices {
  /// 10 for latency, and 4 for all others.
  Prices();

  double& operator[](BudgetId::Kind kind) { return of[static_cast<std::size_t>(kind)]; }
  double operator[](BudgetId::Kind kind) const { return of[static_cast<std::size_t>(kind)]; }

  std::array<double, kNumBudgets> of{};  ///< [BudgetId::Kind]

  static Prices from_yaml(const ConfigNode& node);
  std::string to_yaml() const;

  bool operator==(const Prices&) const = default;
};

/// What is asked for of one application.
struct ApplicationTask : ApplicationBudgets {
  std::string name;
  RequestSpec::Arrival arrival = RequestSpec::Arrival::kPeriodic;
  /// Of the requests that arrive; above 0. In a closed loop as they were served lately, and empty
  /// before the first one was.
  std::optional<double> rate_hz;
};

/// What is asked for in one period, in its own units: every budget in force, with its limit, its
/// window and the signal that judges it. Agents, shield and oracle get it as it is.
struct Task : MachineBudgets {
  Objective objective;
  Prices prices;
  std::vector<ApplicationTask> applications;
  /// What a battery leaves for each second of the rest of its horizon: what counts of an energy
  /// budget with `total_j`. 0: it is empty.
  std::optional<double> battery_allowance_w;

  /// Those of `budgets` are in force from now on, in place of all others.
  void set(const Budgets& budgets);
};

}  // namespace rein
