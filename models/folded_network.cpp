#include "models/folded_network.hpp"

#include <cmath>

namespace rein {
namespace {

FoldedConvolution fold_layer(const SlimmableCheckpoint& checkpoint, std::size_t width,
                             std::size_t layer, std::size_t inputs) {
  const ConvLayer& shape = checkpoint.layers[layer];
  const auto norm = [&](const std::string& part) -> const std::vector<float>& {
    return checkpoint.tensors.at(batch_norm_name(width, layer, part)).values;
  };
  const auto& scale = norm("scale");
  const auto& shift = norm("shift");
  const auto& mean = norm("mean");
  const auto& variance = norm("variance");
  const TensorData& weights = checkpoint.tensors.at(conv_weight_name(layer));

  FoldedConvolution folded{.inputs = inputs,
                           .outputs = scale.size(),
                           .kernel = shape.kernel,
                           .stride = shape.stride,
                           .depthwise = shape.depthwise};
  const auto& ranges = checkpoint.widths[width].ranges;
  folded.range = ranges.empty() ? 0.0F : ranges[layer];
  const std::size_t area = shape.kernel * shape.kernel;
  const std::size_t used = shape.depthwise ? 1 : inputs;
  // Pixels come as 0 to 255, but the network was trained on 0 to 1.
  const double pixel = layer == 0 ? 1.0 / 255.0 : 1.0;
  for (std::size_t out = 0; out < folded.outputs; ++out) {
    const double factor =
        scale[out] / std::sqrt(static_cast<double>(variance[out]) + kBatchNormEpsilon);
    const float* row = weights.values.data() + out * weights.shape[1] * area;
    for (std::size_t i = 0; i < used * area; ++i) {
      folded.weights.push_back(static_cast<float>(row[i] * factor * pixel));
    }
    folded.bias.push_back(static_cast<float>(shift[out] - mean[out] * factor));
  }
  return folded;
}

}  // namespace

FoldedNetwork fold(const SlimmableCheckpoint& checkpoint, std::size_t width) {
  FoldedNetwork network{.channels = checkpoint.channels,
                        .height = checkpoint.height,
                        .width = checkpoint.width,
                        .classifier_bias = checkpoint.tensors.at(kClassifierBias).values};
  std::size_t inputs = checkpoint.channels;
  for (std::size_t layer = 0; layer < checkpoint.layers.size(); ++layer) {
    network.convolutions.push_back(fold_layer(checkpoint, width, layer, inputs));
    inputs = network.convolutions.back().outputs;
  }
  const TensorData& classifier = checkpoint.tensors.at(kClassifierWeight);
  for (std::size_t row = 0; row < network.classes(); ++row) {
    const auto first =
        classifier.values.begin() + static_cast<std::ptrdiff_t>(row * classifier.shape[1]);
    network.classifier_weights.insert(network.classifier_weights.end(), first,
                                      first + static_cast<std::ptrdiff_t>(inputs));
  }
  return network;
}

std::size_t side_after(const FoldedConvolution& layer, std::size_t side) {
  return (side + 2 * (layer.kernel / 2) - layer.kernel) / layer.stride + 1;
}

}  // namespace rein
