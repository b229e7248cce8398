#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "common/config_node.hpp"
#include "env/budgets.hpp"
#include "env/service_report.hpp"

namespace rein {

/// What is maximised or minimised inside the budgets.
struct Objective {
  enum class Kind { kMaxAccuracy, kMinEnergy, kMinPower, kMinLatency };
  Kind kind = Kind::kMaxAccuracy;
  /// The power [W] or energy of a request [mJ] that earns nothing; twice as much earns nothing too.
  /// Needed for kMinPower and kMinEnergy.
  double reference = 0.0;

  /// Either a name (`max_accuracy`, `min_latency`) or a mapping
  /// (`{kind: min_power, reference_w: 10}`, `{kind: min_energy, reference_mj: 200}`).
  static Objective from_yaml(const ConfigNode& node);
  std::string name() const;
};

/// What one unit of each budget's violation costs, in units of the objective (which is in [0, 1]).
struct Prices {
  double latency = 10.0;
  double power = 4.0;
  double energy = 4.0;
  double accuracy = 4.0;
  double temperature = 4.0;

  static Prices from_yaml(const ConfigNode& node);
};

/// What happened to one application in one period, as far as budgets and objective ask.
struct ApplicationFacts {
  std::string name;
  Budgets budgets;  ///< Those of latency and accuracy that hold for it now.
  // Of requests; in a forecast these are expected values.
  double served = 0.0;
  double missed = 0.0;            ///< Late (served, but after the deadline) or dropped.
  double requests = 0.0;          ///< Served or dropped.
  double accuracy_top1 = 0.0;     ///< Mean over what was served; of the level in force if nothing.
  double accuracy_lowest = 0.0;   ///< Of the network's levels ...
  double accuracy_highest = 1.0;  ///< ... in this order; above or equal accuracy_lowest.
  std::optional<double> latency_mean_ms;

  /// Takes over what became of the requests. @param top1_in_force  stands in if none was served.
  void count(const ServiceReport& service, double top1_in_force);
};

/// What happened in one period. What is not known is empty.
struct PeriodFacts {
  double interval_s = 0.0;
  std::vector<ApplicationFacts> applications;
  Budgets budgets;                       ///< Those of the machine: power, energy, temperature.
  std::optional<double> power_w;         ///< Of the whole board.
  std::optional<double> budget_power_w;  ///< Of the signal that the power budget names.
  std::optional<double> hottest_c;
  /// What a battery budget leaves for each second of the rest of its horizon.
  std::optional<double> battery_allowance_w;
};

/// Which of the budgets in force.
struct BudgetId {
  enum class Kind { kLatency, kAccuracy, kPower, kEnergy, kTemperature };
  Kind kind = Kind::kLatency;
  std::size_t application = 0;  ///< Whose latency or accuracy; 0 for what is the machine's.

  bool operator==(const BudgetId&) const = default;
};

/// A budget's limit and what was reached in one period.
struct BudgetCheck {
  BudgetId id;
  std::string name;  ///< "latency.<application>", "power", ...
  double limit = 0.0;
  std::optional<double> value;  ///< In the limit's unit; a share of misses for latency.
  double violation = 0.0;       ///< 0 (kept, or not known) to 1 (grossly broken).
};

/// Every budget that is set, judged on the period alone. Overwrites `checks`, which may hold those
/// of another period of the same applications: names that are right stay as they are.
///
/// violation is, for latency, the share of missed requests beyond the share that may be missed,
/// over what is left to 1; for power and energy the excess over the limit, relative to the limit;
/// for accuracy what lacks, relative to the range of the network's levels; for temperature the
/// excess in units of 10 degC. All are cut at 1.
void check_budgets(const PeriodFacts& facts, std::vector<BudgetCheck>& checks);

struct RewardTerm {
  std::string name;  ///< "objective", or a budget's as in BudgetCheck.
  double value = 0.0;
};

/// Reward = objective in [0, 1] minus a price for each budget's violation: the Lagrangian of a
/// constrained Markov decision process (Altman 1999, Constrained Markov Decision Processes) with
/// the multipliers given.
///
/// The reward judges the period alone, so that an action is not blamed for the window before it;
/// whether a windowed budget was kept is for BudgetMonitor to say.
class Reward {
 public:
  Reward(Objective objective, Prices prices) : objective_(objective), prices_(prices) {}

  const Objective& objective() const { return objective_; }
  const Prices& prices() const { return prices_; }

  /// The terms; the reward is their sum. Every budget that is set has a term, even if it is 0.
  /// @param checks of the same facts.  @param terms is overwritten.
  void terms(const PeriodFacts& facts, const std::vector<BudgetCheck>& checks,
             std::vector<RewardTerm>& terms) const;
  static double sum(const std::vector<RewardTerm>& terms);

  /// The most that serving an application at `accuracy_top1` can earn when all budgets are kept:
  /// known beforehand where accuracy is the objective, 1 otherwise.
  double bound(double accuracy_top1, double accuracy_lowest, double accuracy_highest) const;

 private:
  double objective_value(const PeriodFacts& facts) const;
  double price(BudgetId::Kind budget) const;

  Objective objective_;
  Prices prices_;
};

}  // namespace rein
