#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/core/agent.hpp"
#include "agent/core/change_detector.hpp"
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
/// It explores with chance epsilon, which falls with the periods, and rises again when rewards are
/// no longer what was expected. Only some knobs explore at a time, and by softmax of their values.
class Dqn final : public Agent {
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

  /// `random` must outlive the agent; its state is part of the checkpoint.
  Dqn(const Options& options, Problem problem, Random& random);

  std::string kind() const override { return "dqn"; }
  bool learns() const override { return true; }
  bool learns_from_others() const override { return true; }
  ActionId act(const View& view) override;
  void observe(const Transition& transition) override;
  ExplorationStatus exploration() const override { return exploration_; }
  void archive(Archive& archive) override;

  /// What it believes to be best.
  ActionId greedy(const Observation& observation);
  /// The value of that.
  double best_value(const Observation& observation);

  const QHead& head() const { return head_; }
  const LearnedWeights& learned() const { return learned_; }
  const AlignedFloats& target() const { return target_; }
  /// Takes these weights for both networks. @pre as learned().layout says.
  void set_weights(const AlignedFloats& weights);

 private:
  /// @return the network's outputs, valid until the next call.
  const float* evaluate(const Observation& observation);
  ActionId best_of(const float* output);
  BranchAction explore(const float* output, const ActionBranches::Branch& branch);
  double epsilon() const;
  /// r + discount x value of the next state - value of this, by the network that acts.
  double temporal_difference(const Transition& transition, double reward);
  void update();

  Options options_;
  Problem problem_;
  Random& random_;
  QHead head_;
  FeatureScaler scaler_;
  LearnedWeights learned_;
  AlignedFloats target_;
  std::unique_ptr<QLoss> loss_;
  ReplayBuffer replay_;
  ChangeDetector detector_;
  double opened_;             ///< epsilon when it last began to fall, ...
  std::size_t decaying_ = 0;  ///< ... and the periods since.
  ExplorationStatus exploration_;

  // Memory of a step.
  FusedNetwork acting_;
  std::vector<BranchAction> chosen_;  ///< [branches]: parts of an action.
  std::vector<double> weights_;       ///< Of a softmax.
  QBatch batch_;
  AlignedFloats gradients_;
};

}  // namespace rein
