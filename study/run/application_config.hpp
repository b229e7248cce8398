#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/config_node.hpp"
#include "env/request_server.hpp"
#include "env/simulated_network.hpp"
#include "models/data_set.hpp"
#include "platform/board/board.hpp"

namespace rein {

/// Where a run takes place.
enum class PlatformKind {
  kLinux,      ///< On this machine.
  kSimulated,  ///< In the `simulation` of its board file.
};

/// A network under management, as the run file names it.
struct ApplicationConfig {
  std::string name;
  // On a real machine.
  std::filesystem::path checkpoint;
  const DataSet* data_set = nullptr;  ///< Never null after reading.
  std::filesystem::path images_folder;
  /// On a simulated one.
  std::optional<SimulatedNetwork> simulated;
  RequestSpec requests;
  std::vector<std::string> places;  ///< Names of the board's; all of them if empty.

  /// @throws ConfigError for whatever is wrong, also for what does not fit the platform.
  static ApplicationConfig read(const ConfigNode& node, PlatformKind platform, const Board& board);
};

/// What `node` holds: a mapping in place, or the file that it names. @throws ConfigError.
ConfigNode open_named(const ConfigNode& node);

}  // namespace rein
