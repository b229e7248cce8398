#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "models/slimmable_network.hpp"

namespace rein {

/// An engine that runs networks of one kind at their levels.
struct NetworkKind {
  std::string name;  ///< As in a run file's `network.kind`: "slimmable".
  /// Makes a network of a file. @throws ConfigError naming the file, or what the machine lacks.
  std::unique_ptr<Engine> (*load)(const std::filesystem::path& checkpoint,
                                  const EngineOptions& options);
};

/// All that there are, each under a name of its own.
const std::vector<NetworkKind>& network_kinds();

}  // namespace rein
