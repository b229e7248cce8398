#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "env/action_space.hpp"

namespace rein {

/// More than this no agent is given: each has a number for every action.
constexpr std::size_t kMostActions = 1'000'000;

/// What is wrong with more than `most` actions: how many there are, which knobs multiply, what to
/// do about it. Nothing if there are not. Allocates nothing that grows with their number.
std::optional<std::string> too_many_actions(const ActionSpace& actions, std::size_t most);

}  // namespace rein
