#include "common/time_text.hpp"

#include <fmt/format.h>

#include <iterator>

namespace rein {

std::string time_text(double seconds) {
  constexpr const char* kUnits[] = {"ns", "us", "ms", "s"};
  constexpr double kNextUnit = 999.5;  // From here on it would be shown as 1000.
  double value = seconds * 1e9;
  std::size_t unit = 0;
  for (; value >= kNextUnit && unit + 1 < std::size(kUnits); ++unit) {
    value /= 1e3;
  }
  // No clock tells parts of a nanosecond.
  const int decimals = unit == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return fmt::format("{:.{}f} {}", value, decimals, kUnits[unit]);
}

}  // namespace rein
