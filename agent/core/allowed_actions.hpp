#pragma once

#include <cstddef>
#include <vector>

#include "agent/core/policy.hpp"

namespace rein {

/// The actions that may be drawn in a period, in their order: what is not allowed is masked before
/// the draw, so that what is drawn has the probability that is noted.
///
/// All, where nothing is masked, where all are, and where they are so many that looking at each
/// would take longer than a decision may: then whoever masks replaces what is not allowed
/// (PeriodRecord::is_changed).
class AllowedActions {
 public:
  static constexpr std::size_t kMostLookedAt = 4096;

  AllowedActions(const View& view, const ActionSpace& actions) : size_(actions.size()) {
    if (view.allowed == nullptr || size_ > kMostLookedAt || view.allowed->allows_all()) {
      return;
    }
    Action action;
    for (ActionId id = 0; id < actions.size(); ++id) {
      actions.decode(id, action);
      if (view.allowed->allows(action)) {
        allowed_.push_back(id);
      }
    }
    if (allowed_.size() == size_) {
      allowed_.clear();
    }
    size_ = allowed_.empty() ? size_ : allowed_.size();
  }

  bool are_all() const { return allowed_.empty(); }
  std::size_t size() const { return size_; }
  /// @pre i < size().
  ActionId operator[](std::size_t i) const { return are_all() ? i : allowed_[i]; }

 private:
  std::vector<ActionId> allowed_;  ///< Empty: all.
  std::size_t size_;
};

}  // namespace rein
