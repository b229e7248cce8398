#pragma once

#include <memory>
#include <span>

#include "agent/neural/action_branches.hpp"
#include "agent/neural/fused_network.hpp"
#include "agent/neural/replay_buffer.hpp"

namespace rein {

/// What a Q-network's outputs mean. An action's value is the sum of what its parts contribute:
///   Q(s, a) = V(s) + sum over branches b of A_b(s, a_b) - mean of A_b(s, .)
/// With one branch this is the duelling network (Wang et al. 2016, eq. 9). Branches on a shared
/// trunk are those of Tavakoli, Pardo and Kormushev (2018); they learn a value each towards a
/// common target. Adding them up (as Sunehag et al. 2018 do for agents, eq. 2) knows which part of
/// an action was to blame, and left half the regret on the simulated boards. The best action is the
/// best of each branch either way.
struct QHead {
  ActionBranches branches;
  bool duelling = true;  ///< The first output is V; otherwise there is none, and no mean goes off.

  std::size_t outputs() const { return branches.outputs() + (duelling ? 1 : 0); }
  const float* advantages(const float* output, const ActionBranches::Branch& branch) const {
    return output + (duelling ? 1 : 0) + branch.begin;
  }
  BranchAction best(const float* output, const ActionBranches::Branch& branch) const;
  /// @param parts  [branches], of the action.
  float value(const float* output, std::span<const BranchAction> parts) const;
  /// Writes the [branches] parts of the best action.
  void choose(const float* output, std::span<BranchAction> parts) const;
};

/// What DQN learns from a batch (Mnih et al. 2015). The loss is the mean over rows of the Huber
/// function (Huber 1964) of the error
///   r + discount x continues x Q'(s', a*) - Q(s, a)
/// with the target network's Q'; a* is the best by the network that learns if double_q (van
/// Hasselt, Guez and Silver 2016), else by the target network.
struct QLossOptions {
  double discount = 0.5;
  bool double_q = true;
  /// Up to this error the loss is half its square, and straight beyond; above 0, infinity for half
  /// the square whatever it is.
  double bend = 1.0;
};

/// Finds the gradients of that loss.
class QLoss {
 public:
  virtual ~QLoss() = default;

  /// Overwrites `gradients`. @return the loss.
  virtual float differentiate(const QBatch& batch, const AlignedFloats& weights,
                              const AlignedFloats& target, AlignedFloats& gradients) = 0;
};

std::unique_ptr<QLoss> make_fused_q_loss(const NetworkLayout& layout, const QHead& head,
                                         const QLossOptions& options, std::size_t batch);

}  // namespace rein
