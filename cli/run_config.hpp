#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/config_node.hpp"
#include "env/budgets.hpp"
#include "env/request_server.hpp"
#include "env/reward.hpp"
#include "env/scenario.hpp"
#include "env/simulated_network.hpp"
#include "models/data_set.hpp"
#include "platform/board.hpp"

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
};

/// What comes from the command line instead of the run file.
struct RunOverrides {
  std::vector<std::string> settings;  ///< "dotted.key=value"
  std::optional<std::string> agent;
  std::optional<std::uint64_t> seed;
  std::optional<double> duration_s;
  std::optional<std::filesystem::path> scenario;
};

/// A run file with all that it names, checked. docs/configuration.md describes the file.
struct RunConfig {
  PlatformKind platform = PlatformKind::kLinux;
  Board board;
  std::vector<ApplicationConfig> applications;
  Budgets budgets;
  Objective objective;
  Prices prices;
  Scenario scenario;
  ConfigNode agent;  ///< Read by make_agent(), when the knobs are known.
  /// The domains that are to be knobs, with the operating points that they may have: all of the
  /// board unless the file says otherwise.
  std::vector<DomainSpec> frequencies;
  bool use_frequency = true;  ///< Otherwise none of them is a knob.
  bool use_bandwidth = true;
  Duration period{};
  std::uint64_t seed = 1;
  double duration_s = 0.0;
  std::string effective;  ///< All of it as one YAML document that can be run again.

  /// @throws ConfigError for whatever is wrong in any of the files; UsageError for the overrides.
  static RunConfig load(const std::filesystem::path& file, const RunOverrides& overrides);
};

}  // namespace rein
