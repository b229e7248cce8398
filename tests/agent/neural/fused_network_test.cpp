// Our small networks against numbers worked by hand, against differences, and, where it is there,
// against LibTorch.
#include "agent/neural/fused_network.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "agent/neural/fused_kernels.hpp"

namespace rein {
namespace {

/// 1-2-2: h = relu(x (1, -2) + (0.5, 1)), y = (h1 + 3 h2 + 0.1, 2 h1 - h2 - 0.2).
const NetworkLayout kTiny({1, 2, 2});
AlignedFloats tiny_weights() {
  return kTiny.unpack(std::vector<float>{1, -2, 0.5, 1, 1, 2, 3, -1, 0.1F, -0.2F});
}

DOCTEST_TEST_CASE("a network is evaluated layer by layer, with ReLU but for the last") {
  FusedNetwork network(kTiny, 2);
  network.input(0)[0] = 0.25F;  // h = (0.75, 0.5)
  network.input(1)[0] = 2.0F;   // h = (2.5, 0): -3 is cut
  network.evaluate(tiny_weights(), 2);
  DOCTEST_CHECK(network.output(0)[0] == doctest::Approx(2.35));
  DOCTEST_CHECK(network.output(0)[1] == doctest::Approx(0.8));
  DOCTEST_CHECK(network.output(1)[0] == doctest::Approx(2.6));
  DOCTEST_CHECK(network.output(1)[1] == doctest::Approx(4.8));
}

DOCTEST_TEST_CASE("gradients flow back through what was above 0, and are summed over the rows") {
  FusedNetwork network(kTiny, 2);
  network.input(0)[0] = 0.25F;
  network.input(1)[0] = 2.0F;
  const auto weights = tiny_weights();
  network.evaluate(weights, 2);
  // Loss: y1 of the first row + 2 y2 of the second.
  network.output_gradient(0)[0] = 1.0F;
  network.output_gradient(0)[1] = 0.0F;
  network.output_gradient(1)[0] = 0.0F;
  network.output_gradient(1)[1] = 2.0F;
  AlignedFloats gradients;
  network.differentiate(weights, 2, gradients);
  // By h: (1, 3) in the first row; (4, -2) in the second, whose h2 was cut.
  // First layer: 0.25 x (1, 3) + 2 x (4, 0); its biases (5, 3).
  // Second: h1 to (0.75, 2 x 2.5), h2 to (0.5, 0); its biases (1, 2).
  const std::vector<float> expected = {8.25F, 0.75F, 5, 3, 0.75F, 5, 0.5F, 0, 1, 2};
  DOCTEST_CHECK(kTiny.pack(gradients) == expected);
}

DOCTEST_TEST_CASE("packing leaves the padding out and unpacking puts zeros there") {
  const NetworkLayout layout({3, 5, 18, 2});
  DOCTEST_CHECK(layout.packed_size() == 3 * 5 + 5 + 5 * 18 + 18 + 18 * 2 + 2);
  DOCTEST_CHECK(layout.size() == 3 * 16 + 16 + 5 * 32 + 32 + 18 * 16 + 16);
  std::vector<float> numbers(layout.packed_size());
  std::iota(numbers.begin(), numbers.end(), 1.0F);
  const AlignedFloats weights = layout.unpack(numbers);
  DOCTEST_CHECK(layout.pack(weights) == numbers);
  DOCTEST_CHECK(std::accumulate(weights.begin(), weights.end(), 0.0) ==
                std::accumulate(numbers.begin(), numbers.end(), 0.0));
}

/// Sizes that are no multiple of anything, more rows than a tile has.
struct Odd {
  static constexpr std::size_t kRows = 13;
  Odd() : layout({7, 19, 33, 5}), network(layout, kRows) {
    weights = layout.draw(random);
    for (std::size_t i = 0; i < kRows * layout.inputs(); ++i) {
      network.input(0)[i] = static_cast<float>(random.bell());
    }
  }
  /// The sum of all outputs, each times a factor of its own.
  double loss(const AlignedFloats& of) {
    network.evaluate(of, kRows);
    double sum = 0.0;
    for (std::size_t row = 0; row < kRows; ++row) {
      for (std::size_t i = 0; i < layout.outputs(); ++i) {
        sum += factor(row, i) * network.output(row)[i];
      }
    }
    return sum;
  }
  static float factor(std::size_t row, std::size_t output) {
    return 0.5F + 0.1F * static_cast<float>(row) - 0.3F * static_cast<float>(output);
  }

