#pragma once

#include <cstddef>

namespace rein {

/// `place` without what is behind its point, as an index from 0 to `last`: one of these for what
/// lies outside, infinity too, and 0 for what is no number. (A cast of those is undefined.)
inline std::size_t index_at(double place, std::size_t last) {
  if (!(place > 0.0)) {
    return 0;
  }
  return place < static_cast<double>(last) ? static_cast<std::size_t>(place) : last;
}

}  // namespace rein
