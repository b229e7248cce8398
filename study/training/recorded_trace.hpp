#pragma once

#include <filesystem>
#include <vector>

#include "agent/core/problem.hpp"
#include "env/period_record.hpp"

namespace rein {

/// What a trace.csv of `rein run` recorded, of each row but the last,
/// whose next observation is not known: what was seen, done and earned.
/// @throws ConfigError naming file, line and column for what is wrong, or for other knobs or
///         features than the problem's.
std::vector<PeriodRecord> read_transitions(const std::filesystem::path& file,
                                           const Problem& problem);

}  // namespace rein