  Random random{7};
  NetworkLayout layout;
  FusedNetwork network;
  AlignedFloats weights;
};

DOCTEST_TEST_CASE("a row of a batch is to the bit what it is alone") {
  Odd odd;
  odd.network.evaluate(odd.weights, Odd::kRows);
  FusedNetwork alone(odd.layout, 1);
  for (std::size_t row = 0; row < Odd::kRows; ++row) {
    std::copy_n(odd.network.input(row), odd.layout.inputs(), alone.input(0));
    alone.evaluate(odd.weights, 1);
    for (std::size_t i = 0; i < odd.layout.outputs(); ++i) {
      DOCTEST_REQUIRE(alone.output(0)[i] == odd.network.output(row)[i]);
    }
  }
}

DOCTEST_TEST_CASE("the gradient of every weight is the loss's difference") {
  Odd odd;
  odd.loss(odd.weights);
  for (std::size_t row = 0; row < Odd::kRows; ++row) {
    for (std::size_t i = 0; i < odd.layout.outputs(); ++i) {
      odd.network.output_gradient(row)[i] = Odd::factor(row, i);
    }
  }
  AlignedFloats gradients;
  odd.network.differentiate(odd.weights, Odd::kRows, gradients);
  const auto packed = odd.layout.pack(gradients);
  auto numbers = odd.layout.pack(odd.weights);
  constexpr float kStep = 1.0F / 256.0F;
  for (std::size_t i = 0; i < numbers.size(); i += 3) {
    const float before = numbers[i];
    numbers[i] = before + kStep;
    const double above = odd.loss(odd.layout.unpack(numbers));
    numbers[i] = before - kStep;
    const double below = odd.loss(odd.layout.unpack(numbers));
    numbers[i] = before;
    DOCTEST_CAPTURE(i);
    // A ReLU that bends in between spoils a few by a little.
    DOCTEST_CHECK(packed[i] ==
                  doctest::Approx((above - below) / (2.0 * kStep)).epsilon(0.02).scale(2.0));
  }
}

DOCTEST_TEST_CASE("Adam's first steps are the learning rate's size, as worked by hand") {
  Adam adam(16);
  AlignedFloats weights(16, 1.0F);
  AlignedFloats gradients(16, 0.0F);
  gradients[0] = 0.5F;
  gradients[1] = -4.0F;
  adam.step(gradients, 0.1F, weights);
  DOCTEST_CHECK(weights[0] == doctest::Approx(0.9));  // m / sqrt(v) is the sign.
  DOCTEST_CHECK(weights[1] == doctest::Approx(1.1));
  DOCTEST_CHECK(weights[2] == 1.0F);
  gradients[0] = -1.0F;
  adam.step(gradients, 0.1F, weights, 0.5F);
  // m = 0.9 x 0.05 - 0.1 x 0.5 = -0.005, over 0.19; v = 0.999 x 0.00025 + 0.001 x 0.25
  // = 0.00049975, over 0.001999: 0.9 + 0.1 x 0.0263158 / 0.5 = 0.905263.
  DOCTEST_CHECK(weights[0] == doctest::Approx(0.905263).epsilon(1e-5));
}

DOCTEST_TEST_CASE("a hundred steps of Adam end where the paper's formulas end in doubles") {
  constexpr std::size_t kWeights = 32;
  Random random(8);
  AlignedFloats ours(kWeights, 0.5F);
  std::vector<double> theirs(kWeights, 0.5);
  std::vector<double> m(kWeights, 0.0);
  std::vector<double> v(kWeights, 0.0);
  Adam adam(kWeights);
  for (int t = 1; t <= 100; ++t) {
    AlignedFloats gradients(kWeights);
    for (std::size_t i = 0; i < kWeights; ++i) {
      const double g = gradients[i] = static_cast<float>(random.bell());
      m[i] = 0.9 * m[i] + 0.1 * g;
      v[i] = 0.999 * v[i] + 0.001 * g * g;
      theirs[i] -= 0.01 * (m[i] / (1.0 - std::pow(0.9, t))) /
                   (std::sqrt(v[i] / (1.0 - std::pow(0.999, t))) + 1e-8);
    }
    adam.step(gradients, 0.01F, ours);
  }
  for (std::size_t i = 0; i < kWeights; ++i) {
    DOCTEST_CHECK(std::abs(ours[i] - theirs[i]) < 1e-5);
  }
}

DOCTEST_TEST_CASE("moments that get no gradient become 0, not subnormal") {
  Adam adam(16);
  AlignedFloats weights(16, 1.0F);
  AlignedFloats gradients(16, 1.0F);
  adam.step(gradients, 0.1F, weights);
  gradients.assign(16, 0.0F);
  for (int i = 0; i < 2000; ++i) {
    adam.step(gradients, 0.1F, weights);
  }
  DOCTEST_CHECK(adam.means[0] == 0.0F);
  DOCTEST_CHECK(adam.squares[0] > 0.0F);
}

DOCTEST_TEST_CASE("the same seed draws the same weights, larger ones for fewer inputs") {
  Random one(3);
  Random other(3);
  const NetworkLayout layout({6, 64, 64, 4});
  const AlignedFloats weights = layout.draw(one);
  DOCTEST_CHECK(weights == layout.draw(other));
  const auto& first = layout.layers()[0];
  double largest = 0.0;
  for (std::size_t i = 0; i < first.inputs * first.columns; ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(weights[first.weights + i])));
  }
  DOCTEST_CHECK(largest <= 1.0);  // sqrt(6 / 6)
  DOCTEST_CHECK(largest > 0.95);
}

}  // namespace
}  // namespace rein
