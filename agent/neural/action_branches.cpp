#include "agent/neural/action_branches.hpp"

namespace rein {

ActionBranches ActionBranches::per_knob(const ActionSpace& actions) {
  ActionBranches branches;
  std::size_t stride = actions.size();
  for (const auto& knob : actions.knobs()) {
    stride /= knob.levels.size();
    if (knob.levels.size() > 1) {
      branches.add(knob.levels.size(), stride);
    }
  }
  if (branches.branches_.empty()) {
    branches.add(1, 1);
  }
  return branches;
}

ActionBranches ActionBranches::joint(std::size_t actions) {
  ActionBranches branches;
  branches.add(actions, 1);
  return branches;
}

void ActionBranches::add(std::size_t size, std::size_t stride) {
  branches_.push_back({.size = size, .stride = stride, .begin = outputs_});
  outputs_ += size;
}

ActionId ActionBranches::join(std::span<const BranchAction> parts) const {
  ActionId action = 0;
  for (std::size_t i = 0; i < branches_.size(); ++i) {
    action += parts[i] * branches_[i].stride;
  }
  return action;
}

}  // namespace rein
