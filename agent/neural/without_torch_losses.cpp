#include "agent/neural/torch_losses.hpp"

namespace rein {

bool has_torch_losses() { return false; }

std::unique_ptr<QLoss> make_torch_q_loss(const NetworkLayout&, const QHead&, const QLossOptions&) {
  return nullptr;
}

std::unique_ptr<PolicyLoss> make_torch_policy_loss(const NetworkLayout&, const PolicyHead&,
                                                   const PolicyLossOptions&) {
  return nullptr;
}

}  // namespace rein
