#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/loop/run_summary.hpp"
#include "common/statistics.hpp"
#include "env/worth.hpp"

namespace rein {

/// Numbers of one episode by name, in the order in which they are written; empty where not known.
/// docs/evaluate.md says what each means.
using Figures = std::vector<std::pair<std::string, std::optional<double>>>;

/// What an episode came to by itself.
Figures figures_of(const RunSummary& summary, const Objective& objective);

/// And beside others' in the same world with the same seed: beside the oracle's
/// `violation_above_oracle` and `longest_miss_run_above_oracle`, beside the measure's
/// (find_measure()) `objective_share`, `p99_share`, `energy_share` and `regret`.
Figures compare(const Figures& figures, const Figures& oracle, const Figures& measure,
                Objective::Kind objective);

/// Of each figure over the episodes in which it is known; in the order of the first.
std::vector<std::pair<std::string, MeanAndSpread>> average(const std::vector<Figures>& episodes);

/// The one of that name; empty if there is none.
std::optional<double> find(const Figures& figures, const std::string& name);

}  // namespace rein
