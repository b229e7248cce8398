#include "models/slimmable_network.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cassert>
#include <stdexcept>

#include "models/compute_threads.hpp"
#include "models/slimmable_layers.hpp"

namespace rein {
namespace {

/// All but the forward pass.
class TorchNetwork : public SlimmableNetwork {
 public:
  explicit TorchNetwork(const SlimmableCheckpoint& checkpoint)
      : levels_(checkpoint.levels),
        image_shape_{static_cast<std::int64_t>(checkpoint.channels),
                     static_cast<std::int64_t>(checkpoint.height),
                     static_cast<std::int64_t>(checkpoint.width)} {}

  const std::vector<NetworkLevel>& levels() const override { return levels_; }

  std::size_t image_size() const override {
    return static_cast<std::size_t>(image_shape_[0] * image_shape_[1] * image_shape_[2]);
  }

  void set_level(std::size_t level) override {
    if (level >= levels_.size()) {
      throw std::out_of_range("the network has no level " + std::to_string(level));
    }
    level_ = level;
  }

  void set_threads(int threads) override {
    assert(threads >= 1);
    threads_ = threads;
    set_compute_threads(threads);
  }

  std::span<const float> logits() const override {
    return {logits_.data_ptr<float>(), static_cast<std::size_t>(logits_.numel())};
  }

  void infer(std::span<const std::uint8_t> images, std::span<int> predictions) override {
    assert(images.size() == predictions.size() * image_size());
    const c10::InferenceMode inference;
    // OpenMP keeps the number for the calling thread, so another network may have set it.
    // at::set_num_threads() would also empty the cache of oneDNN primitives.
    if (at::get_num_threads() != threads_) {
      set_compute_threads(threads_);
    }
    const auto batch = static_cast<std::int64_t>(predictions.size());
    // from_blob() takes no pointer to const; to() copies before anything writes.
    logits_ =
        forward(at::from_blob(const_cast<std::uint8_t*>(images.data()),
                              {batch, image_shape_[0], image_shape_[1], image_shape_[2]}, at::kByte)
                    .to(at::kFloat),
                level_)
            .contiguous();
    const std::size_t classes = static_cast<std::size_t>(logits_.size(1));
    for (std::size_t i = 0; i < predictions.size(); ++i) {
      const auto scores = logits().subspan(i * classes, classes);
      predictions[i] = static_cast<int>(std::ranges::max_element(scores) - scores.begin());
    }
  }

 protected:
  /// Logits of `pixels` [batch x channels x height x width], from 0 to 255.
  virtual at::Tensor forward(const at::Tensor& pixels, std::size_t level) const = 0;

  /// Makes oneDNN choose and compile its kernels for each level, which takes longer than running
  /// them, and leaves the first level in force.
  void warm_up() {
    const std::vector<std::uint8_t> images(kDefaultRequestImages * image_size());
    std::vector<int> predictions(kDefaultRequestImages);
    for (std::size_t level = levels_.size(); level-- > 0;) {
      set_level(level);
      infer(images, predictions);
    }
  }

 private:
  std::vector<NetworkLevel> levels_;
  std::int64_t image_shape_[3];
  std::size_t level_ = 0;
  int threads_ = 1;
  at::Tensor logits_;
};

class SlicedNetwork final : public TorchNetwork {
 public:
  explicit SlicedNetwork(const SlimmableCheckpoint& checkpoint)
      : TorchNetwork(checkpoint), layers_(checkpoint) {
    warm_up();
  }

 private:
  at::Tensor forward(const at::Tensor& pixels, std::size_t level) const override {
    return layers_.forward(pixels / 255.0, level);
  }

  SlimmableLayers layers_;
};

class PackedNetwork final : public TorchNetwork {
 public:
  PackedNetwork(const SlimmableCheckpoint& checkpoint, WeightLayout layout)
      : TorchNetwork(checkpoint),
        onednn_(layout == WeightLayout::kOneDnn && at::globalContext().hasMKLDNN()) {
    const c10::InferenceMode inference;
    const SlimmableLayers layers(checkpoint);
    for (std::size_t level = 0; level < checkpoint.levels.size(); ++level) {
      plans_.push_back(make_plan(layers, level));
    }
    warm_up();
  }

 private:
  struct Convolution {
    at::Tensor weight;
    at::Tensor bias;
    std::int64_t padding = 1;
    std::int64_t stride = 1;
  };
  struct Plan {
    std::vector<Convolution> layers;
    Convolution classifier;  ///< A linear layer is a 1x1 convolution of one pixel.
  };

  Plan make_plan(const SlimmableLayers& source, std::size_t level) const {
    Plan plan;
    for (std::size_t i = 0; i < source.layers().size(); ++i) {
      const auto [weight, norm] = source.slice(i, level);
      const at::Tensor factor = norm->scale / at::sqrt(norm->variance + kBatchNormEpsilon);
      // The first layer's weights also take the pixels from 0..255 to 0..1.
      const double pixel_scale = i == 0 ? 1.0 / 255.0 : 1.0;
      plan.layers.push_back(pack({.weight = weight * factor.view({-1, 1, 1, 1}) * pixel_scale,
                                  .bias = norm->shift - norm->mean * factor,
                                  .padding = 1,
                                  .stride = source.layers()[i].stride}));
    }
    plan.classifier = pack({.weight = source.classifier_weight(level).unsqueeze(-1).unsqueeze(-1),
                            .bias = source.classifier_bias(),
                            .padding = 0,
                            .stride = 1});
    return plan;
  }

  Convolution pack(Convolution layer) const {
    layer.weight = layer.weight.contiguous();
    if (onednn_) {
      layer.weight = at::mkldnn_reorder_conv2d_weight(
          layer.weight.to_mkldnn(), {layer.padding, layer.padding}, {layer.stride, layer.stride},
          /*dilation=*/{1, 1}, /*groups=*/1);
      layer.bias = layer.bias.to_mkldnn();
    }
    return layer;
  }

  at::Tensor convolve(const at::Tensor& x, const Convolution& layer) const {
    return onednn_
               ? at::mkldnn_convolution(x, layer.weight, layer.bias, {layer.padding, layer.padding},
                                        {layer.stride, layer.stride}, {1, 1}, /*groups=*/1)
               : at::conv2d(x, layer.weight, layer.bias, layer.stride, layer.padding);
  }

  at::Tensor forward(const at::Tensor& pixels, std::size_t level) const override {
    const Plan& plan = plans_[level];
    at::Tensor x = onednn_ ? pixels.to_mkldnn() : pixels;
    for (const Convolution& layer : plan.layers) {
      x = convolve(x, layer);
      at::relu_(x);
    }
    x = convolve(at::adaptive_avg_pool2d(x, {1, 1}), plan.classifier);
    return (onednn_ ? x.to_dense() : x).flatten(1);
  }

  bool onednn_;
  std::vector<Plan> plans_;  ///< One a level.
};

}  // namespace

bool has_libtorch() { return true; }

std::unique_ptr<ScalableNetwork> load_slimmable_network(const std::filesystem::path& checkpoint) {
  return make_packed_network(read_checkpoint(checkpoint));
}

std::unique_ptr<SlimmableNetwork> make_packed_network(const SlimmableCheckpoint& checkpoint,
                                                      WeightLayout layout) {
  return std::make_unique<PackedNetwork>(checkpoint, layout);
}

std::unique_ptr<SlimmableNetwork> make_sliced_network(const SlimmableCheckpoint& checkpoint) {
  return std::make_unique<SlicedNetwork>(checkpoint);
}

}  // namespace rein
