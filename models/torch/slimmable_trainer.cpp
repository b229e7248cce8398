#include "models/slimmable_trainer.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

#include "common/random.hpp"
#include "models/torch/slimmable_layers.hpp"

namespace rein {
namespace {

struct Batch {
  at::Tensor images;  ///< [batch x channels x height x width], from 0 to 1.
  at::Tensor labels;  ///< [batch]
};

/// Deals the training images in a random order, each once an epoch, moved and mirrored at random.
class BatchSampler {
 public:
  BatchSampler(const ImageSet& set, std::size_t batch, Random& random)
      : set_(set), batch_(batch), random_(random), order_(set.count()) {
    std::iota(order_.begin(), order_.end(), std::size_t{0});
  }

  /// The last images of an odd number are left out.
  std::size_t batches() const { return order_.size() / batch_; }

  void shuffle() {
    for (std::size_t i = order_.size(); i > 1; --i) {
      std::swap(order_[i - 1], order_[random_.index(i)]);
    }
  }

  Batch batch(std::size_t number, bool augment) {
    Batch result{
        .images = at::zeros(
            {static_cast<std::int64_t>(batch_), static_cast<std::int64_t>(set_.channels),
             static_cast<std::int64_t>(set_.height), static_cast<std::int64_t>(set_.width)}),
        .labels = at::empty({static_cast<std::int64_t>(batch_)}, at::kLong)};
    for (std::size_t i = 0; i < batch_; ++i) {
      const std::size_t image = order_[number * batch_ + i];
      result.labels.data_ptr<std::int64_t>()[i] = set_.labels[image];
      copy(image, result.images.data_ptr<float>() + i * set_.image_size(), augment);
    }
    return result;
  }

 private:
  void copy(std::size_t image, float* target, bool augment) {
    // A pixel of Fashion-MNIST, whose images are centred already.
    const int largest_shift = std::max(1, static_cast<int>(set_.height) / 28);
    const auto draw_shift = [&] {
      return static_cast<int>(random_.index(2 * static_cast<std::size_t>(largest_shift) + 1)) -
             largest_shift;
    };
    const int shift_y = augment ? draw_shift() : 0;
    const int shift_x = augment ? draw_shift() : 0;
    const bool mirror = augment && random_.index(2) == 1;
    const int height = static_cast<int>(set_.height);
    const int width = static_cast<int>(set_.width);
    const std::uint8_t* source = set_.images(image, 1).data();
    for (std::size_t channel = 0; channel < set_.channels; ++channel) {
      for (int y = std::max(0, shift_y); y < std::min(height, height + shift_y); ++y) {
        for (int x = std::max(0, shift_x); x < std::min(width, width + shift_x); ++x) {
          const int from = mirror ? width - 1 - (x - shift_x) : x - shift_x;
          target[y * width + x] = static_cast<float>(source[(y - shift_y) * width + from]) / 255.0F;
        }
      }
      source += height * width;
      target += height * width;
    }
  }

  const ImageSet& set_;
  std::size_t batch_;
  Random& random_;
  std::vector<std::size_t> order_;
};

/// He et al. 2015: uniform weights whose variance keeps that of the activations through ReLU.
void initialize(SlimmableCheckpoint& network, Random& random) {
  for (const auto& [name, shape] : tensor_shapes(network)) {
    TensorData& tensor = network.tensors[name];
    tensor.shape = shape;
    const std::size_t fan_in =
        std::accumulate(shape.begin() + 1, shape.end(), std::size_t{1}, std::multiplies<>());
    tensor.values.resize(shape.front() * fan_in);
    if (name.ends_with(".weight")) {
      const double bound = std::sqrt(6.0 / static_cast<double>(fan_in));
      std::ranges::generate(tensor.values, [&] {
        return static_cast<float>(bound * (2.0 * random.uniform() - 1.0));
      });
    } else if (name.ends_with(".scale") || name.ends_with(".variance")) {
      std::ranges::fill(tensor.values, 1.0F);
    }
  }
}

/// Stochastic gradient descent with Nesterov momentum (Sutskever et al. 2013) and weight decay on
/// the convolutions and the classifier, not on the batch norms and biases.
class Optimizer {
 public:
  Optimizer(SlimmableLayers& layers, const TrainingOptions& options) : options_(options) {
    layers.for_each_tensor([&](const std::string& name, at::Tensor& tensor) {
      if (!name.ends_with(".mean") && !name.ends_with(".variance")) {
        tensor.set_requires_grad(true);
        parameters_.push_back({.value = tensor,
                               .velocity = at::zeros_like(tensor),
                               .decay = name.ends_with(".weight") ? options.weight_decay : 0.0});
      }
    });
  }

