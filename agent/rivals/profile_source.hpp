#pragma once

#include <optional>

#include "agent/core/agent.hpp"
#include "agent/core/foresight.hpp"
#include "agent/core/profile.hpp"
#include "common/config_node.hpp"
#include "common/random.hpp"
#include "env/worth.hpp"

namespace rein {

/// The profile that an agent starts from: the file that `profile:` names, or else the one that can
/// be measured beforehand; empty if there is neither. With `profile_error: e` every latency and
/// power is made wrong by a factor of its own, drawn from [1 - e, 1 + e].
/// @throws ConfigError
std::optional<Profile> find_profile(const ConfigNode& node, const Problem& problem, Random& random,
                                    const Foresight& foresight);

/// The same for an agent that cannot do without. @throws ConfigError, also if there is none.
Profile require_profile(const ConfigNode& node, const Problem& problem, Random& random,
                        const Foresight& foresight);

/// The power that a configuration has by the profile, in W. @param profiled  what its `power_w` is
/// about; of the whole machine its energy tells too. @param rate_hz  of requests.
std::optional<double> profiled_power_w(const ProfileEntry& entry, PowerSignal signal,
                                       PowerSignal profiled, double rate_hz);

/// What a configuration costs, in the unit of the objective: accuracy with a minus, mJ a request,
/// W, ms. Infinite where it was not measured.
double cost_of(const ProfileEntry& entry, Objective::Kind objective);

}  // namespace rein
