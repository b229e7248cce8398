#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "env/budget_monitor.hpp"
#include "env/environment.hpp"
#include "env/observer.hpp"
#include "env/request_server.hpp"
#include "env/scenario_player.hpp"
#include "models/image_set.hpp"
#include "models/scalable_network.hpp"
#include "platform/platform.hpp"

namespace rein {

/// A network under management with its input. Network and images must outlive the environment.
struct ManagedApplication {
  std::string name;
  ScalableNetwork& network;
  const ImageSet& images;
  RequestSpec requests;
};

/// Serves real requests on a real machine (or on fakes of both, with a ManualClock).
///
/// Knobs: `width.<application>`, then every control of the platform. One step: what changed is
/// applied, requests are served until the period ends, the platform is sampled, the reward is made,
/// and the scenario's next phase takes hold if it is time. Everything happens on the calling
/// thread.
class LiveEnvironment final : public Environment {
 public:
  struct Options {
    Duration period = from_milliseconds(100);
    /// Truncates the episode; the scenario's own length if 0.
    double duration_s = 0.0;
  };

  /// All references must outlive this. One application: a process has one set of threads that
  /// compute, and one place for them.
  LiveEnvironment(Platform& platform, const ManagedApplication& application, ScenarioPlayer& player,
                  const Reward& reward, Clock& clock, Options options);

  const ActionSpace& action_space() const override { return actions_; }
  const ObservationSpec& observation_spec() const override { return observer_.spec(); }
  const std::vector<SignalDescription>& signals() const override { return signals_; }
  double reward_bound(ActionId action) const override;
  Observation reset(std::uint64_t seed) override;
  StepResult step(ActionId action) override;

 private:
  /// Serves one request at every level with every number of threads: the first of each kind is
  /// slow (kernels are compiled, threads made), which is nobody's decision to be blamed for.
  void warm_up();
  /// Makes the phase at this time hold: co-runners, budgets, rate.
  void enter_phase(double time_s);
  void apply(const std::vector<std::size_t>& levels);
  /// What is in force, which becomes levels_.
  std::vector<KnobGrant> read_back();
  PeriodFacts facts(const StepInfo& info) const;
  std::optional<double> signal(const std::string& name, const StepInfo& info) const;
  /// Appends to `stale` which signals are.
  std::vector<std::optional<double>> sample(std::vector<std::size_t>* stale);

  Platform& platform_;
  ScalableNetwork& network_;
  ScenarioPlayer& player_;
  Reward reward_;
  Clock& clock_;
  Options options_;
  std::string name_;
  RequestSpec requests_;
  ActionSpace actions_;
  std::vector<SignalDescription> signals_;
  Observer observer_;
  RequestServer server_;
  BudgetMonitor monitor_;
  std::size_t mapping_ = 0;  ///< Index of the mapping among the knobs; 0 (the width) if none.

  TimePoint start_{};
  PeriodTimer timer_;
  std::string phase_;
  Budgets budgets_;
  std::vector<std::size_t> levels_;  ///< Of the knobs in force; empty before the first step.
};

}  // namespace rein
