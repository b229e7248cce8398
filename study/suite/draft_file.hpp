#pragma once

#include <string>
#include <vector>

#include "common/config_node.hpp"
#include "study/suite/draft.hpp"

namespace rein::suite {

/// The run file of a world with these budgets (beside latency's, as YAML) and this objective.
/// @param recording  the file of recorded arrivals; empty: they are not yet as drawn.
ConfigNode run_node(const Draft& draft, const std::vector<std::string>& budgets,
                    const std::string& objective, const std::string& recording);

}  // namespace rein::suite
