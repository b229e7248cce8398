#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "agent/core/learner.hpp"
#include "agent/core/problem.hpp"
#include "agent/neural/feature_scaler.hpp"
#include "agent/neural/learned_weights.hpp"
#include "agent/neural/policy_loss.hpp"
#include "agent/neural/rollout.hpp"
#include "common/config_node.hpp"
#include "common/random.hpp"

namespace rein {

/// A network that gives the state's value and a policy with a branch for each knob, of which is
/// drawn. Where some actions are not allowed and AllowedActions looks at each, the draw is among
/// the others, by the product of their branches' chances: so the noted probability is exact, and
/// what is drawn is the policy's own.
class ActorCriticPolicy final : public Policy {
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

  /// What is learned.
  struct Learned {
    FeatureScaler scaler;
    LearnedWeights network;
  };
  struct Now final : Session {
    Now(Random& source, const NetworkLayout& layout, const ActionBranches& branches)
        : Session(source),
          network(layout, 1),
          chances(branches.outputs()),
          parts(branches.count()) {}
    Rollout rollout;  ///< What was not learned from yet.
    Action chosen;    ///< The last action; empty once it was done.
    // Memory of a decision.
    FusedNetwork network;
    std::vector<float> chances;       ///< Of the branches' actions.
    std::vector<BranchAction> parts;  ///< [branches], of an action.
  };

  /// @param random  of which the network's first weights are drawn.
  ActorCriticPolicy(const Options& options, const Problem& problem, Random& random);

  std::string kind() const override { return "actor_critic"; }
  std::unique_ptr<Session> begin_episode(Random& random) const override;
  Decision decide(const View& view, Session& session) const override;
  void archive(Archive& archive) override;

  double value(const Observation& observation) const;
  /// The chance of an action, where all are allowed.
  double probability(const Observation& observation, const Action& action) const;

  const PolicyHead& head() const { return head_; }
  const Learned& learned() const { return learned_; }
  /// Changed by who learns.
  Learned& learned() { return learned_; }

 private:
  /// Fills the session's chances.
  void evaluate(const Observation& observation, Now& now) const;
  /// Of all actions.
  Decision choose(Now& now) const;
  Decision choose(const AllowedActions& allowed, Now& now) const;
  /// Of an action: the product of its branches'.
  double chance(std::span<const BranchAction> parts, const Now& now) const;

  const ActionSpace& actions_;
  PolicyHead head_;
  Learned learned_;
};

/// Advantage actor-critic (Mnih et al. 2016) with generalised advantages (Schulman et al. 2016).
///
/// It learns from rollouts of some steps of its own, each of one episode. A step that was not its
/// own (a shield's choice, or anybody's before it was asked) has no part in the gradient, since
/// nothing is known of the chance with which it was taken: it cuts the rollout, as if its weight of
/// importance were 0 (V-trace: Espeholt et al. 2018, eq. 1). It explores by drawing from its
/// policy, which the entropy keeps open.
///
/// Of what was drawn among the allowed actions alone, the gradient is still that of log pi(a): that
/// of the chance to be allowed, which it lacks, has no weight, since advantages are 0 in the mean.
class ActorCritic final : public Learner {
 public:
  using Options = ActorCriticPolicy::Options;

  /// `random` must outlive the agent; its state is part of the checkpoint.
  ActorCritic(const Options& options, Problem problem, Random& random);

  const ActorCriticPolicy& policy() const override { return policy_; }
  const Problem& problem() const override { return problem_; }
  bool learns() const override { return true; }
  std::uint64_t updates() const override { return updates_; }
  void learn(const PeriodRecord& record, Session& session) override;
  /// What the episode's last rollout has is learned from with other episodes' rests.
  void end_episode(Session& session) override;
  void archive(Archive& archive) override;

  const AlignedFloats& weights() const { return policy_.learned().network.weights; }
  /// @pre as the policy's layout says.
  void set_weights(const AlignedFloats& weights) { policy_.learned().network.weights = weights; }

 private:
  /// Of a scaled observation.
  double value_of(const float* scaled);
  /// Learns from the rollout once it is long enough, and empties it.
  void update_from(Rollout& rollout);

  Options options_;
  Problem problem_;
  Random& random_;
  ActorCriticPolicy policy_;
  std::unique_ptr<PolicyLoss> loss_;
  Rollout rest_;  ///< Of episodes that are over.
  std::uint64_t updates_ = 0;

  // Memory of an update.
  FusedNetwork valuing_;
  PolicyBatch batch_;
  AlignedFloats gradients_;
};

}  // namespace rein
