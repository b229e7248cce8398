#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "env/budget_monitor.hpp"
#include "env/environment.hpp"
#include "env/observer.hpp"
#include "env/request_server.hpp"
#include "env/request_worker.hpp"
#include "env/scenario_player.hpp"
#include "platform/platform.hpp"
#include "platform/quantities.hpp"

namespace rein {

/// Serves requests on a platform: on a real machine in real time, on a simulated one in its own, on
/// fakes of both with a ManualClock.
///
/// Knobs: `width.<application>`, then every control of the platform. One step: what changed is
/// applied, requests are served until the period ends, the platform is sampled, the reward is made,
/// and the scenario's next phase takes hold if it is time. Everything happens on the calling
/// thread; a step that is like the one before allocates nothing.
class ServingEnvironment final : public Environment {
 public:
  struct Options {
    Duration period = from_milliseconds(100);
    /// Truncates the episode; the scenario's own length if 0.
    double duration_s = 0.0;
    Objective objective{};
    Prices prices{};
  };

  /// Its index: there is one, since a process has one set of threads that compute, and one place
  /// for them.
  static constexpr std::size_t kApplication = 0;

  /// All references must outlive this. @param application  its name.
  ServingEnvironment(Platform& platform, RequestWorker& worker, const std::string& application,
                     const RequestSpec& requests, ScenarioPlayer& player, Clock& clock,
                     Options options);

  const ActionSpace& action_space() const override { return actions_; }
  const ObservationSpec& observation_spec() const override { return observer_.spec(); }
  const std::vector<SignalDescription>& signals() const override { return signals_; }
  TaskDescription description() const override;
  const Task& task() const override { return task_; }
  double reward_bound(const Action& action) const override;
  Observation reset(std::uint64_t seed) override;
  const StepResult& step(const Action& action) override;

  // What the coming period begins with, for a forecast. @pre reset() was called.
  const Backlog& backlog() const { return server_.backlog(); }
  const PeriodTimer& timer() const { return timer_; }
  /// Of the period before.
  const PeriodFacts& facts() const { return facts_; }
  std::size_t width_knob() const { return width_; }
  /// What the platform is told. @param levels  of the knobs.
  void configure(const Action& levels, Configuration& configuration) const {
    for (std::size_t i = 0; i < control_knobs_.size(); ++i) {
      configuration[i] = levels[control_knobs_[i]];
    }
  }

 private:
  /// Of all budgets that some phase has.
  std::vector<std::string> reward_terms() const;
  /// Makes the phase at this time hold: co-runners, budgets, rate.
  void enter_phase(double time_s);
  void begin_phase(const ScenarioPhase& phase);
  /// Of the requests' arrival.
  double rate_of(const ScenarioPhase& phase) const;
  void apply();
  /// Looks for places whose device has an obstacle by now.
  void find_lost_places();
  /// The first place that is not lost, instead of one that is.
  std::size_t stand_in(std::size_t place) const;
  /// Notes what is in force in levels_ and in the result.
  void read_back();
  void note(std::size_t knob, const Grant& grant);
  void sample();
  /// Judges the period, by the budgets that held in it.
  void assess();
  struct Measured;
  /// Tells a user whose budget sees nothing of what it is about.
  void watch(Measured& measured);
  void observe();
  /// NaN if nobody knows yet.
  std::optional<double> arrival_rate_hz();

  Platform& platform_;
  RequestWorker& worker_;
  ScenarioPlayer& player_;
  Clock& clock_;
  Options options_;
  RequestSpec requests_;
  ActionSpace actions_;
  std::vector<SignalDescription> signals_;
  Observer observer_;
  RequestServer server_;
  BudgetMonitor monitor_;

  ServiceReport& service() { return result_.info.applications[kApplication].service; }

  // Indices among the knobs and signals.
  std::size_t width_ = 0;
  std::optional<std::size_t> mapping_;
  std::vector<std::size_t> control_knobs_;  ///< [controls of the platform]
  std::vector<Place> places_;               ///< [levels of the mapping]
  std::size_t mapping_control_ = 0;         ///< Among the platform's.
  std::vector<std::size_t> device_places_;  ///< Those of them that are not on the CPU,
  std::vector<bool> lost_;  ///< and where the worker can no longer serve; [levels of the mapping]
  std::array<std::optional<std::size_t>, kNumPowerSignals> power_;  ///< [PowerSignal]
  /// What a budget is judged by that signals tell.
  struct Measured {
    const BudgetRule* rule = nullptr;
    std::vector<std::size_t> signals = {};
    Fold fold = Fold::kMost;  ///< What of them counts.
    int blind_periods = 0;    ///< In a row, without any of them ...
    int blind_patience = 0;   ///< ... and when that is told.
  };
  std::vector<Measured> measured_;

  TimePoint start_{};
  PeriodTimer timer_;
  const ScenarioPhase* phase_ = nullptr;  ///< In force.
  bool began_ = false;                    ///< The episode has had a step.
  std::optional<double> served_rate_hz_;  ///< In a closed loop, as it was seen last.
  Action wanted_;
  Action levels_;                ///< In force.
  Configuration configuration_;  ///< For the platform.
  Task task_;                    ///< In the coming period.
  PeriodFacts facts_;
  Worth worth_;
  std::vector<std::string> messages_;  ///< For the next result.
  StepResult result_;
};

}  // namespace rein
