#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "agent/model_based/prior.hpp"
#include "env/randomised_task.hpp"
#include "env/simulated_world.hpp"
#include "study/training/lesson.hpp"

namespace rein {

/// Teaches a `model_based` agent what machines near the nominal ones have in common: each episode
/// is a machine that is drawn, never a nominal one, and swept through all actions, alone and beside
/// co-runners that are drawn too.
class SweepLesson final : public Lesson {
 public:
  /// @param nominal  at least one, with the same knobs and features; each is as often the base.
  /// @param spread  by which each is drawn near them.
  /// @param jobs  machines that are swept at once; what is learned does not depend on it.
  SweepLesson(std::vector<SimulatedTask> nominal, const Randomisation& spread, std::uint64_t seed,
              std::size_t jobs)
      : nominal_(std::move(nominal)), spread_(spread), seed_(seed), jobs_(jobs) {}

  std::uint64_t episodes_at_once() const override;
  /// Learns from these machines and all before them. @pre the agent is a ModelBased.
  std::optional<std::uint64_t> teach(Learner& agent, std::uint64_t first, std::uint64_t count,
                                     const std::function<bool()>& stop,
                                     const std::function<void(double)>& progress) override;

 private:
  struct Swept {
    Sweep alone;
    std::vector<Sweep> contended;
    std::vector<double> ratios;  ///< Of single requests to their mean.
    std::uint64_t periods = 0;
  };
  Swept sweep_machine(std::uint64_t index) const;
  ResponseModel::Prior find_prior(const Quantities& quantities) const;

  std::vector<SimulatedTask> nominal_;
  Randomisation spread_;
  std::uint64_t seed_;
  std::size_t jobs_;
  std::vector<Swept> swept_;  ///< From the first on.
};

}  // namespace rein
