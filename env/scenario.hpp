#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "common/config_node.hpp"
#include "common/random.hpp"
#include "env/budgets.hpp"
#include "env/request_spec.hpp"
#include "platform/simulated/contention.hpp"

namespace rein {

/// A program that a scenario runs beside the managed networks: a command, a profile of what it
/// takes, or both.
struct CoRunnerSpec {
  std::string name;
  // On a real machine.
  std::vector<std::string> command;  ///< Executable and arguments; no shell reads them. Or empty.
  std::vector<int> cpus;             ///< Where it is pinned; anywhere if empty.
  std::string user;                  ///< Whose rights it runs with; ours if empty.
  /// On a simulated one.
  std::optional<ContentionProfile> contention;
};

/// A stretch of a scenario in which nothing changes from outside.
struct ScenarioPhase {
  std::string name;
  double duration_s = 0.0;              ///< Above 0; in a chain the mean.
  std::vector<std::size_t> co_runners;  ///< Indices into Scenario::co_runners: those that run.
  Budgets budgets;                      ///< Those in force: the run's, with the phase's changes.
  std::optional<double> rate_hz;        ///< Of the requests' arrival, where it is given ...
  double rate_scale = 1.0;              ///< ... and else this times that of the requests.
  std::optional<double> ambient_c;      ///< Where it differs from the board's own.
};

/// The phases are the states of a Markov chain, each of which holds for an exponentially
/// distributed time. The chain begins in the first phase at start_s; before that, and after end_s,
/// the first phase holds.
struct ScenarioChain {
  static constexpr double kShortestS = 0.2;  ///< No state holds for less.

  double duration_s = 0.0;  ///< Of the whole scenario; above 0.
  double start_s = 0.0;
  double end_s = 0.0;  ///< Above start_s, at most duration_s.
  /// [phases x phases]: how often the one is followed by the other. In each row at least one is
  /// above 0; a row need not add up to 1.
  std::vector<std::vector<double>> weights;
};

/// When which phase holds: a scenario as it is played.
struct ScenarioStretch {
  /// Durations that are added up come out as much as this too long or short.
  static constexpr double kRoundingS = 1e-9;

  std::size_t phase = 0;  ///< Index into Scenario::phases.
  double end_s = 0.0;     ///< After the start of the scenario.
};

/// A timeline: phases one after the other, or drawn. docs/configuration.md describes the file.
struct Scenario {
  std::string name;
  std::vector<CoRunnerSpec> co_runners;
  std::vector<ScenarioPhase> phases;  ///< At least one.
  std::optional<ScenarioChain> chain;
  std::optional<RequestSpec::Arrival> arrival;  ///< Instead of the run's ...
  Recording recording;                          ///< ... with this.

  double duration_s() const;
  /// The stretches from the start to duration_s(), one at a time: there may be very many.
  /// Draws nothing without a chain.
  ScenarioStretch first_stretch(Random& random) const;
  /// Nothing if `last` was the last. @param random  what the stretches before were drawn from.
  std::optional<ScenarioStretch> next_stretch(const ScenarioStretch& last, Random& random) const;

  /// @param base the run's budgets.  @param time_scale multiplies every duration.
  /// @throws ConfigError, also for a co-runner that no phase can find.
  static Scenario from_yaml(const ConfigNode& node, const Budgets& base, double time_scale = 1.0);
  /// One phase without co-runners.
  static Scenario alone(const Budgets& base, double duration_s);

 private:
  ScenarioStretch stretch(std::size_t phase, double begin_s, Random& random) const;
};

/// Refuses co-runner commands from a file that somebody else could have written: it must belong to
/// the user who runs this (or root, or whoever called sudo) and not be writable by all.
/// @throws ConfigError naming the file.
void require_own_file(const ConfigNode& scenario);

}  // namespace rein
