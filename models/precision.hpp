#pragma once

#include <string>
#include <vector>

namespace rein {

/// In what numbers a network computes. Answers and images are the same in all.
enum class Precision {
  kF32,
  kBf16,  ///< bfloat16 weights and activations; sums in float.
  kInt8,  ///< 8-bit weights and activations; sums in 32-bit integers.
};

/// All there are, the most precise first.
inline const std::vector<Precision> kPrecisions = {Precision::kF32, Precision::kBf16,
                                                   Precision::kInt8};

/// "f32", "bf16" or "int8"
const std::string& precision_name(Precision precision);

/// @throws ConfigError that lists the known names.
Precision find_precision(const std::string& name);

}  // namespace rein
