#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/core/agent.hpp"

namespace rein {

/// Which knobs are of which kind. Where there are several applications, of the first.
struct KnobLayout {
  explicit KnobLayout(const ActionSpace& actions);

  std::optional<std::size_t> width;
  std::optional<std::size_t> mapping;
  std::vector<std::size_t> frequencies;  ///< Of domains, in the order of the knobs.
};

/// Its index among the signals; empty if there is none of that name.
std::optional<std::size_t> find_signal(const Problem& problem, const std::string& name);

/// The action that was in force: what was granted, where that is known.
ActionId action_in_force(const Transition& transition, const ActionSpace& actions);

}  // namespace rein
