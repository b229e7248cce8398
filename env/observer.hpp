#pragma once

#include <limits>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "env/action_space.hpp"
#include "env/budget_monitor.hpp"
#include "env/environment.hpp"
#include "env/observation_spec.hpp"

namespace rein {

/// What an observation is made of.
struct Snapshot {
  const std::vector<std::size_t>& levels;            ///< Of the knobs, in force.
  const Task& task;                                  ///< Of the coming period.
  const std::vector<ApplicationInfo>& applications;  ///< In the period before, as are signals ...
  const std::vector<std::optional<double>>& signals;
  const std::vector<BudgetStatus>& budget_statuses;  ///< ... and budgets.
};

/// An application, as far as features need to know it beforehand.
struct ObservedApplication {
  std::string name;
  std::size_t queue_limit = 1;
};

/// Reads each feature's source and brings it on the feature's scale. Whatever is missing or not
/// valid becomes the feature's neutral value; no NaN gets through. Features of a budget that is not
/// set are neutral.
class Observer {
 public:
  /// `actions` must outlive the observer.
  Observer(const ActionSpace& actions, const std::vector<ObservedApplication>& applications,
           const std::vector<SignalDescription>& signals, double period_ms);

  const ObservationSpec& spec() const { return spec_; }
  /// Overwrites `observation`.
  void observe(const Snapshot& snapshot, Observation& observation);
  /// Forgets the latencies that slow-downs are relative to.
  void reset() { fastest_ms_.clear(); }

 private:
  /// NaN if there is no reading.
  double read(const Source& source, const Snapshot& snapshot);
  double p95_ms(const ServiceReport& service);
  /// Latency over the least that was seen with the same levels of the knobs.
  double slowdown(const Snapshot& snapshot, std::size_t application);

  const ActionSpace& actions_;
  double period_ms_;
  std::vector<double> queue_limits_;  ///< [applications]
  ObservationSpec spec_;
  /// All that a period needs of the features.
  struct Seen {
    Source source;
    Scale scale;
    double last_number = std::numeric_limits<double>::quiet_NaN();
    double last_value = 0.0;
    double see(double number);
  };
  std::vector<Seen> seen_;
  /// By application x actions + action.
  std::unordered_map<std::size_t, double> fastest_ms_;
  std::vector<double> latencies_ms_;  ///< Of one period, while they are put in order.
};

}  // namespace rein
