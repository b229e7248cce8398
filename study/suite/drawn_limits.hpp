#pragma once

#include <vector>

#include "study/suite/configurations.hpp"
#include "study/suite/draft.hpp"

namespace rein::suite {

/// Makes gaps and deadlines longer, until some configuration keeps them and there is something to
/// do. @return what each configuration then comes to; empty if that cannot be had.
std::vector<ConfigurationFigures> fit_load(Draft& draft);

/// Objective, budgets and prices, by what the drawn board can do.
/// @param all  of fit_load(), not empty.
void draw_limits(Draft& draft, const std::vector<ConfigurationFigures>& all);

}  // namespace rein::suite
