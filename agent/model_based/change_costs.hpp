#pragma once

#include <cstddef>
#include <vector>

#include "agent/model_based/planner_options.hpp"
#include "common/archive.hpp"
#include "env/action_space.hpp"

namespace rein {

/// How much longer the first request after a change of knobs takes than those that follow: another
/// network is loaded, threads move, clocks rise. Learned for each knob, since it is paid for
/// whatever the levels are.
class ChangeCosts {
 public:
  /// `actions` must outlive this.
  explicit ChangeCosts(const ActionSpace& actions, const PlannerOptions& options = {});

  /// In ms, at least 0.
  double of(ActionId from, ActionId to) const;
  /// Whether it was seen what each of the knobs that differ costs.
  bool knows(ActionId from, ActionId to) const;
  /// To every action. Overwrites `costs_ms`.
  void from(ActionId action, std::vector<double>& costs_ms) const;
  /// @param extra_ms  that the first request took longer; noise may make it negative.
  void learn(ActionId from, ActionId to, double extra_ms);

  void archive(Archive& archive);

 private:
  struct Cost {
    double ms = 0.0;
    std::size_t seen = 0;  ///< Changes that it was learned from, up to memory_.
  };
  const ActionSpace& actions_;
  std::size_t memory_;       ///< So many changes count: older ones fade.
  std::vector<Cost> costs_;  ///< [knobs]
};

}  // namespace rein
