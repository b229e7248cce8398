#pragma once

#include <array>
#include <optional>
#include <vector>

#include "env/budgets.hpp"
#include "env/service_report.hpp"

namespace rein {

/// What happened to one application in one period, as far as budgets and objective ask.
struct ApplicationFacts {
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

/// What happened in one period, or is expected to. What is not known is empty.
struct PeriodFacts {
  double interval_s = 0.0;
  std::vector<ApplicationFacts> applications;                     ///< As the task has them.
  std::array<std::optional<double>, kNumPowerSignals> power_w{};  ///< [PowerSignal]
  /// [BudgetId::Kind]: what the machine measures of what a budget is about.
  std::array<std::optional<double>, kNumBudgets> by_budget{};

  std::optional<double>& measured(BudgetId::Kind kind) {
    return by_budget[static_cast<std::size_t>(kind)];
  }
  const std::optional<double>& measured(BudgetId::Kind kind) const {
    return by_budget[static_cast<std::size_t>(kind)];
  }
  std::optional<double>& power(PowerSignal signal) {
    return power_w[static_cast<std::size_t>(signal)];
  }
  const std::optional<double>& power(PowerSignal signal) const {
    return power_w[static_cast<std::size_t>(signal)];
  }
};

}  // namespace rein
