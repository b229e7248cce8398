#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "agent/loop/shield.hpp"
#include "common/clock.hpp"
#include "common/config_node.hpp"
#include "env/budgets.hpp"
#include "env/scenario.hpp"
#include "env/worth.hpp"
#include "platform/board/board.hpp"
#include "study/run/application_config.hpp"

namespace rein {

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
  std::filesystem::path board_file;  ///< That it was read from; empty if it has none of its own.
  std::vector<ApplicationConfig> applications;  ///< One: load() refuses more for now.
  Budgets budgets;
  Objective objective;
  Prices prices;
  Scenario scenario;
  ConfigNode agent;  ///< Read by make_agent(), when the knobs are known.
  ShieldSetting shield;
  /// The domains that are to be knobs, with the operating points that they may have: all of the
  /// board unless the file says otherwise.
  std::vector<DomainSpec> frequencies;
  bool use_frequency = true;  ///< Otherwise none of them is a knob.
  bool use_bandwidth = true;
  Duration period{};
  std::uint64_t seed = 1;
  double duration_s = 0.0;
  std::string effective;  ///< All of it as one YAML document that can be run again.

  /// The one that there is, for those who serve it.
  const ApplicationConfig& application() const { return applications.at(0); }

  /// @throws ConfigError for whatever is wrong in any of the files; UsageError for the overrides.
  static RunConfig load(const std::filesystem::path& file, const RunOverrides& overrides);
  /// The same of what would stand in a file.
  static RunConfig read(ConfigNode node, const RunOverrides& overrides);
};

}  // namespace rein
