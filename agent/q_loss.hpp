#pragma once

#include <memory>
#include <span>

#include "agent/action_branches.hpp"
#include "agent/fused_network.hpp"
#include "agent/replay_buffer.hpp"

namespace rein {

/// What a Q-network's outputs mean. Of each branch b, with V the state's value:
///   Q_b(s, a) = V(s) + A_b(s, a) - mean of A_b(s, .)      (duelling: Wang et al. 2016, eq. 9)
///   Q_b(s, a) = A_b(s, a)                                  (otherwise)
struct QHead {
  ActionBranches branches;
  bool duelling = true;  ///< The first output is V; the branches' follow.

  std::size_t outputs() const { return branches.outputs() + (duelling ? 1 : 0); }
  const float* advantages(const float* output, const ActionBranches::Branch& branch) const {
    return output + (duelling ? 1 : 0) + branch.begin;
  }
  BranchAction best(const float* output, const ActionBranches::Branch& branch) const;
  /// What is added to a branch's advantages to make them values.
  float base(const float* output, const ActionBranches::Branch& branch) const;
};

/// What DQN learns from a batch. The loss is the mean, over rows and branches, of the Huber
/// function (Huber 1964) with bend 1 of the error
///   r + discount x continues x mean over branches b of Q'_b(s', a*_b) - Q_b(s, a_b)
/// with the target network's Q' (Tavakoli et al. 2018, eqs. 4 and 6); a* is the best by the network
/// that learns if double_q (van Hasselt, Guez and Silver 2016), else by the target network.
struct QLossOptions {
  double discount = 0.6;
  bool double_q = true;
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
