#include "models/network_architecture.hpp"

#include <fmt/format.h>

#include <cassert>

#include "common/error.hpp"

namespace rein {
namespace {

struct Block {
  std::size_t channels = 0;
  std::size_t stride = 1;
};

/// Howard et al. 2017, MobileNets, table 1: a 3x3 convolution of stride 2, then for each block a
/// depthwise 3x3 convolution, which has the stride, and a 1x1 convolution.
std::vector<ConvLayer> mobile_layers(std::size_t first, const std::vector<Block>& blocks) {
  std::vector<ConvLayer> layers = {{.channels = first, .stride = 2, .kernel = 3}};
  for (const Block& block : blocks) {
    layers.push_back({.channels = layers.back().channels,
                      .stride = block.stride,
                      .kernel = 3,
                      .depthwise = true});
    layers.push_back({.channels = block.channels, .stride = 1, .kernel = 1});
  }
  return layers;
}

}  // namespace

const std::vector<NetworkArchitecture>& network_architectures() {
  static const std::vector<NetworkArchitecture> architectures = {
      {.name = "small",
       .layers = {{32, 1}, {64, 2}, {64, 1}, {128, 2}, {128, 1}},
       .widths = {0.25, 0.5, 0.75, 1.0}},
      // 20 million multiplications with their additions for 56x56 pixels; 2.9 MB of weights, most
      // of them in the last two blocks.
      {.name = "mobile",
       .layers =
           mobile_layers(32, {{64, 1}, {128, 2}, {128, 1}, {256, 2}, {512, 2}, {512, 1}, {512, 1}}),
       .widths = {0.0625, 0.125, 0.25, 0.5, 1.0}},
  };
  return architectures;
}

const NetworkArchitecture& find_network_architecture(const std::string& name) {
  std::string known;
  for (const NetworkArchitecture& architecture : network_architectures()) {
    if (architecture.name == name) {
      return architecture;
    }
    known += (known.empty() ? "" : ", ") + architecture.name;
  }
  throw ConfigError(fmt::format("architecture: expected one of {}, found '{}'", known, name));
}

NetworkArchitecture group_between(const NetworkArchitecture& architecture, double narrower,
                                  double width) {
  NetworkArchitecture group = architecture;
  group.widths = {1.0};
  for (ConvLayer& layer : group.layers) {
    const std::size_t before = narrower > 0.0 ? channels_at(layer.channels, narrower) : 0;
    const std::size_t all = channels_at(layer.channels, width);
    assert(all > before);
    layer.channels = all - before;
  }
  return group;
}

NetworkArchitecture alone(const NetworkArchitecture& architecture, double width) {
  return group_between(architecture, 0.0, width);
}

}  // namespace rein
