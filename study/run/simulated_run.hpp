#pragma once

#include <functional>
#include <memory>
#include <mutex>

#include "agent/core/profile.hpp"
#include "env/simulated_world.hpp"
#include "study/run/run_config.hpp"
#include "study/run/stage.hpp"

namespace rein {

/// What is played in the simulated world of a run. @pre config.platform is kSimulated.
SimulatedTask task_of(const RunConfig& config);

/// The configuration that would be the best one to keep in this episode.
/// @throws Interrupted
Action find_best_static(const SimulatedTask& task, std::uint64_t seed);

/// The profile of the board as it is modelled, with nobody else on it and the run's own budgets:
/// measured when it is first asked for, and once. Used from any thread.
class ModelProfile {
 public:
  ModelProfile(SimulatedTask task, const Budgets& budgets);
  /// @throws Interrupted
  const Profile& get();

 private:
  SimulatedTask task_;
  std::once_flag measured_;
  Profile profile_;
};

/// Sets up the simulation of a board, which goes as fast as it can and is the same for the same
/// seed, and calls `play`.
void in_simulation(const RunConfig& config, const std::function<void(const Stage&)>& play);

}  // namespace rein
