#pragma once

#include <cstddef>
#include <vector>

#include "agent/model_based/planner_options.hpp"
#include "env/environment.hpp"

namespace rein {

/// What is in force while a clock is somewhere between two levels: two actions, and how far it is
/// from the lower to the upper.
struct Mixture {
  ActionId lower = 0;
  ActionId upper = 0;
  double share = 0.0;  ///< Of the upper, in [0, 1): of the way, as logarithms.

  ActionId nearest() const { return share < 0.5 ? lower : upper; }
  bool operator==(const Mixture&) const = default;
};

/// What is in force after these grants, one for each knob. Where two clocks are between levels, one
/// of them is taken to be at the nearest.
Mixture in_force(const ActionSpace& actions, const std::vector<KnobGrant>& granted,
                 const PlannerOptions& options = {});

/// Knobs that were not granted what was asked for, as on a hot board: what they are held down to is
/// believed in for a while.
class Ceilings {
 public:
  /// `actions` must outlive this.
  explicit Ceilings(const ActionSpace& actions, const PlannerOptions& options = {});

  void forget();
  /// What became of an action.
  void note(const std::vector<KnobGrant>& granted, ActionId asked);
  bool has_any() const;
  /// What will be in force when this action is asked for.
  Mixture granted(ActionId action) const;

 private:
  struct Ceiling {
    double value = 0.0;       ///< In the knob's unit.
    std::size_t periods = 0;  ///< For which it is taken to hold still; 0: there is none.
  };
  const ActionSpace& actions_;
  PlannerOptions options_;
  std::vector<Ceiling> ceilings_;  ///< [knobs]
};

}  // namespace rein
