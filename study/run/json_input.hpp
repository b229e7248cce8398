#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace rein {

/// A JSON document of a few levels: what walks one takes stack for each.
/// @param name  stands for the file in messages.
/// @throws ConfigError naming file, line and column.
nlohmann::ordered_json parse_json(const std::string& text, const std::string& name);

}  // namespace rein
