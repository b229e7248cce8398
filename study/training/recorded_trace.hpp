#pragma once

#include <filesystem>
#include <vector>

#include "agent/core/agent.hpp"
#include "study/training/lesson.hpp"

namespace rein {

/// What a trace.csv of `rein run` recorded, as transitions from each row to the next.
/// @throws ConfigError naming file, line and column for what is wrong, or for other knobs or
///         features than the problem's.
std::vector<RecordedTransition> read_transitions(const std::filesystem::path& file,
                                                 const Problem& problem);

}  // namespace rein
