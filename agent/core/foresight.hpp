#pragma once

#include <functional>

#include "agent/core/profile.hpp"
#include "env/action_space.hpp"
#include "env/clairvoyant.hpp"

namespace rein {

/// What can only be known of a simulated board; empty for any other.
struct Foresight {
  Clairvoyant* clairvoyant = nullptr;        ///< For `oracle`; must outlive the agent.
  std::function<Action()> find_best_static;  ///< For `best_static`: of the episode to come.
  /// For agents that start from a profile, where the run file names none: of this board, with
  /// nobody else on it.
  std::function<Profile()> measure_profile;
};

}  // namespace rein
