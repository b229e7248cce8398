#pragma once

#include <memory>

#include "agent/neural/policy_loss.hpp"
#include "agent/neural/q_loss.hpp"

namespace rein {

/// Whether Rein was built with LibTorch; otherwise there is nothing below.
bool has_torch_losses();

/// The same losses by LibTorch, with its own gradients (autograd): what the fused ones are checked
/// against, and several times slower. Null if there is no LibTorch.
std::unique_ptr<QLoss> make_torch_q_loss(const NetworkLayout& layout, const QHead& head,
                                         const QLossOptions& options);
std::unique_ptr<PolicyLoss> make_torch_policy_loss(const NetworkLayout& layout,
                                                   const PolicyHead& head,
                                                   const PolicyLossOptions& options);

}  // namespace rein
