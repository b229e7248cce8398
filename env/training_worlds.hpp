#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "env/budgets.hpp"
#include "env/episode.hpp"
#include "env/randomised_task.hpp"
#include "env/simulated_world.hpp"

namespace rein {

/// Where an agent is trained: no two episodes are in the same board and scenario, and none of the
/// boards is a nominal one. An episode depends on its number and the seed alone, so that training
/// can stop after any of them and go on.
class TrainingWorlds {
 public:
  /// What the drawn tasks are near to.
  struct Nominal {
    SimulatedTask task;
    Budgets budgets;  ///< Of the run; the task's scenario is not used.
    Randomisation spread{};
  };

  /// @param nominal  at least one, with the same knobs and features; each is as often the base.
  /// @param duration_s  of each episode.
  TrainingWorlds(std::vector<Nominal> nominal, double duration_s, std::uint64_t seed)
      : nominal_(std::move(nominal)), duration_s_(duration_s), seed_(seed) {}

  Episode training(std::uint64_t index) const;
  /// Of another sequence than those of training, and the same for every seed.
  Episode validation(std::uint64_t index) const;

  /// The tasks that these are, for a look at what is drawn.
  SimulatedTask training_task(std::uint64_t index) const;
  SimulatedTask validation_task(std::uint64_t index) const;

 private:
  SimulatedTask draw(std::uint64_t index, std::uint64_t seed) const;

  std::vector<Nominal> nominal_;
  double duration_s_;
  std::uint64_t seed_;
};

}  // namespace rein
