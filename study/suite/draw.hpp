#pragma once

#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "common/random.hpp"

namespace rein::suite {

/// From `least` to `most`.
struct Interval {
  double least = 0.0;
  double most = 0.0;
};

inline double uniform(const Interval& interval, Random& random) {
  return interval.least + (interval.most - interval.least) * random.uniform();
}

/// @pre interval.least > 0.
inline double log_uniform(const Interval& interval, Random& random) {
  return interval.least * std::pow(interval.most / interval.least, random.uniform());
}

inline bool happens(double chance, Random& random) { return random.uniform() < chance; }

/// @pre items is not empty.
template <typename Items>
const auto& one_of(const Items& items, Random& random) {
  return items[random.index(std::size(items))];
}

}  // namespace rein::suite
