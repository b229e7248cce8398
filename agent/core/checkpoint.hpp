#pragma once

#include <cstddef>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "agent/core/agent.hpp"
#include "common/config_node.hpp"
#include "common/random.hpp"

namespace rein {

/// What every agent's checkpoint begins with: format, version, the agent's kind, and the names of
/// the knobs' levels and features that it was made for. JSON; numbers are written so that they are
/// read back to the same bits.
nlohmann::ordered_json checkpoint_header(const std::string& kind, const Problem& problem);

/// Opens a checkpoint and checks its header. @throws ConfigError naming file, key, what was found
/// and what was expected.
ConfigNode open_checkpoint(const std::filesystem::path& file, const std::string& kind,
                           const Problem& problem);

/// Sets `random` to the state that Random::save() wrote. @throws ConfigError if it is none.
void load_random(const ConfigNode& node, Random& random);

/// An index from 0 to `last`. @throws ConfigError if it is none.
std::size_t load_index(const ConfigNode& node, std::size_t last);

/// A list of the same texts. @throws ConfigError naming the first that differs.
void expect_lines(const ConfigNode& node, const std::vector<std::string>& expected);

/// The knobs with their levels, a line each: what an action number means.
std::vector<std::string> describe_knobs(const ActionSpace& actions);

}  // namespace rein
