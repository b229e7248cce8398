#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "agent/core/change_detector.hpp"
#include "agent/core/learner.hpp"
#include "agent/core/problem.hpp"
#include "agent/neural/feature_scaler.hpp"
#include "agent/neural/learned_weights.hpp"
#include "agent/neural/q_loss.hpp"
#include "agent/neural/replay_buffer.hpp"
#include "common/config_node.hpp"
#include "common/random.hpp"

namespace rein {

/// A deep Q-network (Mnih et al. 2015): double (van Hasselt, Guez and Silver 2016), duelling (Wang
/// et al. 2016), with a branch for each knob where there are many joint actions (Tavakoli, Pardo
/// and Kormushev 2018; QHead says how they are put together).
///
/// It explores with chance epsilon: one knob, and each other one with a chance of a quarter, by
/// softmax of their values. What is not allowed is left out before the draw, of the best and of
/// what exploring leads to, where AllowedActions looks at each action; the branches' chances are
/// then put together for each allowed action, so that the noted probability stays exact. Drawing
/// again what is not allowed would need the same sum to be noted right.
class DqnPolicy final : public Policy {
 public:
  struct Options {
    enum class Head { kBySize, kJoint, kBranching };

    QLossOptions loss;
    std::vector<std::size_t> hidden = {64, 64};  ///< Sizes of the hidden layers.
    Head head = Head::kBySize;                   ///< Joint up to kJointActions.
    bool duelling = true;
    double learning_rate = 1e-3;       ///< Of Adam; above 0.
    double reward_floor = -2.0;        ///< Rewards below count as this much.
    std::size_t batch = 32;            ///< Transitions an update; above 0.
    std::size_t updates_per_step = 1;  ///< Updates for each transition.
    std::size_t warm_up = 100;         ///< Transitions before the first update.
    std::size_t replay = 20'000;       ///< Transitions kept; above 0.
    double target_rate = 0.003;     ///< How far the target network goes to the other, in (0, 1] ...
    std::size_t target_period = 1;  ///< ... each time so many updates were made; above 0.
    double exploration_initial = 0.5;      ///< epsilon to begin with, in [0, 1].
    double exploration_reopened = 0.2;     ///< At least this, after a change.
    double exploration_final = 0.02;       ///< Its limit.
    double exploration_half_life = 300.0;  ///< Periods after which it is half way there; above 0.
    double exploration_temperature = 0.3;  ///< Of the softmax that explores; above 0.
    /// Of the size of the temporal-difference error, cut at 1.
    ChangeDetector::Options change;
    bool save_replay = true;  ///< Whether a checkpoint goes on to the bit, or is small.

    static Options from_yaml(const ConfigNode& node);
  };
  /// More than this many joint actions get branches, unless told otherwise.
  static constexpr std::size_t kJointActions = 64;

  /// What is learned.
  struct Learned {
    FeatureScaler scaler;
    LearnedWeights network;
    double epsilon = 0.0;  ///< The chance that it explores, in [0, 1].
  };
  /// Memory of a decision: nothing of an episode is kept.
  struct Now final : Session {
    Now(Random& source, const NetworkLayout& layout, const ActionBranches& branches)
        : Session(source),
          network(layout, 1),
          chances(branches.outputs()),
          best(branches.count()),
          parts(branches.count()) {}
    FusedNetwork network;
    std::vector<float> chances;             ///< Of the branches' actions, where they explore.
    std::vector<BranchAction> best, parts;  ///< [branches], of an action.
  };

  /// @param random  of which the network's first weights are drawn.
  DqnPolicy(const Options& options, const Problem& problem, Random& random);

  std::string kind() const override { return "dqn"; }
  std::unique_ptr<Session> begin_episode(Random& random) const override;
  Decision decide(const View& view, Session& session) const override;
  std::string parameters() const override;
  void archive(Archive& archive) override;

  /// What it believes to be best.
  Action greedy(const Observation& observation) const;
  /// The value of that.
  double best_value(const Observation& observation) const;
  double best_value(const Observation& observation, Now& now) const;
  /// Of an action. @param parts  [branches]
  double value(const Observation& observation, std::span<const BranchAction> parts, Now& now) const;

  const QHead& head() const { return head_; }
  const Learned& learned() const { return learned_; }
  /// Changed by who learns.
  Learned& learned() { return learned_; }

 private:
  /// @return the network's outputs, valid until the next call.
  const float* evaluate(const Observation& observation, Now& now) const;
  /// Of all actions.
  Decision choose(const float* output, bool wants_probability, Now& now) const;
  Decision choose(const AllowedActions& allowed, const float* output, Now& now) const;
  /// Of each branch's actions, where it explores.
  void fill_chances(const float* output, Now& now) const;
  /// The chance that exploring leads to this action, now that `best` and `chances` are known.
  double chance_of_exploring(std::span<const BranchAction> parts, const Now& now) const;

  const ActionSpace& actions_;
  float temperature_;
  QHead head_;
  Learned learned_;
};

/// Learns DqnPolicy's network from its own periods and others', with replay and a target network.
/// Epsilon falls with the periods, and rises again when rewards are no longer what was expected.
class Dqn final : public Learner {
 public:
  using Options = DqnPolicy::Options;

  /// `random` must outlive the agent; its state is part of the checkpoint.
  Dqn(const Options& options, Problem problem, Random& random);

  const DqnPolicy& policy() const override { return policy_; }
  const Problem& problem() const override { return problem_; }
  bool learns() const override { return true; }
  bool learns_from_others() const override { return true; }
  std::uint64_t updates() const override { return updates_; }
  void learn(const PeriodRecord& record, Session& session) override;
  void archive(Archive& archive) override;

  const AlignedFloats& weights() const { return policy_.learned().network.weights; }
  const AlignedFloats& target() const { return target_; }
  /// Takes these weights for both networks. @pre as the policy's layout says.
  void set_weights(const AlignedFloats& weights);

 private:
  double epsilon() const;
  void update();

  Options options_;
  Problem problem_;
  Random& random_;
  DqnPolicy policy_;
  AlignedFloats target_;
  std::unique_ptr<QLoss> loss_;
  ReplayBuffer replay_;
  ChangeDetector detector_;
  double opened_;             ///< epsilon when it last began to fall, ...
  std::size_t decaying_ = 0;  ///< ... and the periods since.
  std::uint64_t updates_ = 0;

  // Memory of a step.
  QBatch batch_;
  AlignedFloats gradients_;
};

}  // namespace rein
