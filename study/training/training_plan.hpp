#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/core/learner.hpp"
#include "common/random.hpp"
#include "env/simulated_world.hpp"
#include "env/training_worlds.hpp"
#include "study/calibration/calibration.hpp"
#include "study/run/run_config.hpp"

namespace rein {

/// What `rein train` was told.
struct TrainingPlan {
  std::vector<std::filesystem::path> files;
  RunOverrides overrides;
  std::vector<std::filesystem::path> traces;  ///< To learn from, instead of playing.
  /// Of the machine that the board is to be calibrated to; for one run file alone.
  std::optional<std::filesystem::path> profile;
  double max_error_percent = 50.0;  ///< Of the calibrated board, with which training goes on.
  std::uint64_t episodes = 200;
  std::size_t environments = 8;
  double duration_s = 60.0;  ///< Of an episode.
  std::uint64_t validate_every = 40;
  std::filesystem::path output;
  bool resume = false;

  /// Everything but how long it is and where it is written, as YAML.
  std::string to_yaml() const;
};

/// The run files, checked: the same knobs, features and objective in each. With a profile the board
/// is the calibrated one.
class TrainedRuns {
 public:
  /// @throws ConfigError for whatever is wrong in the files or the profile; UsageError for names
  ///         that are not unique, and for several files with a profile.
  explicit TrainedRuns(const TrainingPlan& plan);

  /// As its run file describes it. `random` must outlive it; so must this.
  /// @throws ConfigError for its parameters, and for an agent that does not learn.
  std::unique_ptr<Learner> make_agent(Random& random) const;
  /// What the agent is made for. This must outlive it.
  const Problem& problem() const { return problem_; }
  const RunConfig& first() const { return runs_.front().config; }
  TrainingWorlds worlds(double duration_s) const;
  std::vector<SimulatedTask> tasks() const;
  /// How far from these tasks training goes.
  Randomisation spread() const;
  /// Of the only run, if there is a profile.
  const std::optional<Calibration>& calibration() const { return calibration_; }

  std::vector<std::string> boards() const;
  /// The effective configuration of each, by its file's name.
  std::vector<std::pair<std::string, std::string>> configurations() const;

 private:
  struct Run {
    std::string name;
    RunConfig config;
    SimulatedTask task;
  };
  static std::vector<Run> read(const TrainingPlan& plan);
  /// @return the only run's, which it makes the run's board. Empty without a profile.
  static std::optional<Calibration> calibrate(std::vector<Run>& runs, const TrainingPlan& plan);

  std::vector<Run> runs_;
  std::optional<Calibration> calibration_;
  std::unique_ptr<SimulatedWorld> nominal_;  ///< Of the first; it is never played.
  Problem problem_;
  std::string agent_;  ///< YAML, since threads cannot share a ConfigNode.
};

}  // namespace rein
