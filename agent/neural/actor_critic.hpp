#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/core/agent.hpp"
#include "agent/neural/feature_scaler.hpp"
#include "agent/neural/learned_weights.hpp"
#include "agent/neural/policy_loss.hpp"
#include "common/config_node.hpp"
#include "common/random.hpp"

namespace rein {

/// Advantage actor-critic (Mnih et al. 2016) with generalised advantages (Schulman et al. 2016): a
/// network that gives the state's value and a policy with a branch for each knob.
///
/// It learns from rollouts of some steps of its own, each of one stream. A step that was not its
/// own (a shield's choice, or anybody's before it was asked) has no part in the gradient, since
/// nothing is known of the chance with which it was taken: it cuts the rollout, as if its weight of
/// importance were 0 (V-trace: Espeholt et al. 2018, eq. 1). It explores by drawing from its
/// policy, which the entropy keeps open.
class ActorCritic final : public Agent {
 public:
  struct Options {
    PolicyLossOptions loss;
    std::vector<std::size_t> hidden = {64, 64};  ///< Sizes of the hidden layers.
    double discount = 0.6;                       ///< gamma, in [0, 1).
    double lambda = 0.95;                        ///< Of the advantages, in [0, 1].
    double learning_rate = 1e-3;                 ///< Of Adam; above 0.
    double gradient_limit = 0.5;                 ///< Longer gradients are shortened to it; above 0.
    double reward_floor = -2.0;                  ///< Rewards below count as this much.
    std::size_t rollout = 32;                    ///< Steps of a stream for an update; above 0.

    static Options from_yaml(const ConfigNode& node);
  };

  /// `random` must outlive the agent; its state is part of the checkpoint.
  ActorCritic(const Options& options, Problem problem, Random& random);

  std::string kind() const override { return "actor_critic"; }
  bool learns() const override { return true; }
  /// The steps of a rollout that was not finished are learned from with the next of the stream.
  void begin_episode(std::size_t stream) override;
  void attend(std::size_t stream) override { attended_ = stream; }
  ActionId act(const View& view) override;
  void observe(const Transition& transition) override;
  ExplorationStatus exploration() const override { return exploration_; }
  void archive(Archive& archive) override;

  double value(const Observation& observation);
  /// [actions]: the policy.
  std::vector<double> probabilities(const Observation& observation);

  const LearnedWeights& learned() const { return learned_; }
  /// @pre as learned().layout says.
  void set_weights(const AlignedFloats& weights) { learned_.weights = weights; }

 private:
  /// Steps of one stream.
  struct Rollout {
    std::vector<float> observations;       ///< [steps x features]
    std::vector<float> next_observations;  ///< The same.
    std::vector<ActionId> actions;         ///< [steps]
    std::vector<double> rewards;           ///< [steps]
    std::vector<std::uint8_t> terminated;  ///< [steps], 0 or 1
    std::vector<std::uint8_t> cut;         ///< [steps]
  };

  const float* evaluate(const Observation& observation);
  /// Fills chances_ with the branches' chances.
  void fill_chances(const float* output);
  /// Of a scaled observation.
  double value_of(const float* scaled);
  /// Learns from the rollout, and scales its observations in place.
  void update(Rollout& rollout);

  void archive_rollout(Archive& archive, Rollout& rollout) const;

  Options options_;
  Problem problem_;
  Random& random_;
  PolicyHead head_;
  FeatureScaler scaler_;
  LearnedWeights learned_;
  std::unique_ptr<PolicyLoss> loss_;
  std::map<std::size_t, Rollout> rollouts_;  ///< Of each stream.
  std::map<std::size_t, ActionId> chosen_;   ///< In each stream, until it was done.
  std::size_t attended_ = 0;                 ///< The stream in which it acts.
  ExplorationStatus exploration_;

  // Memory of a step.
  FusedNetwork acting_;
  std::vector<float> chances_;  ///< [head_.branches.outputs()]
  PolicyBatch batch_;
  AlignedFloats gradients_;
};

}  // namespace rein
