#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "env/period_facts.hpp"
#include "env/signal_description.hpp"
#include "env/task.hpp"

namespace rein {

/// All that is to be known of one kind of budget: what its limit is, what it is judged by and how.
/// The one place where a kind is described; whoever judges, sums up, forecasts or plans reads it.
struct BudgetRule {
  /// A part of a mean over the budget's window.
  struct Part {
    double sum = 0.0;
    double weight = 0.0;
  };

  BudgetId::Kind kind;
  bool is_applications;  ///< Each application has its own; else it is the machine's.
  bool is_floor;         ///< The value has to be above the limit.
  /// Empty if there is no such budget.
  std::optional<double> (*limit)(const Task& task, std::size_t application);
  /// Of one period, in the unit of the limit; empty if it is not known.
  std::optional<double> (*value)(const PeriodFacts& facts, const Task& task,
                                 std::size_t application);
  /// By how much a value beyond the limit is a violation of 1; above 0.
  double (*scale)(const PeriodFacts& facts, double limit, std::size_t application);
  /// Length of the window, and what a period adds to its mean; null if it is judged by the period.
  std::optional<double> (*window_s)(const Task& task, std::size_t application);
  Part (*part)(const PeriodFacts& facts, const Task& task, std::size_t application);
  /// Which signals of the machine PeriodFacts::measured() has of it, and what they measure, for
  /// people; null if it is judged by something else.
  bool (*is_measured_by)(const SignalDescription& signal) = nullptr;
  const char* measured = nullptr;
  /// The limit's in a trace; without a name for those that have columns of their own.
  struct Column {
    std::string_view name;
    std::string_view unit;
    std::string_view what;  ///< For docs/trace.md.
    void (*put)(Task& task, double limit) = nullptr;
  };
  Column column = {};

  const char* name() const { return kBudgetNames[static_cast<std::size_t>(kind)]; }
};

/// Of every kind: those of applications first, and in the order in which they are listed.
std::span<const BudgetRule> budget_rules();
const BudgetRule& rule_of(BudgetId::Kind kind);
/// The rule whose term this is; null for the objective's.
const BudgetRule* rule_of_term(std::string_view name);

/// A budget that is set: what there is to be judged in a task.
struct BudgetInForce {
  const BudgetRule* rule = nullptr;
  std::size_t application = 0;
  double limit = 0.0;

  BudgetId id() const { return {rule->kind, application}; }
  /// A battery that is empty: broken whatever is used, and known or not.
  bool is_used_up() const { return rule->kind == BudgetId::Kind::kEnergy && limit <= 0.0; }
  /// How far beyond the limit, in units of the rule's scale: below 0 while it is kept; 1 of what is
  /// used up.
  double excess(const PeriodFacts& facts, double value) const;
};

/// Overwrites `budgets`: of each application in turn, then of the machine.
void find_budgets(const Task& task, std::vector<BudgetInForce>& budgets);

/// A budget's limit and what was reached in one period.
struct BudgetCheck {
  BudgetId id;
  std::string name;  ///< "latency.<application>", "power", ...
  double limit = 0.0;
  std::optional<double> value;  ///< In the limit's unit; a share of misses for latency.
  double excess = 0.0;          ///< As BudgetInForce::excess(); 0 if the value is not known.
  double violation = 0.0;       ///< The same in [0, 1]: 0 is kept, or not known.
};

struct RewardTerm {
  std::string name;  ///< "objective", or a budget's as in BudgetCheck.
  double value = 0.0;
};

/// What a period earned, and for what.
struct Worth {
  std::vector<BudgetCheck> checks;  ///< Of every budget that is set, judged on the period alone.
  std::vector<RewardTerm> terms;    ///< Of the objective, then of each check.
  double sum = 0.0;                 ///< Of the terms: the reward.
};

/// The worth of a period = objective in [0, 1] minus a price for each budget's violation: the
/// Lagrangian of a constrained Markov decision process (Altman 1999, Constrained Markov Decision
/// Processes) with the multipliers given. Reward, forecasts and plans are all made with it.
///
/// It judges the period alone, so that an action is not blamed for the window before it; whether a
/// windowed budget was kept is for BudgetMonitor to say. A violation is, for latency, the share of
/// missed requests beyond the share that may be missed, over what is left to 1; for power and
/// energy the excess over the limit, relative to the limit; for accuracy what lacks, relative to
/// the range of the network's levels; for temperature the excess in units of 10 degC. All are cut
/// at 1.
/// @param result  is overwritten; it may be of another period: names that are right stay.
void worth(const PeriodFacts& facts, const Task& task, Worth& result);

/// The objective alone: 1 at its best, and 0 or less for what is worth nothing. 0 if it is not
/// known.
double objective_value(const PeriodFacts& facts, const Task& task);

/// The most that serving an application at `accuracy_top1` can earn when all budgets are kept:
/// known beforehand where accuracy is the objective, 1 otherwise.
double worth_bound(const Objective& objective, double accuracy_top1, double accuracy_lowest,
                   double accuracy_highest);

}  // namespace rein