  /// Parameters that had no part in the last backward passes stay as they are.
  void step(double learning_rate) {
    const at::NoGradGuard no_grad;
    for (Parameter& parameter : parameters_) {
      at::Tensor& gradient = parameter.value.mutable_grad();
      if (!gradient.defined()) {
        continue;
      }
      gradient.add_(parameter.value, parameter.decay);
      parameter.velocity.mul_(options_.momentum).add_(gradient);
      parameter.value.sub_(gradient.add_(parameter.velocity, options_.momentum), learning_rate);
      gradient.reset();
    }
  }

 private:
  struct Parameter {
    at::Tensor value;
    at::Tensor velocity;
    double decay = 0.0;
  };

  const TrainingOptions& options_;
  std::vector<Parameter> parameters_;
};

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

/// Linear over the first epoch, then half a cosine down to 0.
double learning_rate(std::size_t step, std::size_t warm_up, std::size_t steps, double peak) {
  if (step < warm_up) {
    return peak * static_cast<double>(step + 1) / static_cast<double>(warm_up);
  }
  const double done = static_cast<double>(step - warm_up) / static_cast<double>(steps - warm_up);
  return peak * 0.5 * (1.0 + std::cos(std::numbers::pi * done));
}

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
  constexpr double kStatisticsMomentum = 0.1;
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

/// Replaces the batch norms' moving statistics by plain means over many images as they are (Yu &
/// Huang 2019, section 3.4).
void measure_statistics(const SlimmableLayers& layers, std::size_t levels, BatchSampler& sampler) {
  const at::NoGradGuard no_grad;
  constexpr std::size_t kMostBatches = 100;
  const std::size_t batches = std::min(kMostBatches, sampler.batches());
  for (std::size_t i = 0; i < batches; ++i) {
    const Batch batch = sampler.batch(i, /*augment=*/false);
    for (std::size_t level = 0; level < levels; ++level) {
      layers.forward_training(batch.images, level, 1.0 / static_cast<double>(i + 1));
    }
  }
}

}  // namespace

SlimmableCheckpoint train_slimmable_network(const DataSet& set, const ImageSet& train,
                                            const TrainingOptions& options,
                                            const TrainingReport& report) {
  assert(train.count() >= options.batch && options.batch > 0);
  at::set_num_threads(options.threads);
  Random random(options.seed);

  SlimmableCheckpoint network{
      .dataset = set.name,
      .recipe = fmt::format(
          "epochs {}, batch {}, seed {}, threads {}, training images {}{}{}", options.epochs,
          options.batch, options.seed, options.threads, train.count(),
          options.bfloat16 ? ", bfloat16" : "",
          options.frozen.empty() ? "" : fmt::format(", beside {} frozen", options.frozen.size())),
      .channels = train.channels,
      .height = train.height,
      .width = train.width,
      .class_names = set.class_names,
      .layers = options.architecture.layers,
      .widths = {},
      .tensors = {}};
  for (const double width : options.architecture.widths) {
    network.widths.push_back(
        {.width = width, .accuracy_top1 = {{Precision::kF32, 0.0}}, .ranges = {}});
  }
  const std::size_t levels = network.widths.size();
  initialize(network, random);

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
