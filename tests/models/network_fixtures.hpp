#pragma once

#include <filesystem>
#include <functional>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "common/error.hpp"
#include "common/random.hpp"
#include "models/image_set.hpp"
#include "models/slimmable_checkpoint.hpp"

namespace rein {

/// What the ConfigError says that `work` throws, with `folder` left out; "nothing thrown" if none.
inline std::string complaint(const std::function<void()>& work,
                             const std::filesystem::path& folder = {}) {
  try {
    work();
  } catch (const ConfigError& error) {
    std::string message = error.what();
    const std::string prefix = folder.string() + "/";
    const std::size_t at = message.find(prefix);
    return at == std::string::npos ? message : message.erase(at, prefix.size());
  }
  return "nothing thrown";
}

/// A network with random weights and batch norms: three levels, 12 x 12 pixels, three classes.
inline SlimmableCheckpoint tiny_checkpoint(std::uint64_t seed = 7, std::vector<ConvLayer> layers = {
                                                                       {8, 1}, {20, 2}, {20, 1}}) {
  SlimmableCheckpoint network{.dataset = "fashion-mnist",
                              .recipe = "made up",
                              .channels = 1,
                              .height = 12,
                              .width = 12,
                              .class_names = {"a", "b", "c"},
                              .layers = std::move(layers),
                              .widths = {{0.25, {{Precision::kF32, 0.5}}, {}},
                                         {0.5, {{Precision::kF32, 0.625}}, {}},
                                         {1.0, {{Precision::kF32, 1.0}}, {}}},
                              .tensors = {}};
  Random random(seed);
  for (const auto& [name, shape] : tensor_shapes(network)) {
    TensorData& tensor = network.tensors[name];
    tensor.shape = shape;
    tensor.values.resize(
        std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>()));
    const double lowest = name.ends_with(".variance") ? 0.5 : -0.5;
    for (float& value : tensor.values) {
      value = static_cast<float>(lowest + random.uniform());
    }
  }
  return network;
}

/// The same with layers of every kind: 3x3, depthwise at both strides, 1x1.
inline SlimmableCheckpoint tiny_mobile_checkpoint(std::uint64_t seed = 7) {
  return tiny_checkpoint(
      seed, {{8, 2, 3, false}, {8, 1, 3, true}, {20, 1, 1, false}, {20, 2, 3, true}, {20, 1, 1}});
}

/// Images of 12 x 12 pixels of random grey; in those of class c, row 4c + 1 is white.
inline ImageSet striped_images(std::size_t count, std::uint64_t seed) {
  ImageSet set{.channels = 1, .height = 12, .width = 12, .pixels = {}, .labels = {}};
  Random random(seed);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t label = random.index(3);
    set.labels.push_back(static_cast<std::uint8_t>(label));
    for (std::size_t pixel = 0; pixel < set.image_size(); ++pixel) {
      const bool white = pixel / set.width == 4 * label + 1;
      set.pixels.push_back(static_cast<std::uint8_t>(white ? 255 : random.index(200)));
    }
  }
  return set;
}

}  // namespace rein
