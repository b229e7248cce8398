#pragma once

namespace rein {

/// From now on SIGINT, SIGTERM and SIGHUP do not end the program but make stop_requested() true,
/// so that everything can be given back on the way out; the first of them is answered on standard
/// error at once. A sleep in progress ends early. SIGHUP is left alone under nohup.
void catch_interrupts();

}  // namespace rein
