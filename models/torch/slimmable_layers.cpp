#include "models/torch/slimmable_layers.hpp"

#include <ATen/ATen.h>

#include <cstring>

namespace rein {

SlimmableLayers::SlimmableLayers(const SlimmableCheckpoint& network) {
  for (const SlimmableWidth& width : network.widths) {
    widths_.push_back(width.width);
  }
  for (const ConvLayer& layer : network.layers) {
    layers_.push_back(
        {.weight = {}, .shape = layer, .norms = std::vector<BatchNorm>(network.widths.size())});
  }
  for_each_tensor([&](const std::string& name, at::Tensor& tensor) {
    const TensorData& data = network.tensors.at(name);
    tensor = at::empty(std::vector<std::int64_t>(data.shape.begin(), data.shape.end()));
    std::memcpy(tensor.data_ptr<float>(), data.values.data(), data.values.size() * sizeof(float));
  });
}

void SlimmableLayers::for_each_tensor(
    const std::function<void(const std::string&, at::Tensor&)>& visit) {
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    visit(conv_weight_name(i), layers_[i].weight);
    for (std::size_t level = 0; level < widths_.size(); ++level) {
      BatchNorm& norm = layers_[i].norms[level];
      at::Tensor* const parts[] = {&norm.scale, &norm.shift, &norm.mean, &norm.variance};
      for (std::size_t part = 0; part < kBatchNormParts.size(); ++part) {
        visit(batch_norm_name(level, i, kBatchNormParts[part]), *parts[part]);
      }
    }
  }
  visit(kClassifierWeight, classifier_weight_);
  visit(kClassifierBias, classifier_bias_);
}

void SlimmableLayers::store(SlimmableCheckpoint& network) {
  for_each_tensor([&](const std::string& name, at::Tensor& tensor) {
    std::vector<float>& values = network.tensors.at(name).values;
    std::memcpy(values.data(), tensor.data_ptr<float>(), values.size() * sizeof(float));
  });
}

SlimmableLayers::Slice SlimmableLayers::slice(std::size_t layer, std::size_t level) const {
  const BatchNorm& norm = layers_[layer].norms[level];
  at::Tensor weight = layers_[layer].weight.narrow(0, 0, norm.scale.size(0));
  if (layer > 0 && !layers_[layer].shape.depthwise) {
    weight = weight.narrow(1, 0, layers_[layer - 1].norms[level].scale.size(0));
  }
  return {.weight = weight, .norm = &norm};
}

at::Tensor SlimmableLayers::classifier_weight(std::size_t level) const {
  return classifier_weight_.narrow(1, 0, layers_.back().norms[level].scale.size(0));
}

at::Tensor SlimmableLayers::run(const at::Tensor& images, std::size_t level, bool training,
                                double momentum, const Visit& visit) const {
  at::Tensor x = images;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const auto [weight, norm] = slice(i, level);
    const ConvLayer& shape = layers_[i].shape;
    x = at::conv2d(x, weight.to(x.scalar_type()), /*bias=*/{},
                   static_cast<std::int64_t>(shape.stride),
                   static_cast<std::int64_t>(shape.kernel / 2), /*dilation=*/1,
                   shape.depthwise ? x.size(1) : 1);
    x = at::batch_norm(x, norm->scale, norm->shift, norm->mean, norm->variance, training, momentum,
                       kBatchNormEpsilon, /*cudnn_enabled=*/false);
    x = at::relu(x);
    if (visit) {
      visit(i, x);
    }
  }
  return at::linear(x.to(at::kFloat).mean({2, 3}), classifier_weight(level), classifier_bias_);
}

at::Tensor SlimmableLayers::forward(const at::Tensor& images, std::size_t level,
                                    const Visit& visit) const {
  return run(images, level, /*training=*/false, /*momentum=*/0.0, visit);
}

at::Tensor SlimmableLayers::forward_training(const at::Tensor& images, std::size_t level,
                                             double momentum, const Visit& visit) const {
  return run(images, level, /*training=*/true, momentum, visit);
}

}  // namespace rein
