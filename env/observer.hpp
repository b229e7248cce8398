#pragma once

#include <functional>
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

/// Turns what was measured into normalised features. Whatever is missing or not valid becomes the
/// feature's neutral value; no NaN gets through.
///
/// Which features there are depends on knobs, applications and signals alone, never on a scenario
/// or its budgets: what was learned in one scenario can be used in another. Those of a budget that
/// is not set are neutral.
class Observer {
 public:
  /// `actions` must outlive the observer.
  Observer(const ActionSpace& actions, const std::vector<ObservedApplication>& applications,
           const std::vector<SignalDescription>& signals, double period_ms);
  Observer(const Observer&) = delete;  // The features' functions know where it is.
  Observer& operator=(const Observer&) = delete;

  const ObservationSpec& spec() const { return spec_; }
  /// Overwrites `observation`.
  void observe(const Snapshot& snapshot, Observation& observation);
  /// Forgets the latencies that slow-downs are relative to.
  void reset() { fastest_ms_.clear(); }

 private:
  /// NaN if there is no reading.
  using Read = std::function<double(const Snapshot&)>;
  void add(Feature feature, Read read);
  void add_application(std::size_t index, const ObservedApplication& application);
  void add_machine_budgets();
  void add_signals(const std::vector<SignalDescription>& signals);
  double p95_ms(const ServiceReport& service);
  /// Latency over the least that was seen with the same levels of the knobs.
  double slowdown(const Snapshot& snapshot, std::size_t application);

  const ActionSpace& actions_;
  double period_ms_;
  /// The numbers of a feature: all that a period needs of it.
  struct Limits {
    double min = 0.0;
    double max = 1.0;
    double neutral = 0.0;
    double normal(double value) const;
  };
  struct ObservedSignal {
    std::size_t index = 0;
    bool in_decades = false;
    double divisor = 1.0;
  };
  std::vector<Feature> features_;
  std::vector<Limits> limits_;
  std::vector<Read> reads_;  ///< Of all features but those that are signals, which come last.
  std::vector<ObservedSignal> signals_;
  ObservationSpec spec_;
  /// By application x actions + action.
  std::unordered_map<std::size_t, double> fastest_ms_;
  std::vector<double> latencies_ms_;  ///< Of one period, while they are put in order.
};

}  // namespace rein
