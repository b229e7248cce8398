#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "agent/neural/action_branches.hpp"
#include "common/archive.hpp"
#include "env/period_record.hpp"

namespace rein {

/// Steps that a policy took itself, one after the other.
struct Rollout {
  std::vector<float> observations;       ///< [steps x features]
  std::vector<float> next_observations;  ///< The same.
  std::vector<BranchAction> parts;       ///< [steps x branches], of the actions.
  std::vector<double> rewards;           ///< [steps]
  std::vector<std::uint8_t> terminated;  ///< [steps], 0 or 1
  std::vector<std::uint8_t> cut;         ///< [steps]: what follows does not follow from it.

  std::size_t size() const { return rewards.size(); }
  /// @param reward  as it is learned.
  void add(const PeriodRecord& record, double reward, const ActionBranches& branches);
  /// The same step of another. @pre step < other.size()
  void add(const Rollout& other, std::size_t step);
  /// After the last step comes something else, if there is one.
  void cut_last();
  /// @param room  there are fewer steps.
  void archive(Archive& archive, std::size_t features, const ActionBranches& branches,
               std::size_t room);
};

}  // namespace rein
