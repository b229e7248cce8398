#pragma once

#include <string>

namespace rein {

/// A time for people, to three digits in the unit that fits: "160 ns", "1.20 us", "34.5 ms", "2.00
/// s".
/// @param seconds  0 or above.
std::string time_text(double seconds);

}  // namespace rein
