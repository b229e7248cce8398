#pragma once

#include <filesystem>
#include <vector>

#include "agent/core/problem.hpp"
#include "env/period_record.hpp"

namespace rein {

/// What a trace.csv, or the one in a run's folder, recorded: of each row that the next period
/// follows, since what a period led to is known of no other.
/// @throws ConfigError naming file, line and column for what is wrong, or for other knobs or
///         features than the problem's, and as far as it is told for another objective, prices or
///         period.
std::vector<PeriodRecord> read_transitions(const std::filesystem::path& path,
                                           const Problem& problem);

}  // namespace rein
