#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/agent.hpp"
#include "common/archive.hpp"
#include "common/random.hpp"
#include "env/worth.hpp"
#include "study/training/lesson.hpp"

namespace rein {

/// What the agent came to in the validation episodes, after so much training. Means over them.
struct LearningPoint {
  std::uint64_t episodes = 0;       ///< Of training ...
  std::uint64_t periods = 0;        ///< ... and their transitions.
  double reward = 0.0;              ///< Mean of a period.
  std::optional<double> objective;  ///< In its own unit: as in `summary.json`.
  std::optional<double> violation;  ///< Of the budget that was broken most.
  std::optional<double> miss_share;
  double seconds = 0.0;  ///< That training took, without validation.
};

/// Trains one agent in rounds, and looks on the way how good it has become.
///
/// The folder then has: `agent.json`, the agent as it is; `best/agent.json`, as it was at its best
/// in validation, once there is one after the first (until then `untrained/agent.json` is what may
/// become it); `training.json`, all that is needed to go on; `training.csv`, the learning curve.
class Trainer {
 public:
  struct Options {
    std::uint64_t episodes = 200;  ///< To be trained in all; above 0.
    std::uint64_t validate_every =
        40;  ///< Episodes: after the round that passes a multiple; above 0.
    std::uint64_t validation_episodes = 8;
    std::string setting;  ///< What must be the same for training to go on; not empty.
  };
  /// A new agent of the kind that is trained, for any thread. `random` outlives it.
  using MakeAgent = std::function<std::unique_ptr<Agent>(Random& random)>;
  /// Does work(0), ..., work(count - 1), each once, perhaps on several threads.
  using ForEach =
      std::function<void(std::size_t count, const std::function<void(std::size_t)>& work)>;
  /// Is told how many episodes are done, with a share of the next ones. The curve has a point.
  using Progress = std::function<void(double episodes, const std::vector<LearningPoint>& curve)>;

  /// @param lesson  must outlive the trainer.
  Trainer(const Options& options, Lesson& lesson, MakeAgent make_agent, DrawEpisode validation,
          const Objective& objective, std::filesystem::path folder);

  /// Whether a training in this folder can be gone on with.
  static bool is_begun(const std::filesystem::path& folder);

  /// Goes on where the training in this folder stopped, as if it had not; `agent` becomes what it
  /// was then. @throws ConfigError if there is none, or one of another setting or agent.
  void resume(Agent& agent);

  /// Trains `agent` until all episodes are done or `stop` says so, after a round or within one that
  /// is long, which is then given up; saves on the way after each validation, and in the end.
  void run(Agent& agent, const ForEach& for_each, const std::function<bool()>& stop,
           const Progress& progress);

  std::uint64_t episodes() const { return episodes_; }
  /// Whether all episodes are done and validated.
  bool is_done() const;
  /// The first point is of the agent before it learned.
  const std::vector<LearningPoint>& curve() const { return curve_; }

 private:
  /// Whether the agent as it is should be validated, and was not.
  bool is_due() const;
  /// Empty if `stop` said so. @pre the agent is saved.
  std::optional<LearningPoint> validate(const ForEach& for_each,
                                        const std::function<bool()>& stop) const;
  void add(const LearningPoint& point, const Agent& agent);
  /// All but the agent.
  void save();
  void archive(Archive& archive);

  Options options_;
  Lesson& lesson_;
  MakeAgent make_agent_;
  DrawEpisode validation_;
  Objective objective_;
  std::filesystem::path folder_;

  std::uint64_t episodes_ = 0;
  std::optional<std::uint64_t> saved_;  ///< Episodes of the agent in the folder, if this saved it.
  std::uint64_t periods_ = 0;
  double seconds_ = 0.0;
  std::vector<LearningPoint> curve_;
};

}  // namespace rein
