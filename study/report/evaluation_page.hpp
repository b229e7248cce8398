#pragma once

#include <string>

#include "study/report/evaluation_results.hpp"

namespace rein::report {

/// The report of an evaluation: one HTML document that loads nothing and needs no script.
/// @param config  as config.yaml has it; empty if there is none.
std::string make_page(const Evaluation& evaluation, const std::string& config);

}  // namespace rein::report
