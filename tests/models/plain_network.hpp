#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "models/folded_network.hpp"

namespace rein {

/// What the network answers, by loops that can be read: the back ends are checked against it.
/// @param visit  sees what each convolution puts out.
template <typename Visit>
std::vector<double> plain_logits(const FoldedNetwork& network, std::span<const std::uint8_t> image,
                                 const Visit& visit) {
  std::vector<double> x(image.begin(), image.end());
  int height = static_cast<int>(network.height);
  int width = static_cast<int>(network.width);
  for (const auto& layer : network.convolutions) {
    const int kernel = static_cast<int>(layer.kernel);
    const int stride = static_cast<int>(layer.stride);
    const int rows = (height - 1) / stride + 1;
    const int columns = (width - 1) / stride + 1;
    const std::size_t used = layer.depthwise ? 1 : layer.inputs;
    std::vector<double> y;
    for (std::size_t out = 0; out < layer.outputs; ++out) {
      for (int row = 0; row < rows; ++row) {
        for (int column = 0; column < columns; ++column) {
          double sum = layer.bias[out];
          for (std::size_t in = 0; in < used; ++in) {
            const std::size_t channel = layer.depthwise ? out : in;
            for (int v = 0; v < kernel; ++v) {
              for (int u = 0; u < kernel; ++u) {
                const int from_row = row * stride + v - kernel / 2;
                const int from_column = column * stride + u - kernel / 2;
                if (from_row < 0 || from_row >= height || from_column < 0 || from_column >= width) {
                  continue;
                }
                sum += layer.weights[((out * used + in) * layer.kernel + v) * layer.kernel + u] *
                       x[(channel * height + from_row) * width + from_column];
              }
            }
          }
          y.push_back(std::max(sum, 0.0));
        }
      }
    }
    visit(y);
    x = y;
    height = rows;
    width = columns;
  }
  std::vector<double> logits(network.classifier_bias.begin(), network.classifier_bias.end());
  const auto area = static_cast<std::size_t>(height * width);
  const std::size_t channels = x.size() / area;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    for (std::size_t j = 0; j < x.size(); ++j) {
      logits[i] += network.classifier_weights[i * channels + j / area] * x[j] / double(area);
    }
  }
  return logits;
}

inline std::vector<double> plain_logits(const FoldedNetwork& network,
                                        std::span<const std::uint8_t> image) {
  return plain_logits(network, image, [](const std::vector<double>&) {});
}

}  // namespace rein
