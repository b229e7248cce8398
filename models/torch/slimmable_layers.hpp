#pragma once

// LibTorch's tensors: for the sources of this folder, and experiments that train.
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "models/slimmable_checkpoint.hpp"

namespace rein {

/// The weights of a slimmable network as tensors, and the plain forward pass over them: it slices
/// the weights in each call, as training must.
class SlimmableLayers {
 public:
  struct BatchNorm {
    at::Tensor scale;
    at::Tensor shift;
    at::Tensor mean;
    at::Tensor variance;
  };
  struct Layer {
    at::Tensor weight;  ///< [out x (in, or 1) x kernel x kernel]
    ConvLayer shape;
    std::vector<BatchNorm> norms;  ///< One a level.
  };
  /// The weights of one width: views, nothing is copied.
  struct Slice {
    at::Tensor weight;
    const BatchNorm* norm = nullptr;
  };

  using Visit = std::function<void(std::size_t layer, const at::Tensor& output)>;

  explicit SlimmableLayers(const SlimmableCheckpoint& network);

  const std::vector<Layer>& layers() const { return layers_; }
  Slice slice(std::size_t layer, std::size_t level) const;
  at::Tensor classifier_weight(std::size_t level) const;
  const at::Tensor& classifier_bias() const { return classifier_bias_; }

  /// Each tensor under its name in the checkpoint.
  void for_each_tensor(const std::function<void(const std::string&, at::Tensor&)>& visit);
  /// Copies the tensors into `network`, which has the same shape.
  void store(SlimmableCheckpoint& network);

  /// Logits [batch x classes] of `images` [batch x channels x height x width], from 0 to 1, with
  /// the stored statistics in the batch norms. `visit`, if any, gets each layer's output.
  at::Tensor forward(const at::Tensor& images, std::size_t level, const Visit& visit = {}) const;
  /// The same with the batch's own statistics, of which the share `momentum` goes into the stored
  /// ones. Convolves in the type of `images`, which may be bfloat16; all else is float.
  at::Tensor forward_training(const at::Tensor& images, std::size_t level, double momentum,
                              const Visit& visit = {}) const;

 private:
  at::Tensor run(const at::Tensor& images, std::size_t level, bool training, double momentum,
                 const Visit& visit) const;

  std::vector<double> widths_;
  std::vector<Layer> layers_;
  at::Tensor classifier_weight_;  ///< [classes x channels]
  at::Tensor classifier_bias_;    ///< [classes]
};

}  // namespace rein
