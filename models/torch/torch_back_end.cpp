// LibTorch as a back end: what the others are checked against, and what runs on a GPU.
#include <ATen/ATen.h>
#include <ATen/Context.h>
#include <c10/core/InferenceMode.h>
#include <c10/util/Exception.h>
#include <fmt/format.h>
#include <torch/version.h>

#include <cassert>
#include <cstring>

#include "common/error.hpp"
#include "models/back_end.hpp"
#include "models/module.hpp"
#include "models/openmp/compute_threads.hpp"

namespace rein {
namespace {

at::Tensor tensor_of(const std::vector<float>& values, at::IntArrayRef shape,
                     const at::Device& device) {
  at::Tensor tensor = at::empty(shape);
  assert(static_cast<std::size_t>(tensor.numel()) == values.size());
  std::memcpy(tensor.data_ptr<float>(), values.data(), values.size() * sizeof(float));
  return tensor.to(device);
}

/// In words of ours: LibTorch's go on for pages, with a stack.
template <typename Act>
void translating(const Act& act) {
  try {
    act();
  } catch (const c10::Error& error) {
    const std::string words = error.what_without_backtrace();
    for (const char* no_memory : {"out of memory", "allocate memory"}) {
      if (words.find(no_memory) != std::string::npos) {
        throw std::bad_alloc();
      }
    }
    throw Error(fmt::format("LibTorch: {}", words.substr(0, words.find('\n'))));
  }
}

std::int64_t whole(std::size_t value) { return static_cast<std::int64_t>(value); }

/// The weights of a level, on the device.
struct Weights {
  struct Convolution {
    at::Tensor weight;
    at::Tensor bias;
    std::int64_t stride = 1;
    std::int64_t padding = 1;
    std::int64_t groups = 1;
  };
  std::vector<Convolution> convolutions;
  at::Tensor classifier;
  at::Tensor classifier_bias;
};

Weights weights_of(const FoldedNetwork& network, const at::Device& device) {
  Weights weights;
  for (const auto& layer : network.convolutions) {
    const std::int64_t used = layer.depthwise ? 1 : whole(layer.inputs);
    weights.convolutions.push_back(
        {.weight = tensor_of(layer.weights,
                             {whole(layer.outputs), used, whole(layer.kernel), whole(layer.kernel)},
                             device),
         .bias = tensor_of(layer.bias, {whole(layer.outputs)}, device),
         .stride = whole(layer.stride),
         .padding = whole(layer.kernel / 2),
         .groups = layer.depthwise ? whole(layer.outputs) : 1});
  }
  const std::int64_t classes = whole(network.classes());
  weights.classifier =
      tensor_of(network.classifier_weights,
                {classes, whole(network.classifier_weights.size() / network.classes())}, device);
  weights.classifier_bias = tensor_of(network.classifier_bias, {classes}, device);
  return weights;
}

class TorchRunner final : public Runner {
 public:
  TorchRunner(std::vector<BackEnd::Level> levels, const at::Device& device)
      : levels_(std::move(levels)), device_(device) {
    translating([&] {
      const c10::InferenceMode inference;
      for (const auto& level : levels_) {
        weights_.push_back(weights_of(level.network, device_));
      }
    });
  }

  void set_threads(int threads) override {
    threads_ = threads;
    set_compute_threads(threads);
  }

  /// LibTorch chooses its kernels in the first run.
  void prepare(std::size_t level, std::size_t batch) override {
    const FoldedNetwork& network = levels_[level].network;
    const std::vector<std::uint8_t> images(batch * network.image_size());
    std::vector<float> logits(batch * network.classes());
    run(level, images, logits);
  }

  void run(std::size_t level, std::span<const std::uint8_t> images,
           std::span<float> logits) override {
    translating([&] {
      // To the CPU in here: that is where a kernel's failure is told.
      const at::Tensor found =
          forward(level, images, [](std::size_t, const at::Tensor&) {}).to(at::kCPU).contiguous();
      assert(static_cast<std::size_t>(found.numel()) == logits.size());
      std::memcpy(logits.data(), found.data_ptr<float>(), logits.size_bytes());
    });
  }

  void measure_ranges(std::size_t level, std::span<const std::uint8_t> images,
                      std::span<float> ranges) override {
    translating([&] {
      forward(level, images, [&](std::size_t layer, const at::Tensor& values) {
        ranges[layer] = std::max(ranges[layer], values.max().item<float>());
      });
    });
  }

 private:
  template <typename Visit>
  at::Tensor forward(std::size_t level, std::span<const std::uint8_t> images, const Visit& visit) {
    const c10::InferenceMode inference;
    // OpenMP keeps the number for the calling thread, so another network may have set it.
    if (compute_threads() != threads_) {
      set_compute_threads(threads_);
    }
    const FoldedNetwork& network = levels_[level].network;
    const Weights& weights = weights_[level];
    // from_blob() takes no pointer to const; to() copies before anything writes.
    at::Tensor x =
        at::from_blob(const_cast<std::uint8_t*>(images.data()),
                      {whole(images.size() / network.image_size()), whole(network.channels),
                       whole(network.height), whole(network.width)},
                      at::kByte)
            .to(device_)
            .to(at::kFloat);
    for (std::size_t i = 0; i < weights.convolutions.size(); ++i) {
      const auto& layer = weights.convolutions[i];
      x = at::conv2d(x, layer.weight, layer.bias, layer.stride, layer.padding, /*dilation=*/1,
                     layer.groups);
      at::relu_(x);
      visit(i, x);
    }
    return at::linear(x.mean({2, 3}), weights.classifier, weights.classifier_bias);
  }

  std::vector<BackEnd::Level> levels_;
  at::Device device_;
  std::vector<Weights> weights_;
  int threads_ = 1;
};

class Torch final : public BackEnd {
 public:
  explicit Torch(const at::Device& device) : device_(device) {}

  std::string name() const override {
    return fmt::format("LibTorch {}{}", TORCH_VERSION, device_.is_cuda() ? " on the GPU" : "");
  }
  std::vector<Speed> speeds() const override { return {{Precision::kF32, 1.0}}; }
  std::unique_ptr<Runner> make_runner(std::vector<Level> levels) const override {
    if (device_.is_cuda()) {
      // f32 is f32, as on a CPU; and the fastest kernels are looked for in prepare().
      at::globalContext().setAllowTF32CuDNN(false);
      at::globalContext().setAllowTF32CuBLAS(false);
      at::globalContext().setBenchmarkCuDNN(true);
    }
    return std::make_unique<TorchRunner>(std::move(levels), device_);
  }

 private:
  at::Device device_;
};

const BackEnd* back_end() {
#if REIN_TORCH_ON_GPU
  static const Torch torch{at::Device(at::kCUDA, 0)};
  return at::globalContext().hasCUDA() ? &torch : nullptr;
#else
  static const Torch torch{at::Device(at::kCPU)};
  return &torch;
#endif
}

}  // namespace
}  // namespace rein

const rein::EngineModule* rein_engine_module() {
  static const rein::EngineModule module{.back_end = rein::back_end,
                                         .train = rein::train_slimmable_network};
  return &module;
}
