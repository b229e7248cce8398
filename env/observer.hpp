#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "env/action_space.hpp"
#include "env/environment.hpp"
#include "env/observation_spec.hpp"
#include "env/scenario.hpp"

namespace rein {

/// What an observation is made of.
struct Snapshot {
  std::vector<std::size_t> levels;  ///< Of the knobs, in force.
  Budgets budgets;                  ///< Of the machine.
  std::vector<ApplicationInfo> applications;
  std::vector<double> arrival_rates_hz;  ///< [applications]
  std::vector<std::optional<double>> signals;
  std::vector<BudgetStatus> budget_statuses;
};

/// An application, as far as features need to know it beforehand.
struct ObservedApplication {
  std::string name;
  std::size_t queue_limit = 1;
};

/// Turns what was measured into normalised features. Whatever is missing or not valid becomes the
/// feature's neutral value; no NaN gets through.
///
/// Features for budgets are there if any phase of the scenario sets the budget.
class Observer {
 public:
  Observer(const ActionSpace& actions, const std::vector<ObservedApplication>& applications,
           const std::vector<SignalDescription>& signals, const Scenario& scenario);

  const ObservationSpec& spec() const { return spec_; }
  Observation observe(const Snapshot& snapshot);
  /// Forgets the latencies that slow-downs are relative to.
  void reset() { fastest_ms_.clear(); }

 private:
  using Read = std::function<std::optional<double>(const Snapshot&)>;
  void add(Feature feature, Read read);
  void add_application(std::size_t index, const ObservedApplication& application,
                       const Scenario& scenario);
  void add_machine_budgets(const Scenario& scenario);
  void add_signals(const std::vector<SignalDescription>& signals);
  /// Latency over the least that was seen with the same levels of the knobs.
  std::optional<double> slowdown(const Snapshot& snapshot, std::size_t application);

  std::vector<Feature> features_;
  std::vector<Read> reads_;
  ObservationSpec spec_;
  std::map<std::pair<std::size_t, std::vector<std::size_t>>, double> fastest_ms_;
};

}  // namespace rein
