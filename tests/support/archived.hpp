#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "common/archive.hpp"

namespace rein {

/// What a thing writes of itself.
template <typename Thing, typename... Arguments>
nlohmann::ordered_json archived(Thing& thing, const Arguments&... arguments) {
  Archive archive;
  thing.archive(archive, arguments...);
  return archive.json();
}

/// Reads it back, from a file of that name.
template <typename Thing, typename... Arguments>
void read_archived(Thing& thing, const std::string& text, const std::string& name,
                   const Arguments&... arguments) {
  Archive archive(ConfigNode::parse(text, name));
  thing.archive(archive, arguments...);
  archive.finish();
}

}  // namespace rein
