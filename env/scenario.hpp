#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/config_node.hpp"
#include "env/budgets.hpp"

namespace rein {

/// A program that a scenario runs beside the managed networks.
struct CoRunnerSpec {
  std::string name;
  std::vector<std::string> command;  ///< Executable and arguments; no shell reads them.
  std::vector<int> cpus;             ///< Where it is pinned; anywhere if empty.
  std::string user;                  ///< Whose rights it runs with; ours if empty.
};

/// A stretch of a scenario in which nothing changes from outside.
struct ScenarioPhase {
  std::string name;
  double duration_s = 0.0;              ///< Above 0.
  std::vector<std::size_t> co_runners;  ///< Indices into Scenario::co_runners: those that run.
  Budgets budgets;                      ///< Those in force: the run's, with the phase's changes.
  std::optional<double> rate_hz;        ///< Of the requests' arrival, where it differs.
};

/// A timeline: phases one after the other. docs/configuration.md describes the file.
struct Scenario {
  std::string name;
  std::vector<CoRunnerSpec> co_runners;
  std::vector<ScenarioPhase> phases;  ///< At least one.

  double duration_s() const;
  /// The phase at `time_s` after the start; the last one after the end.
  std::size_t phase_at(double time_s) const;

  /// @param base the run's budgets.  @param time_scale multiplies every duration.
  /// @throws ConfigError, also for a co-runner that no phase can find.
  static Scenario from_yaml(const ConfigNode& node, const Budgets& base, double time_scale = 1.0);
  /// One phase without co-runners.
  static Scenario alone(const Budgets& base, double duration_s);
};

/// Refuses co-runner commands from a file that somebody else could have written: it must belong to
/// the user who runs this (or root, or whoever called sudo) and not be writable by all.
/// @throws ConfigError naming the file.
void require_own_file(const ConfigNode& scenario);

}  // namespace rein
