#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>

namespace rein {

/// How a number is brought into a range that a learner can take: t(number / one) / divisor, cut to
/// [min, max].
struct Scale {
  enum class Kind {
    kLinear,
    kLog2,
    kLog10,
  };
  Kind kind = Kind::kLinear;
  double one = 1.0;      ///< Above 0; what 1 stands for before t, in the number's unit.
  double divisor = 1.0;  ///< Above 0.
  double min = 0.0;
  double max = 1.0;
  double neutral = 0.0;  ///< Where there is no number; it may lie outside of [min, max].

  /// Of what is not finite, neutral; a logarithm of 0 or less is min.
  double operator()(double number) const {
    if (!std::isfinite(number)) {
      return neutral;
    }
    if (kind == Kind::kLinear) {
      return std::clamp(number / (one * divisor), min, max);
    }
    const double ones = number / one;
    return ones > 0.0
               ? std::clamp((kind == Kind::kLog2 ? std::log2(ones) : std::log10(ones)) / divisor,
                            min, max)
               : min;
  }

  // Of all that it gives.
  double least() const { return std::min(min, neutral); }
  double most() const { return std::max(max, neutral); }

  bool operator==(const Scale&) const = default;
};

/// What becomes of `number` before it is cut: "log10(number / 10) / 4". Numbers are exact.
std::string formula(const Scale& scale, std::string_view number);

}  // namespace rein
