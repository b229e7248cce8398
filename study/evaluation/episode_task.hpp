#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "env/simulated_world.hpp"
#include "study/evaluation/adaptation.hpp"
#include "study/evaluation/course.hpp"
#include "study/evaluation/episode_figures.hpp"
#include "study/run/run_config.hpp"
#include "study/run/simulated_run.hpp"

namespace rein {

/// A run file with one scenario: what the agents are compared in.
struct EvaluatedWorld {
  std::string run;       ///< Name of the run file.
  std::string scenario;  ///< Name of the scenario.
  RunConfig config;
  SimulatedTask task;
  std::shared_ptr<ModelProfile> profile;  ///< Never null.
};

/// A variant as all episodes of a world have it. Text, since threads cannot share a ConfigNode.
struct EvaluatedAgent {
  std::string name;
  std::string kind;
  std::string parameters;        ///< YAML ...
  std::filesystem::path origin;  ///< ... that was read from here.
  std::filesystem::path load;    ///< The checkpoint that it begins with; none if empty.
  std::uint64_t practice = 0;    ///< Episodes with other seeds that a learner plays before.
  bool learns = false;
  std::string shield;  ///< YAML: what is said of its own; empty if nothing is.
};

/// One episode to be played: one agent in one world with one seed.
struct EpisodeTask {
  const EvaluatedWorld* world = nullptr;
  EvaluatedAgent agent;
  std::uint64_t seed = 1;
  bool wants_course = false;
  std::filesystem::path folder;  ///< For trace.csv and summary.json; none if empty.
  /// Says what the episode is made of: two of the same key and name() come to the same.
  std::string key;
  /// The same for episodes that are played in other evaluations too, whatever the rest of these is:
  /// EpisodeCache's. Empty if it is not kept there.
  std::string cache_key;

  /// "jetson-nano, alone, oracle, seed 1"
  std::string name() const;
};

/// What became of it.
struct EpisodeOutcome {
  bool completed = false;
  Figures figures;
  RewardCourse rewards;
  report::Course course;      ///< Empty unless the task wants it.
  std::string configuration;  ///< What a static agent kept.
  std::string error;          ///< Why it could not be played; empty if it was, or was interrupted.
};

/// What figures and rewards of an episode mean. To be raised when a change of the program makes
/// others of the same episode, so that none of those before is taken from an EpisodeCache.
inline constexpr int kOutcomeVersion = 1;

/// Plays an episode in a world of its own, so that any number can be played at once. What goes
/// wrong is in the outcome; stop_requested() ends it.
EpisodeOutcome play(const EpisodeTask& task);

}  // namespace rein
