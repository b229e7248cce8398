#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "env/action_space.hpp"

namespace rein {

/// Which of a branch's actions: a knob's level, or a joint action.
using BranchAction = std::uint32_t;

/// An action as parts that are chosen one by one, each by outputs of a network of its own: "action
/// branching" (Tavakoli, Pardo and Kormushev 2018). 660 joint actions of knobs with 4, 3, 5 and 11
/// levels need 23 outputs, not 660.
class ActionBranches {
 public:
  struct Branch {
    std::size_t size = 0;    ///< Its number of actions.
    std::size_t stride = 0;  ///< What one of them is worth in the ActionId.
    std::size_t begin = 0;   ///< Of its outputs among those of all branches.
  };

  /// A branch for each knob that has more than one level; at least one.
  static ActionBranches per_knob(const ActionSpace& actions);
  /// All joint actions in one branch.
  static ActionBranches joint(std::size_t actions);

  const std::vector<Branch>& all() const { return branches_; }
  std::size_t count() const { return branches_.size(); }
  std::size_t outputs() const { return outputs_; }  ///< Sum of the sizes.

  BranchAction part(ActionId action, const Branch& branch) const {
    return static_cast<BranchAction>(action / branch.stride % branch.size);
  }
  ActionId join(std::span<const BranchAction> parts) const;

 private:
  void add(std::size_t size, std::size_t stride);

  std::vector<Branch> branches_;
  std::size_t outputs_ = 0;
};

}  // namespace rein
