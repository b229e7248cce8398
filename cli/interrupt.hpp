#pragma once

namespace rein {

/// From now on SIGINT, SIGTERM and SIGHUP do not end the program but make stop_requested() true,
/// so that everything can be given back on the way out. A sleep in progress ends early.
void catch_interrupts();

bool stop_requested();

}  // namespace rein
