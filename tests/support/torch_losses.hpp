#pragma once

#include <memory>

#include "agent/neural/policy_loss.hpp"
#include "agent/neural/q_loss.hpp"

namespace rein {

/// The same losses by LibTorch, with its own gradients (autograd): what the fused ones are checked
/// against.
std::unique_ptr<QLoss> make_torch_q_loss(const NetworkLayout& layout, const QHead& head,
                                         const QLossOptions& options);
std::unique_ptr<PolicyLoss> make_torch_policy_loss(const NetworkLayout& layout,
                                                   const PolicyHead& head,
                                                   const PolicyLossOptions& options);

}  // namespace rein
