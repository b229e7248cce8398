#pragma once

#include "study/suite/draft.hpp"

namespace rein::suite {

/// Who else is there, and what changes. @pre the arrival and the duration are drawn.
void draw_scenario(Draft& draft);

}  // namespace rein::suite
