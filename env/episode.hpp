#pragma once

#include <cstdint>
#include <memory>

#include "env/environment.hpp"

namespace rein {

/// An episode that is to be played, in an environment that nobody else has.
struct Episode {
  std::shared_ptr<Environment> environment;
  std::uint64_t seed = 0;   ///< For its reset().
  double duration_s = 0.0;  ///< Until it is truncated.
};

}  // namespace rein
