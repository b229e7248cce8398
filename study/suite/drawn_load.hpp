#pragma once

#include <string>

#include "study/suite/draft.hpp"

namespace rein::suite {

/// How requests arrive, and what becomes of those that wait.
void draw_arrival(Draft& draft);

/// How often, with which deadline, in which periods, for how long; and how slow the board is, and
/// how soon it gets warm, where the kind says that. @pre draw_network(), draw_arrival().
void draw_pace(Draft& draft);

/// When requests of a recording come. @return it as a file has it; empty if none is played.
std::string draw_recording(Draft& draft);

}  // namespace rein::suite
