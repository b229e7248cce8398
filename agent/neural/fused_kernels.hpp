#pragma once

#include <cstddef>

namespace rein {

/// The inner loops of small networks, in floats, on one thread. Compiled for each instruction set
/// that pays (AVX-512, AVX2, the compiler's own); the processor decides which is used. Sums are
/// taken in the same order by all of them and for every number of rows, so that a row of a batch
/// is to the bit what it is alone; only where multiplication and addition are fused can two
/// processors differ in the last bit.
namespace fused {

/// Columns come in multiples of this: 64 bytes. Rows that are padded so and begin at a multiple of
/// 64 bytes (AlignedFloats) are read fastest.
constexpr std::size_t kLane = 16;

/// Rounds up to a multiple of kLane.
constexpr std::size_t padded(std::size_t columns) { return (columns + kLane - 1) / kLane * kLane; }

/// The left factor of a product: element (i, k) is data[i * row_step + k * inner_step].
struct LeftFactor {
  const float* data;
  std::size_t row_step;
  std::size_t inner_step;
};

struct Product {
  LeftFactor left;     ///< [rows x inner]
  const float* right;  ///< [inner x columns]
  const float* bias;   ///< [columns], added to every row; null for none.
  float* result;       ///< [rows x columns], overwritten; overlaps nothing else.
  std::size_t rows;
  std::size_t inner;
  std::size_t columns;  ///< A multiple of kLane.
  bool rectify;         ///< Cuts the result at 0 from below (ReLU).
};

void multiply(const Product& product);

/// Adam (Kingma and Ba 2015, algorithm 1) on `count` weights.
struct AdamStep {
  const float* gradients;
  float* weights;
  float* means;    ///< First moments.
  float* squares;  ///< Second moments.
  std::size_t count;
  float gradient_scale;  ///< The gradients are multiplied by this first.
  float mean_decay;      ///< beta 1.
  float square_decay;    ///< beta 2.
  float step;            ///< Learning rate over (1 - beta 1 ^ t).
  float square_scale;    ///< 1 over the root of (1 - beta 2 ^ t).
  float epsilon;
};

void adam(const AdamStep& step);

/// target += rate (source - target), for each of `count` weights.
void blend(const float* source, float* target, std::size_t count, float rate);

}  // namespace fused
}  // namespace rein
