#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "agent/loop/run_summary.hpp"
#include "study/run/run_config.hpp"

namespace rein {

/// What summary.json says of a run.
nlohmann::ordered_json describe_run(const RunConfig& config, const std::string& agent,
                                    std::uint64_t seed, const std::string& ended,
                                    const RunSummary& summary);

}  // namespace rein
