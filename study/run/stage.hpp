#pragma once

#include <nlohmann/json.hpp>

#include "agent/core/foresight.hpp"
#include "common/clock.hpp"
#include "env/environment.hpp"

namespace rein {

/// What an episode is played in. The references must outlive it.
struct Stage {
  Environment& environment;
  const Clock& clock;
  Foresight foresight;
  nlohmann::ordered_json machine;  ///< What machine.json is to say.
};

}  // namespace rein
