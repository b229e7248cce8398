#pragma once

#include <string>
#include <vector>

#include "study/report/run_results.hpp"

namespace rein::report {

/// What to call each run: its agent, and its folder too where several runs have the same agent.
std::vector<std::string> labels_of(const std::vector<Run>& runs);

/// A line for each run that was interrupted or failed.
std::vector<std::string> shortfalls(const std::vector<Run>& runs);

/// The report: one HTML document that loads nothing. @pre at least one run.
std::string make_page(const std::vector<Run>& runs);

}  // namespace rein::report
