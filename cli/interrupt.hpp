#pragma once

#include "common/error.hpp"

namespace rein {

/// What was asked for was interrupted before there was anything to show for it.
class Interrupted : public Error {
 public:
  using Error::Error;
};

/// From now on SIGINT, SIGTERM and SIGHUP do not end the program but make stop_requested() true,
/// so that everything can be given back on the way out; the first of them is answered on standard
/// error at once. A sleep in progress ends early. SIGHUP is left alone under nohup.
void catch_interrupts();

bool stop_requested();

}  // namespace rein
