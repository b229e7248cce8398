#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "env/action_space.hpp"
#include "env/budget_monitor.hpp"
#include "env/observation_spec.hpp"
#include "env/request_spec.hpp"
#include "env/service_report.hpp"
#include "env/signal_description.hpp"
#include "env/worth.hpp"

namespace rein {

/// What became of one application's requests in one period.
struct ApplicationInfo {
  std::string name;
  ServiceReport service;
};

/// What became of a knob's part of the action.
struct KnobGrant {
  std::string label;            ///< Of the level in force, or the nearest to what is.
  std::size_t level = 0;        ///< The same as an index.
  std::optional<double> value;  ///< As the machine says it, in the knob's unit.
  bool refused = false;         ///< Not what was asked for; tried again in the next period.
  bool left_out = false;        ///< As it was found, and no longer tried.
};

/// What is of interest about a period beside the observation: for traces and summaries.
struct StepInfo {
  double time_s = 0.0;      ///< Start of the period, since the reset.
  double interval_s = 0.0;  ///< How long it was.
  std::string phase;
  Task task;                            ///< What was asked for in it.
  std::vector<std::string> co_runners;  ///< That ran at its end.
  std::uint64_t skipped_periods = 0;    ///< Lost by an overrun in this step.
  std::vector<KnobGrant> granted;       ///< In the order of the knobs, at the period's end.
  std::vector<ApplicationInfo> applications;
  std::vector<std::optional<double>> signals;  ///< In the order of signals(); empty if not valid.
  std::vector<std::size_t> stale;  ///< Those signals that were measured before the period began.
  std::vector<BudgetStatus> budgets;
  std::vector<RewardTerm> reward_terms;  ///< Their sum is the reward.
  std::vector<std::string> messages;     ///< For the user: what went wrong outside.

  /// Of a signal, by its index; empty too where nothing is known of signals.
  std::optional<double> reading(std::size_t signal) const {
    return signal < signals.size() ? signals[signal] : std::nullopt;
  }
};

/// What is asked for, as far as it is known beforehand.
struct TaskDescription {
  RequestSpec::Arrival arrival = RequestSpec::Arrival::kPeriodic;
  std::size_t queue_limit = 8;  ///< Requests that may wait: more are dropped.
  bool drop_expired = false;    ///< Whether one that is late before it begins is dropped.
  std::vector<double> top1;     ///< [levels of the width]: accuracy, from the network's table.
  Objective objective;
  Prices prices;
  double period_s = 0.1;  ///< The control period.
  /// Of the first power budget of any phase; else of the objective, or of an energy budget.
  PowerSignal power_signal = PowerSignal::kMachine;
  /// All that the objective and the budgets ask for, each once, in the order of PowerSignal.
  std::vector<PowerSignal> power_signals = {PowerSignal::kMachine};
  /// The names of all terms that a reward can have in any phase, in the order of StepInfo's.
  std::vector<std::string> reward_terms;
};

struct StepResult {
  Observation observation;
  double reward = 0.0;
  bool terminated = false;  ///< Ended by the task: the state has no future.
  bool truncated = false;   ///< Cut short: the next state's value still counts.
  StepInfo info;
};

/// Gymnasium's contract. Used from one thread.
class Environment {
 public:
  virtual ~Environment() = default;

  virtual const ActionSpace& action_space() const = 0;
  virtual const ObservationSpec& observation_spec() const = 0;
  virtual const std::vector<SignalDescription>& signals() const = 0;

  virtual TaskDescription description() const = 0;

  /// What is asked for in the coming period. @pre reset() was called.
  virtual const Task& task() const = 0;

  /// The most that a period with this action can earn: what it earns when every budget is kept.
  /// Never below the reward of step(action), but for rounding.
  virtual double reward_bound(const Action& action) const = 0;

  /// Starts an episode: the scenario from its beginning, requests drawn from `seed`.
  virtual Observation reset(std::uint64_t seed) = 0;

  /// Applies `action`, lets one control period pass, and reports what it led to. Blocks for the
  /// period on a live platform.
  ///
  /// @pre reset() was called, and the last result was neither terminated nor truncated.
  /// @return valid until the next call of step() or reset().
  /// @post the observation has observation_spec().size() finite values inside their ranges; the
  ///       reward is the sum of info.reward_terms.
  /// What the machine refuses is in info.granted and info.messages.
  /// @throws std::out_of_range if the action does not fit action_space().
  virtual const StepResult& step(const Action& action) = 0;
};

}  // namespace rein
