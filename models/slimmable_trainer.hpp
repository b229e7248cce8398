#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "models/data_set.hpp"
#include "models/image_set.hpp"
#include "models/network_architecture.hpp"
#include "models/slimmable_checkpoint.hpp"

namespace rein {

struct TrainingOptions {
  std::size_t epochs = 12;
  std::size_t batch = 128;
  /// Decides the first weights, the order of the images and their augmentation. The same seed and
  /// number of threads give the same weights, bit for bit, on the same kind of machine.
  std::uint64_t seed = 1;
  int threads = 1;
  /// Convolve in bfloat16 while training: about twice as fast on CPUs with AMX or AVX512-BF16, slow
  /// on others. The weights stay float, and serving is in float.
  bool bfloat16 = false;
  double peak_learning_rate = 0.1;
  double momentum = 0.9;
  double weight_decay = 5e-4;
  NetworkArchitecture architecture = network_architectures().front();
  /// Networks for the same images and classes that stay as they are: their logits at full width are
  /// added to those of the one that is trained, in its losses. So a network grows by groups of
  /// channels that do not see each other (Xun et al. 2019, Incremental training and group
  /// convolution pruning).
  std::vector<SlimmableCheckpoint> frozen = {};
};

/// After each step.
struct TrainingProgress {
  std::size_t epoch = 0;  ///< From 0.
  std::size_t step = 0;   ///< Done so far, over all epochs.
  std::size_t steps = 0;  ///< In all.
  /// Means over this epoch so far, one a level: cross-entropy with the labels (nats), and the share
  /// classified rightly, of the augmented images.
  std::vector<double> loss;
  std::vector<double> accuracy_top1;
};

using TrainingReport = std::function<void(const TrainingProgress&)>;

/// Trains a slimmable network by stochastic gradient descent with Nesterov momentum, a warm-up of
/// one epoch and then a cosine-shaped learning rate (Loshchilov & Hutter 2017).
///
/// Each step follows the sandwich rule with in-place distillation (Yu & Huang 2019, Universally
/// Slimmable Networks, sections 3.2 and 3.3): the full width learns from the labels; the narrowest
/// one and one drawn from those between learn from the full width's soft predictions. Afterwards
/// the batch norms' statistics are measured anew. Accuracies are 0: calibrate() measures them.
///
/// Takes minutes to hours. Sets the number of LibTorch's threads. In the module "torch" only.
/// @pre train.count() >= options.batch.
SlimmableCheckpoint train_slimmable_network(const DataSet& set, const ImageSet& train,
                                            const TrainingOptions& options,
                                            const TrainingReport& report);

}  // namespace rein
