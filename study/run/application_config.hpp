#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/config_node.hpp"
#include "env/request_spec.hpp"
#include "env/request_worker.hpp"
#include "env/simulated_network.hpp"
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
  RequestSpec requests;
  std::vector<std::string> places;  ///< Names of the board's; all of them if empty.
  /// On a real machine: makes what serves the requests. Reads files and may make threads.
  /// @throws ConfigError.
  std::function<std::shared_ptr<RequestWorker>()> start;
  /// On a simulated one.
  std::optional<SimulatedNetwork> simulated;
  /// The keys below the application's that name files, and those files.
  std::vector<std::pair<std::string, std::filesystem::path>> files;

  /// @throws ConfigError for whatever is wrong, also for what does not fit the platform.
  static ApplicationConfig read(const ConfigNode& node, PlatformKind platform, const Board& board);
};

/// What `node` holds: a mapping in place, or the file that it names. @throws ConfigError.
ConfigNode open_named(const ConfigNode& node);

}  // namespace rein
