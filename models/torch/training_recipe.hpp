#pragma once

// LibTorch's tensors: for the sources of this folder, and experiments that train.
#include <ATen/core/Tensor.h>

#include <cstddef>
#include <string>
#include <vector>

#include "common/random.hpp"
#include "models/slimmable_trainer.hpp"
#include "models/torch/slimmable_layers.hpp"

namespace rein {

// What the trainer and experiments beside it train with, so that their networks compare.

struct Batch {
  at::Tensor images;  ///< [batch x channels x height x width], from 0 to 1.
  at::Tensor labels;  ///< [batch]
};

/// Deals the training images in a random order, each once an epoch, moved and mirrored at random.
class BatchSampler {
 public:
  BatchSampler(const ImageSet& set, std::size_t batch, Random& random);

  /// The last images of an odd number are left out.
  std::size_t batches() const { return order_.size() / batch_; }

  void shuffle();
  Batch batch(std::size_t number, bool augment);

 private:
  void copy(std::size_t image, float* target, bool augment);

  const ImageSet& set_;
  std::size_t batch_;
  Random& random_;
  std::vector<std::size_t> order_;
};

/// The network of these options with its first weights (He et al. 2015): uniform ones whose
/// variance keeps that of the activations through ReLU.
SlimmableCheckpoint untrained_network(const DataSet& set, const ImageSet& train,
                                      const TrainingOptions& options, Random& random);

/// Stochastic gradient descent with Nesterov momentum (Sutskever et al. 2013) and weight decay on
/// the convolutions and the classifier, not on the batch norms and biases.
class Optimizer {
 public:
  Optimizer(SlimmableLayers& layers, const TrainingOptions& options);

  /// Trains this one too; with weight decay if its name ends in ".weight".
  void add(const std::string& name, at::Tensor& tensor);
  /// Parameters that had no part in the last backward passes stay as they are.
  void step(double learning_rate);

 private:
  struct Parameter {
    at::Tensor value;
    at::Tensor velocity;
    double decay = 0.0;
  };

  const TrainingOptions& options_;
  std::vector<Parameter> parameters_;
};

/// Linear over the first epoch, then half a cosine down to 0.
double learning_rate(std::size_t step, std::size_t warm_up, std::size_t steps, double peak);

/// Of the batch's statistics that goes into the stored ones in each step.
inline constexpr double kStatisticsMomentum = 0.1;

/// Replaces the batch norms' moving statistics by plain means over many images as they are (Yu &
/// Huang 2019, section 3.4).
void measure_statistics(const SlimmableLayers& layers, std::size_t levels, BatchSampler& sampler);

}  // namespace rein
