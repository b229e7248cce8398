#pragma once

#include <vector>

#include "env/simulated_world.hpp"
#include "study/run/simulated_run.hpp"

namespace rein::suite {

/// What a configuration came to that was kept for a whole episode.
struct ConfigurationFigures {
  double late_share = 0.0;  ///< Missed requests beyond the share that may be missed.
  double requests = 0.0;
  double power_w = 0.0;    ///< The highest mean over the budget's window; so is energy.
  double energy_mj = 0.0;  ///< Of a request.
  double energy_j = 0.0;   ///< Of the episode.
  double hottest_c = 0.0;
  double top1 = 0.0;  ///< Of its level.
};

/// Of each action, in their order. @pre the task has a budget of each kind, on energy one for each
/// request.
std::vector<ConfigurationFigures> figures_of_all(const SimulatedTask& task);

/// BudgetTally::worst_rate() of an action that is kept for a whole episode.
double worst_rate(Environment& environment, ActionId action);

}  // namespace rein::suite
