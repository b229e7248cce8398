#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "agent/neural/action_branches.hpp"
#include "common/archive.hpp"
#include "common/random.hpp"

namespace rein {

/// Transitions to learn from, side by side.
struct QBatch {
  std::vector<float> observations;       ///< [size x features]
  std::vector<float> next_observations;  ///< The same.
  std::vector<BranchAction> parts;       ///< [size x branches], of the actions.
  std::vector<float> rewards;            ///< [size], as they are learned.
  std::vector<float> continues;          ///< [size]: 0 where the next state has no value, else 1.

  void resize(std::size_t size, std::size_t features, std::size_t branches);
  std::size_t size() const { return rewards.size(); }
};

/// The last transitions, from which batches are drawn uniformly (Lin 1992; Mnih et al. 2015).
class ReplayBuffer {
 public:
  /// @param capacity  in transitions; above 0. Memory is taken as it fills.
  ReplayBuffer(std::size_t capacity, std::size_t features, ActionBranches branches);

  std::size_t size() const { return rows_.size(); }

  /// Takes the place of the oldest if it is full.
  /// @param parts  [branches], of the action.
  void add(const std::vector<double>& observation, std::span<const BranchAction> parts,
           float reward, const std::vector<double>& next_observation, bool terminated);
  /// @pre it is not empty.
  void sample(std::size_t count, Random& random, QBatch& batch) const;

  /// All in the order of the memory, and where the next one goes.
  void archive(Archive& archive);

 private:
  std::size_t capacity_;
  std::size_t features_;
  ActionBranches branches_;
  QBatch rows_;
  std::size_t next_ = 0;
};

}  // namespace rein
