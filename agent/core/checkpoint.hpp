#pragma once

#include <functional>
#include <string>
#include <vector>

#include "agent/core/problem.hpp"
#include "common/archive.hpp"

namespace rein {

/// What a checkpoint's content is of, and so what it is bound to.
enum class LearnedOf {
  kMachine,  ///< How it responds, or nothing at all: the task is an input.
  kRewards,  ///< What actions earn: of one objective, at these prices.
};

/// What every agent's checkpoint begins with: format, version, the agent's kind, and what it is for
/// (docs/agents.md). Read back, all of it must be as in this run. @param options  describes, by
/// Archive::same(), those of the agent's options that what it learned depends on.
/// @throws ConfigError naming file, key, what was found and what was expected.
void archive_header(Archive& archive, const std::string& kind, const Problem& problem,
                    LearnedOf learned, const std::function<void(Archive&)>& options = nullptr);

/// The knobs with their levels, a line each: what an action number means.
std::vector<std::string> describe_knobs(const ActionSpace& actions);

}  // namespace rein
