#pragma once

#include <memory>
#include <span>
#include <vector>

#include "agent/neural/action_branches.hpp"
#include "agent/neural/fused_network.hpp"

namespace rein {

/// One step of a rollout, as far as advantages ask.
struct RolloutStep {
  double reward = 0.0;
  double value = 0.0;       ///< V(s)
  double next_value = 0.0;  ///< V(s'); does not count if terminated.
  bool terminated = false;
  bool cut = false;  ///< The step after it, if any, does not follow from it.
};

/// Generalised advantage estimation (Schulman et al. 2016, eq. 16): the sum over l of
/// (discount x lambda)^l x (r + discount V(s') - V(s)) of the l-th next step, up to a cut.
std::vector<double> generalised_advantages(std::span<const RolloutStep> steps, double discount,
                                           double lambda);

/// What the actor-critic learns from, side by side.
struct PolicyBatch {
  std::vector<float> observations;  ///< [size x features]
  std::vector<BranchAction> parts;  ///< [size x branches], of the actions.
  std::vector<float> advantages;    ///< [size]: how much better than expected the action was.
  std::vector<float> returns;       ///< [size]: what the state was worth.

  std::size_t size() const { return returns.size(); }
};

/// What a policy's network puts out: the state's value, then a logit for each action of each
/// branch. A policy's chance of an action is the product of its branches' (softmax).
struct PolicyHead {
  ActionBranches branches;

  std::size_t outputs() const { return 1 + branches.outputs(); }
  const float* logits(const float* output, const ActionBranches::Branch& branch) const {
    return output + 1 + branch.begin;
  }
  /// Writes the branch's [branch.size] chances.
  void probabilities(const float* output, const ActionBranches::Branch& branch,
                     float* chances) const;
};

/// The loss is the mean over rows of
///   - advantage x log pi(a | s) + value_weight / 2 x (return - V(s))^2 - entropy_weight x H(pi(s))
/// (advantage actor-critic: Mnih et al. 2016, section 4); the entropy H is the sum of the
/// branches'.
struct PolicyLossOptions {
  double value_weight = 0.5;
  double entropy_weight = 0.003;
};

/// Finds the gradients of that loss.
class PolicyLoss {
 public:
  virtual ~PolicyLoss() = default;

  /// Overwrites `gradients`. @return the loss.
  virtual float differentiate(const PolicyBatch& batch, const AlignedFloats& weights,
                              AlignedFloats& gradients) = 0;
};

/// @param rows  of a batch, at most.
std::unique_ptr<PolicyLoss> make_fused_policy_loss(const NetworkLayout& layout,
                                                   const PolicyHead& head,
                                                   const PolicyLossOptions& options,
                                                   std::size_t rows);

}  // namespace rein
