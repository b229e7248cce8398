#include "models/torch/training_recipe.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <numeric>
#include <utility>

namespace rein {
namespace {

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

}  // namespace

BatchSampler::BatchSampler(const ImageSet& set, std::size_t batch, Random& random)
    : set_(set), batch_(batch), random_(random), order_(set.count()) {
  std::iota(order_.begin(), order_.end(), std::size_t{0});
}

void BatchSampler::shuffle() {
  for (std::size_t i = order_.size(); i > 1; --i) {
    std::swap(order_[i - 1], order_[random_.index(i)]);
  }
}

Batch BatchSampler::batch(std::size_t number, bool augment) {
  Batch result{.images = at::zeros(
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

void BatchSampler::copy(std::size_t image, float* target, bool augment) {
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

SlimmableCheckpoint untrained_network(const DataSet& set, const ImageSet& train,
                                      const TrainingOptions& options, Random& random) {
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
  initialize(network, random);
  return network;
}

Optimizer::Optimizer(SlimmableLayers& layers, const TrainingOptions& options) : options_(options) {
  layers.for_each_tensor([&](const std::string& name, at::Tensor& tensor) {
    if (!name.ends_with(".mean") && !name.ends_with(".variance")) {
      add(name, tensor);
    }
  });
}

void Optimizer::add(const std::string& name, at::Tensor& tensor) {
  tensor.set_requires_grad(true);
  parameters_.push_back({.value = tensor,
                         .velocity = at::zeros_like(tensor),
                         .decay = name.ends_with(".weight") ? options_.weight_decay : 0.0});
}

void Optimizer::step(double learning_rate) {
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

double learning_rate(std::size_t step, std::size_t warm_up, std::size_t steps, double peak) {
  if (step < warm_up) {
    return peak * static_cast<double>(step + 1) / static_cast<double>(warm_up);
  }
  const double done = static_cast<double>(step - warm_up) / static_cast<double>(steps - warm_up);
  return peak * 0.5 * (1.0 + std::cos(std::numbers::pi * done));
}

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

}  // namespace rein
