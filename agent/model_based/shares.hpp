#pragma once

namespace rein {

/// A value, and the share of those that have it: a piece of a distribution.
struct Share {
  double value = 0.0;
  double share = 0.0;
};

}  // namespace rein
