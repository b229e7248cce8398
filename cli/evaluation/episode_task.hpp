#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "agent/evaluation.hpp"
#include "cli/run_config.hpp"
#include "cli/simulated_run.hpp"
#include "env/simulated_world.hpp"

namespace rein {

/// A run file with one scenario: what the agents are compared in.
struct EvaluatedWorld {
  std::string run;       ///< Name of the run file.
  std::string scenario;  ///< Name of the scenario.
  RunConfig config;
  SimulatedTask task;
  std::shared_ptr<ModelProfile> profile;  ///< Never null.
};

/// An agent as all episodes have it. Text, since threads cannot share a ConfigNode.
struct EvaluatedAgent {
  std::string kind;
  std::string parameters;  ///< YAML.
};

/// One episode to be played: one agent in one world with one seed.
struct EpisodeTask {
  const EvaluatedWorld* world = nullptr;
  EvaluatedAgent agent;
  std::uint64_t seed = 1;
  std::uint64_t practice = 0;    ///< Episodes with other seeds that a learner plays before.
  std::filesystem::path folder;  ///< For trace.csv and summary.json; none if empty.

  /// "jetson-nano, alone, oracle, seed 1"
  std::string name() const;
};

/// What became of it.
struct EpisodeOutcome {
  bool completed = false;
  Figures figures;
  std::string configuration;  ///< What a static agent kept.
  std::string error;          ///< Why it could not be played; empty if it was, or was interrupted.
};

/// Plays an episode in a world of its own, so that any number can be played at once. What goes
/// wrong is in the outcome; stop_requested() ends it.
EpisodeOutcome play(const EpisodeTask& task);

}  // namespace rein
