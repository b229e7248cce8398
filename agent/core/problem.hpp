#pragma once

#include <vector>

#include "env/environment.hpp"

namespace rein {

/// What may be known of an environment and its task beforehand.
struct Problem {
  const ActionSpace& actions;
  const ObservationSpec& observations;
  std::vector<double> reward_bounds;            ///< [actions]: Environment::reward_bound of each.
  std::vector<SignalDescription> signals = {};  ///< Those of StepInfo::signals.
  TaskDescription task = {};
};

/// Of this environment, which must outlive it. @throws ConfigError if there are more than
/// kMostActions.
Problem problem_of(const Environment& environment);

}  // namespace rein
