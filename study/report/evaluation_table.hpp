#pragma once

#include <string>
#include <vector>

#include "study/report/evaluation_results.hpp"
#include "study/report/table.hpp"

namespace rein::report {

/// What was evaluated on one board in one scenario: a stretch of Evaluation::results.
struct World {
  std::string title;  ///< "jetson-nano, alone, max_accuracy"
  std::vector<const Evaluation::Result*> results;
};

/// The worlds, in the order of the results, which must outlive them.
std::vector<World> worlds_of(const Evaluation& evaluation);

/// One row an agent. The best of each column is marked, the oracle left aside.
Table compare_agents(const World& world);

/// One row an agent: means over all worlds.
Table compare_totals(const Evaluation& evaluation);

/// One row for each agent that another one was compared with: differences, with intervals, and in
/// how many worlds it is ahead and behind. Empty without comparisons.
Table compare_pairwise(const Evaluation& evaluation);

/// The same row by row: in how many worlds of each run it is ahead and behind, by the budgets and
/// the objective.
Table compare_standings(const Evaluation& evaluation);

/// One row a scenario that several runs were played in: the mean regret of each agent over them.
/// Empty if there are not two such scenarios.
Table compare_scenarios(const Evaluation& evaluation);

/// What the worlds were measured against: how often that is not the oracle, and by how much. Empty
/// where nothing is known of it.
std::string describe_measures(const Evaluation& evaluation);

/// All of them for a terminal: each world, then the means, then the comparisons.
std::string to_text(const Evaluation& evaluation);

}  // namespace rein::report
