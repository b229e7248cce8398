#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "agent/core/allowed_actions.hpp"
#include "common/archive.hpp"
#include "env/action_space.hpp"

namespace rein {

/// Which of a branch's actions: a knob's level, or a joint action.
using BranchAction = std::uint32_t;

/// An action as parts that are chosen one by one, each by outputs of a network of its own: "action
/// branching" (Tavakoli, Pardo and Kormushev 2018). 660 joint actions of knobs with 4, 3, 5 and 11
/// levels need 23 outputs, not 660. With a branch for each knob nothing counts the joint actions.
class ActionBranches {
 public:
  struct Branch {
    std::size_t size = 0;   ///< Its number of actions.
    std::size_t begin = 0;  ///< Of its outputs among those of all branches.
  };

  /// A branch for each knob that has more than one level; at least one.
  static ActionBranches per_knob(const ActionSpace& actions);
  /// All joint actions in one branch.
  static ActionBranches joint(const ActionSpace& actions);
  /// One branch of what no knobs say: nothing is split or joined.
  static ActionBranches joint(std::size_t actions);

  const std::vector<Branch>& all() const { return branches_; }
  std::size_t count() const { return branches_.size(); }
  std::size_t outputs() const { return outputs_; }  ///< Sum of the sizes.

  /// Writes the [count()] parts. @pre the levels fit the knobs.
  void split(const Action& levels, std::span<BranchAction> parts) const;
  Action join(std::span<const BranchAction> parts) const;
  /// [allowed x count()]: the parts of each, in their order.
  std::vector<BranchAction> split(const AllowedActions& allowed, const ActionSpace& actions) const;

  /// [rows x count()] parts, as a checkpoint holds them.
  void archive(Archive& archive, const std::string& key, std::vector<BranchAction>& parts,
               std::size_t rows) const;

 private:
  /// Where a knob's level is among the parts.
  struct Digit {
    std::size_t branch = 0;
    BranchAction stride = 1;  ///< What a level is worth there.
    BranchAction levels = 1;
  };
  void add(std::size_t size);

  std::vector<Branch> branches_;
  std::vector<Digit> digits_;  ///< [knobs]
  std::size_t outputs_ = 0;
};

}  // namespace rein
