#pragma once

#include <cstddef>

#include "study/suite/draft.hpp"

namespace rein::suite {

/// Which places, operating points and how many levels there are.
void draw_knobs(Draft& draft);

/// The network's table. @pre draw_knobs().
void draw_network(Draft& draft);

/// Of one request at the level, in the place where it is the fastest, at the highest clocks.
double fastest_ms(const Draft& draft, std::size_t level);

}  // namespace rein::suite
