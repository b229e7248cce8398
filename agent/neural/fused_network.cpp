#include "agent/neural/fused_network.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "agent/neural/fused_kernels.hpp"

namespace rein {

namespace {

constexpr double kLastLayerScale = 0.1;

/// From [rows x from_step], of which `columns` count, to [columns x padded(rows)].
void transpose(const float* from, std::size_t rows, std::size_t columns, std::size_t from_step,
               float* to) {
  const std::size_t to_step = fused::padded(rows);
  for (std::size_t column = 0; column < columns; ++column) {
    for (std::size_t row = 0; row < rows; ++row) {
      to[column * to_step + row] = from[row * from_step + column];
    }
  }
}

}  // namespace

NetworkLayout::NetworkLayout(const std::vector<std::size_t>& sizes) {
  assert(sizes.size() >= 2);
  layers_.reserve(sizes.size() - 1);
  for (std::size_t i = 0; i + 1 < sizes.size(); ++i) {
    Layer layer{.inputs = sizes[i],
                .outputs = sizes[i + 1],
                .columns = fused::padded(sizes[i + 1]),
                .weights = size_,
                .rectify = i + 2 < sizes.size()};
    layer.biases = layer.weights + layer.inputs * layer.columns;
    size_ = layer.biases + layer.columns;
    layers_.push_back(layer);
  }
}

std::vector<std::size_t> NetworkLayout::sizes() const {
  std::vector<std::size_t> sizes = {inputs()};
  for (const auto& layer : layers_) {
    sizes.push_back(layer.outputs);
  }
  return sizes;
}

AlignedFloats NetworkLayout::draw(Random& random) const {
  AlignedFloats weights(size_, 0.0F);
  for (const auto& layer : layers_) {
    // Uniform within +-limit has a variance of limit^2 / 3; He's is 2 / inputs.
    const double limit = std::sqrt(6.0 / static_cast<double>(layer.inputs)) *
                         (layer.rectify ? 1.0 : kLastLayerScale);
    for (std::size_t i = 0; i < layer.inputs; ++i) {
      for (std::size_t j = 0; j < layer.outputs; ++j) {
        weights[layer.weights + i * layer.columns + j] =
            static_cast<float>(limit * (2.0 * random.uniform() - 1.0));
      }
    }
  }
  return weights;
}

template <typename Visit>
void NetworkLayout::for_each_row(Visit visit) const {
  for (const auto& layer : layers_) {
    for (std::size_t i = 0; i <= layer.inputs; ++i) {  // The biases follow as one more row.
      visit(layer.weights + i * layer.columns, layer.outputs);
    }
  }
}

std::vector<float> NetworkLayout::pack(const AlignedFloats& weights) const {
  std::vector<float> packed;
  packed.reserve(packed_size());
  for_each_row([&](std::size_t at, std::size_t count) {
    packed.insert(packed.end(), weights.begin() + at, weights.begin() + at + count);
  });
  return packed;
}

AlignedFloats NetworkLayout::unpack(std::span<const float> packed) const {
  AlignedFloats weights(size_, 0.0F);
  for_each_row([&](std::size_t at, std::size_t count) {
    std::copy_n(packed.begin(), count, weights.begin() + at);
    packed = packed.subspan(count);
  });
  return weights;
}

std::size_t NetworkLayout::packed_size() const {
  std::size_t size = 0;
  for_each_row([&](std::size_t, std::size_t count) { size += count; });
  return size;
}

FusedNetwork::FusedNetwork(const NetworkLayout& layout, std::size_t rows)
    : layout_(layout), inputs_(rows * layout.inputs(), 0.0F) {
  std::size_t largest = 0;
  results_.reserve(layout_.layers().size());
  for (const auto& layer : layout_.layers()) {
    results_.emplace_back(rows * layer.columns, 0.0F);
    largest = std::max(largest, fused::padded(layer.inputs) * layer.columns);
  }
  gradients_ = results_;
  transposed_.assign(largest, 0.0F);
}

void FusedNetwork::evaluate(const AlignedFloats& weights, std::size_t rows) {
  const float* from = inputs_.data();
  std::size_t from_step = layout_.inputs();
  for (std::size_t i = 0; i < results_.size(); ++i) {
    const auto& layer = layout_.layers()[i];
    fused::multiply({.left = {.data = from, .row_step = from_step, .inner_step = 1},
                     .right = weights.data() + layer.weights,
                     .bias = weights.data() + layer.biases,
                     .result = results_[i].data(),
                     .rows = rows,
                     .inner = layer.inputs,
                     .columns = layer.columns,
                     .rectify = layer.rectify});
    from = results_[i].data();
    from_step = layer.columns;
  }
}

void FusedNetwork::differentiate(const AlignedFloats& weights, std::size_t rows,
                                 AlignedFloats& gradients) {
  gradients.resize(layout_.size());
  for (std::size_t i = results_.size(); i-- > 0;) {
    const auto& layer = layout_.layers()[i];
    const float* inputs = i == 0 ? inputs_.data() : results_[i - 1].data();
    const std::size_t input_step = i == 0 ? layout_.inputs() : layout_.layers()[i - 1].columns;
    // By the weights: inputs^T x gradients.
    fused::multiply({.left = {.data = inputs, .row_step = 1, .inner_step = input_step},
                     .right = gradients_[i].data(),
                     .bias = nullptr,
                     .result = gradients.data() + layer.weights,
                     .rows = layer.inputs,
                     .inner = rows,
                     .columns = layer.columns,
                     .rectify = false});
    float* biases = gradients.data() + layer.biases;
    std::fill_n(biases, layer.columns, 0.0F);
    for (std::size_t row = 0; row < rows; ++row) {
      const float* from = gradients_[i].data() + row * layer.columns;
      for (std::size_t j = 0; j < layer.columns; ++j) {
        biases[j] += from[j];
      }
    }
    if (i == 0) {
      return;
    }
    // By the inputs: gradients x weights^T, where the ReLU let them through.
    transpose(weights.data() + layer.weights, layer.inputs, layer.outputs, layer.columns,
              transposed_.data());
    fused::multiply(
        {.left = {.data = gradients_[i].data(), .row_step = layer.columns, .inner_step = 1},
         .right = transposed_.data(),
         .bias = nullptr,
         .result = gradients_[i - 1].data(),
         .rows = rows,
         .inner = layer.outputs,
         .columns = input_step,
         .rectify = false});
    float* before = gradients_[i - 1].data();
    const float* results = results_[i - 1].data();
    for (std::size_t j = 0; j < rows * input_step; ++j) {
      before[j] = results[j] > 0.0F ? before[j] : 0.0F;
    }
  }
}

void Adam::step(const AlignedFloats& gradients, float learning_rate, AlignedFloats& weights,
                float gradient_scale) {
  ++steps;
  const auto count = static_cast<double>(steps);
  fused::adam(
      {.gradients = gradients.data(),
       .weights = weights.data(),
       .means = means.data(),
       .squares = squares.data(),
       .count = weights.size(),
       .gradient_scale = gradient_scale,
       .mean_decay = mean_decay,
       .square_decay = square_decay,
       .step = learning_rate / static_cast<float>(1.0 - std::pow(mean_decay, count)),
       .square_scale = static_cast<float>(1.0 / std::sqrt(1.0 - std::pow(square_decay, count))),
       .epsilon = epsilon});
}

}  // namespace rein
