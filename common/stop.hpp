#pragma once

#include "common/error.hpp"

namespace rein {

/// What was asked for was interrupted before there was anything to show for it.
class Interrupted : public Error {
 public:
  using Error::Error;
};

/// Somebody wants the program to end. Async-signal-safe; what takes long asks stop_requested().
/// @return whether that is news.
bool request_stop();

bool stop_requested();

}  // namespace rein
