#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/agent.hpp"
#include "agent/profile.hpp"
#include "common/config_node.hpp"
#include "common/random.hpp"
#include "env/clairvoyant.hpp"

namespace rein {

/// The kinds that make_agent() knows.
const std::vector<std::string>& agent_kinds();

/// What can only be known of a simulated board; empty for any other.
struct Foresight {
  Clairvoyant* clairvoyant = nullptr;          ///< For `oracle`; must outlive the agent.
  std::function<ActionId()> find_best_static;  ///< For `best_static`: of the episode to come.
  /// For agents that start from a profile, where the run file names none: of this board, with
  /// nobody else on it.
  std::function<Profile()> measure_profile;
};

/// Makes the agent that `node` (the run file's `agent:`) describes. docs/agents.md has the keys.
/// `problem`'s references and `random` must outlive the agent.
/// @throws ConfigError, also for an agent that needs a foresight that there is not.
std::unique_ptr<Agent> make_agent(const ConfigNode& node, const Problem& problem, Random& random,
                                  const Foresight& foresight = {});

}  // namespace rein
