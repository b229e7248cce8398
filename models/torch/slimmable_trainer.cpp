#include "models/slimmable_trainer.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <cassert>

#include "models/torch/training_recipe.hpp"

namespace rein {
namespace {

/// Means of a level's loss and accuracy over the steps that trained it.
class Tally {
 public:
  explicit Tally(std::size_t levels) : loss_(levels), right_(levels), images_(levels) {}

  void add(std::size_t level, const at::Tensor& logits, const at::Tensor& labels) {
    const auto count = static_cast<double>(labels.numel());
    loss_[level] += at::cross_entropy_loss(logits, labels).item<double>() * count;
    right_[level] += logits.argmax(1).eq(labels).sum().item<double>();
    images_[level] += count;
  }

  void report(TrainingProgress& progress) const {
    progress.loss.resize(loss_.size());
    progress.accuracy_top1.resize(loss_.size());
    for (std::size_t i = 0; i < loss_.size(); ++i) {
      progress.loss[i] = images_[i] > 0.0 ? loss_[i] / images_[i] : 0.0;
      progress.accuracy_top1[i] = images_[i] > 0.0 ? right_[i] / images_[i] : 0.0;
    }
  }

 private:
  std::vector<double> loss_;
  std::vector<double> right_;
  std::vector<double> images_;
};

/// Networks that stay as they are, at full width.
class FrozenNetworks {
 public:
  explicit FrozenNetworks(const std::vector<SlimmableCheckpoint>& networks) {
    for (const SlimmableCheckpoint& network : networks) {
      layers_.emplace_back(network);
      full_.push_back(network.widths.size() - 1);
    }
  }

  /// The sum of their logits [batch x classes]; 0 if there are none.
  at::Tensor logits(const at::Tensor& images) const {
    const at::NoGradGuard no_grad;
    at::Tensor sum = at::zeros({});
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      sum = sum + layers_[i].forward(images, full_[i]);
    }
    return sum;
  }

 private:
  std::vector<SlimmableLayers> layers_;
  std::vector<std::size_t> full_;
};

/// One step of the sandwich rule; the gradients of its widths add up.
void train_on(const at::Tensor& images, const at::Tensor& labels, const SlimmableLayers& layers,
              const FrozenNetworks& frozen, std::size_t levels, Random& random, Tally& tally) {
  const std::size_t full = levels - 1;
  const at::Tensor others = frozen.logits(images);
  const at::Tensor logits = layers.forward_training(images, full, kStatisticsMomentum) + others;
  at::cross_entropy_loss(logits, labels).backward();
  tally.add(full, logits.detach(), labels);
  const at::Tensor soft_labels = at::softmax(logits.detach(), 1);

  std::vector<std::size_t> students;
  if (levels > 1) {
    students.push_back(0);
  }
  if (levels > 2) {
    students.push_back(1 + random.index(levels - 2));
  }
  for (const std::size_t level : students) {
    const at::Tensor student = layers.forward_training(images, level, kStatisticsMomentum) + others;
    at::cross_entropy_loss(student, soft_labels).backward();
    tally.add(level, student.detach(), labels);
  }
}

}  // namespace

SlimmableCheckpoint train_slimmable_network(const DataSet& set, const ImageSet& train,
                                            const TrainingOptions& options,
                                            const TrainingReport& report) {
  assert(train.count() >= options.batch && options.batch > 0);
  at::set_num_threads(options.threads);
  Random random(options.seed);

  SlimmableCheckpoint network = untrained_network(set, train, options, random);
  const std::size_t levels = network.widths.size();

  SlimmableLayers layers(network);
  const FrozenNetworks frozen(options.frozen);
  Optimizer optimizer(layers, options);
  BatchSampler sampler(train, options.batch, random);
  TrainingProgress progress{.epoch = 0,
                            .step = 0,
                            .steps = options.epochs * sampler.batches(),
                            .loss = {},
                            .accuracy_top1 = {}};
  for (; progress.epoch < options.epochs; ++progress.epoch) {
    Tally tally(levels);
    sampler.shuffle();
    for (std::size_t i = 0; i < sampler.batches(); ++i) {
      const Batch batch = sampler.batch(i, /*augment=*/true);
      train_on(batch.images.to(options.bfloat16 ? at::kBFloat16 : at::kFloat), batch.labels, layers,
               frozen, levels, random, tally);
      optimizer.step(learning_rate(progress.step, sampler.batches(), progress.steps,
                                   options.peak_learning_rate));
      ++progress.step;
      tally.report(progress);
      report(progress);
    }
  }
  measure_statistics(layers, levels, sampler);
  layers.store(network);
  return network;
}

}  // namespace rein
