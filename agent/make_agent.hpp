#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/core/foresight.hpp"
#include "agent/core/learner.hpp"
#include "agent/core/problem.hpp"
#include "common/config_node.hpp"
#include "common/random.hpp"

namespace rein {

/// The kinds that make_agent() knows.
const std::vector<std::string>& agent_kinds();

/// Makes the agent that `node` (the run file's `agent:`) describes. docs/agents.md has the keys.
/// `problem`'s references and `random` must outlive the agent.
/// @throws ConfigError, also for an agent that needs a foresight that there is not.
std::unique_ptr<Learner> make_agent(const ConfigNode& node, const Problem& problem, Random& random,
                                    const Foresight& foresight = {});

}  // namespace rein
