#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/archive.hpp"
#include "env/environment.hpp"

namespace rein {

/// What an agent may know of its task beforehand.
struct Problem {
  const ActionSpace& actions;
  const ObservationSpec& observations;
  std::vector<double> reward_bounds;            ///< [actions]: Environment::reward_bound of each.
  std::vector<SignalDescription> signals = {};  ///< Those of StepInfo::signals.
  TaskDescription task = {};
};

/// What an agent may know of the environment, which must outlive it.
Problem problem_of(const Environment& environment);

/// What a decision is made on. The references hold for the time of a call.
struct View {
  /// With nothing asked for unless a task is given.
  View(const Observation& seen, const Task& asked = nothing_asked())  // NOLINT: one is the other.
      : observation(seen), task(asked) {}

  const Observation& observation;
  const Task& task;  ///< Of the coming period.

 private:
  static const Task& nothing_asked();
};

/// One step, as the environment reported it.
struct Transition {
  const Observation& observation;  ///< Before the action.
  ActionId action;
  double reward;
  const std::vector<RewardTerm>& terms;  ///< Their sum is the reward.
  const Observation& next_observation;
  bool terminated;  ///< The next state has no value.
  bool truncated;   ///< The next state's value still counts.
  /// What else is known of the period; null if it was imagined.
  const StepInfo* info = nullptr;
  /// Which of several environments it is from, where an agent learns in many at once.
  std::size_t stream = 0;
};

/// How an agent came to its last action.
struct ExplorationStatus {
  double rate = 0.0;      ///< The chance that it explored, in [0, 1].
  bool explored = false;  ///< It did not take what it believes best.
};

/// Decides which action to take, and may learn from what follows. Used from one thread.
class Agent {
 public:
  virtual ~Agent() = default;

  /// As in make_agent(): "q_learning".
  virtual std::string kind() const = 0;

  /// An episode begins: the environment was reset, and what was believed of its present state no
  /// longer holds; what was learned does.
  virtual void begin_episode(std::size_t /*stream*/ = 0) {}

  /// Which environment the calls of act() that follow are in; that of stream 0 until it is said.
  virtual void attend(std::size_t /*stream*/) {}

  /// @pre one finite value for each feature.  @post the action is below actions.size().
  virtual ActionId act(const View& view) = 0;

  /// Learns from a transition of its own or of somebody else's; agents that do not learn ignore it.
  virtual void observe(const Transition& transition) = 0;

  virtual ExplorationStatus exploration() const { return {}; }

  /// Whether it decides better after it has observed: whether practice is worth anything to it.
  virtual bool learns() const { return false; }

  /// Whether it can learn from what others did when nothing is known of it but what was seen, done
  /// and earned (Transition::info is null): from a recorded trace.
  virtual bool learns_from_others() const { return false; }

  /// What a checkpoint holds, after archive_header(): all that is needed to go on as if never
  /// stopped, the random generator included. What is read must be kept first (Archive::keep), so
  /// that an agent which cannot read it is as it was.
  virtual void archive(Archive& archive) = 0;

  /// Writes a checkpoint (JSON). @throws Error naming the file.
  void save(const std::filesystem::path& file) const;
  /// @throws ConfigError if the file is not a checkpoint of this kind for this problem; the agent
  ///         is then as it was.
  void load(const std::filesystem::path& file);
};

}  // namespace rein
