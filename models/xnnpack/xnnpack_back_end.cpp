// XNNPACK (https://github.com/google/XNNPACK) of February 2022, as Debian has it.
#include <fmt/format.h>
#include <xnnpack.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cassert>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <limits>
#include <new>
#include <utility>
#if defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#include "common/error.hpp"
#include "models/back_end.hpp"
#include "models/module.hpp"
#include "models/pixels.hpp"
#include "models/xnnpack/compute_team.hpp"

namespace rein {
namespace {

void check(xnn_status status) {
  if (status == xnn_status_out_of_memory) {
    throw std::bad_alloc();
  }
  if (status != xnn_status_success) {
    throw Error(
        fmt::format("XNNPACK: a step of the network failed (status {})", static_cast<int>(status)));
  }
}

struct Delete {
  void operator()(xnn_operator_t made) const { xnn_delete_operator(made); }
};
using Operator = std::unique_ptr<xnn_operator, Delete>;

/// What `create(..., &operator)` makes.
template <typename Create, typename... Arguments>
Operator make(const Create& create, Arguments... arguments) {
  xnn_operator_t made = nullptr;
  check(create(arguments..., &made));
  return Operator(made);
}

/// What all levels work in. Grows.
class Buffer {
 public:
  /// @return whether it has moved. @throws std::bad_alloc.
  bool reserve(std::size_t size) {
    if (size <= size_) {
      return false;
    }
    constexpr std::size_t kAlignment = 64;
    const std::size_t padded = size + XNN_EXTRA_BYTES;  // It reads beyond the end.
    const std::size_t rounded = (padded + kAlignment - 1) / kAlignment * kAlignment;
    auto* const grown = static_cast<std::byte*>(std::aligned_alloc(kAlignment, rounded));
    if (grown == nullptr) {
      throw std::bad_alloc();
    }
    memory_.reset(grown);
    size_ = size;
    return true;
  }
  std::byte* data() const { return memory_.get(); }

 private:
  struct Free {
    void operator()(std::byte* memory) const { std::free(memory); }
  };
  std::unique_ptr<std::byte, Free> memory_;
  std::size_t size_ = 0;
};

/// Some of a step's output channels.
struct Slice {
  std::size_t first = 0;
  std::size_t count = 0;
};

/// Thread `number`'s of `threads`. XNNPACK computes them by 8 or 16.
Slice slice_of(std::size_t channels, std::size_t threads, std::size_t number) {
  constexpr std::size_t kUnit = 8;
  const std::size_t units = (channels + kUnit - 1) / kUnit;
  const std::size_t first = std::min(units * number / threads * kUnit, channels);
  const std::size_t end = std::min(units * (number + 1) / threads * kUnit, channels);
  return {first, end - first};
}

/// One thread's slice of a step.
struct Part {
  Operator made;  ///< Null where there are fewer slices than threads.
  /// For a batch, of the step's input and output.
  std::function<xnn_status(std::size_t, const void*, void*)> set_up;
};

/// Reads one buffer and writes the other.
struct Step {
  std::vector<Part> parts;  ///< By thread.
  std::size_t values = 0;   ///< That it puts out for an image.
  bool is_convolution = false;
};

/// One level for one number of threads, with its weights packed. XNNPACK's own threads, of
/// pthreadpool, wait awake for tens of milliseconds, so each of ours runs operators of its own.
/// What batch they are set up for costs microseconds to change.
struct Plan {
  std::size_t level = 0;
  std::size_t threads = 1;
  std::vector<Step> steps;
  std::array<std::size_t, 2> sizes{};  ///< Of the buffers for an image [bytes].
  std::size_t batch = 0;               ///< 0: set up for none.

  /// A step that puts out `channels` for each of `pixels`.
  template <typename MakePart>
  void add(std::size_t channels, std::size_t pixels, std::size_t value_size, bool is_convolution,
           const MakePart& make_part) {
    Step step{.values = channels * pixels, .is_convolution = is_convolution};
    for (std::size_t number = 0; number < threads; ++number) {
      const Slice slice = slice_of(channels, threads, number);
      step.parts.push_back(slice.count > 0 ? make_part(slice) : Part{});
    }
    steps.push_back(std::move(step));
    auto& size = sizes[steps.size() % sizes.size()];
    size = std::max(size, channels * pixels * value_size);
  }
};

/// Activations of int8 are of 8 bits without a sign, moved down.
constexpr std::int8_t kZero = -128;
constexpr std::int8_t kMost = 127;

/// A convolution's numbers in int8, weights as the layer has them.
struct SmallNumbers {
  std::vector<std::int8_t> weights;
  std::vector<float> steps;        ///< What one step of a channel's weights is worth.
  std::vector<std::int32_t> bias;  ///< In the units of the sums of products.
};

/// @param source  what one step of an activation that comes in is worth; likewise @param target.
SmallNumbers quantise(const FoldedConvolution& layer, float source, float target) {
  // XNNPACK refuses larger ones. Such a channel is far below 0 by its bias.
  constexpr float kLargestOutputStep = 255.0F;
  constexpr float kLargestBias = 1 << 30;
  SmallNumbers numbers;
  const std::size_t row = layer.weights.size() / layer.outputs;
  for (std::size_t out = 0; out < layer.outputs; ++out) {
    const std::span<const float> weights(layer.weights.data() + out * row, row);
    float largest = 0.0F;
    for (const float weight : weights) {
      largest = std::max(largest, std::abs(weight));
    }
    // With weights near 0 the bias needs coarser steps.
    const float finest = std::max(std::abs(layer.bias[out]) / kLargestBias, target / kLargestBias);
    const float step =
        std::min(std::max(largest / 127.0F, finest / source), kLargestOutputStep * target / source);
    for (const float weight : weights) {
      numbers.weights.push_back(
          static_cast<std::int8_t>(std::clamp(std::round(weight / step), -127.0F, 127.0F)));
    }
    numbers.steps.push_back(step);
    numbers.bias.push_back(static_cast<std::int32_t>(
        std::clamp(layer.bias[out] / (source * step), -kLargestBias, kLargestBias)));
  }
  return numbers;
}

/// [outputs x kernel x kernel x inputs] of [outputs x inputs x kernel x kernel].
template <typename T>
std::vector<T> inputs_innermost(const FoldedConvolution& layer, const std::vector<T>& weights) {
  const std::size_t area = layer.kernel * layer.kernel;
  const std::size_t inputs = layer.depthwise ? 1 : layer.inputs;
  std::vector<T> result;
  result.reserve(weights.size());
  for (std::size_t row = 0; row < weights.size(); row += inputs * area) {
    for (std::size_t i = 0; i < area; ++i) {
      for (std::size_t in = 0; in < inputs; ++in) {
        result.push_back(weights[row + in * area + i]);
      }
    }
  }
  return result;
}

class XnnpackRunner final : public Runner {
 public:
  explicit XnnpackRunner(std::vector<BackEnd::Level> levels) : levels_(std::move(levels)) {}

  void set_threads(int threads) override {
    const auto found = std::ranges::find(teams_, static_cast<std::size_t>(threads),
                                         [](const auto& team) { return team->size(); });
    if (found != teams_.end()) {
      team_ = found->get();
    } else {
      teams_.push_back(std::make_unique<ComputeTeam>(threads));
      team_ = teams_.back().get();
    }
    team_->share_cpus();
  }

  void prepare(std::size_t level, std::size_t batch) override {
    if (find(level) == nullptr) {
      plans_.push_back(make_plan(level, team_->size()));
    }
    Plan& plan = *find(level);
    for (std::size_t i = 0; i < buffers_.size(); ++i) {
      if (buffers_[i].reserve(batch * plan.sizes[i])) {
        std::ranges::for_each(plans_, [](Plan& each) { each.batch = 0; });
      }
    }
    set_up(plan, batch);
  }

  void run(std::size_t level, std::span<const std::uint8_t> images,
           std::span<float> logits) override {
    const Plan& plan = take_in(level, images);
    assert(plan.batch > 0 && logits.size() == plan.batch * levels_[level].network.classes());
    execute(plan.steps);
    std::memcpy(logits.data(), buffers_[plan.steps.size() % 2].data(), logits.size_bytes());
  }

  void measure_ranges(std::size_t level, std::span<const std::uint8_t> images,
                      std::span<float> ranges) override {
    assert(levels_[level].precision == Precision::kF32);
    const Plan& plan = take_in(level, images);
    for (std::size_t i = 0; i < plan.steps.size(); ++i) {
      const std::span step(&plan.steps[i], 1);
      execute(step);
      if (step.front().is_convolution) {
        const std::span values(reinterpret_cast<const float*>(buffers_[(i + 1) % 2].data()),
                               plan.batch * step.front().values);
        ranges[i] = std::max(ranges[i], *std::ranges::max_element(values));
      }
    }
  }

 private:
  /// For the present number of threads.
  Plan* find(std::size_t level) {
    const auto found = std::ranges::find_if(plans_, [&](const Plan& plan) {
      return plan.level == level && plan.threads == team_->size();
    });
    return found == plans_.end() ? nullptr : &*found;
  }

  /// The images, for a plan that is set up for them.
  const Plan& take_in(std::size_t level, std::span<const std::uint8_t> images) {
    const auto& [network, precision] = levels_[level];
    const std::size_t batch = images.size() / network.image_size();
    const Plan* plan = find(level);
    if (plan == nullptr || plan->batch != batch) {
      prepare(level, batch);
      plan = find(level);
    }
    std::byte* const input = buffers_[0].data();
    if (precision == Precision::kInt8) {
      copy_channels_innermost(network, images, reinterpret_cast<std::int8_t*>(input),
                              [](std::uint8_t pixel) {
                                return static_cast<std::int8_t>(static_cast<int>(pixel) + kZero);
                              });
    } else {
      copy_channels_innermost(network, images, reinterpret_cast<float*>(input),
                              [](std::uint8_t pixel) { return static_cast<float>(pixel); });
    }
    return *plan;
  }

  void execute(std::span<const Step> steps) {
    std::atomic<xnn_status> status = xnn_status_success;
    team_->run([&](std::size_t number) {
      for (const Step& step : steps) {
        if (&step != steps.data()) {
          team_->meet();
        }
        xnn_operator_t const made = step.parts[number].made.get();
        if (made != nullptr) {
          const xnn_status found = xnn_run_operator(made, nullptr);
          if (found != xnn_status_success) {
            status = found;
          }
        }
      }
    });
    check(status);
  }

  void set_up(Plan& plan, std::size_t batch) const {
    plan.batch = 0;
    for (std::size_t i = 0; i < plan.steps.size(); ++i) {
      for (const Part& part : plan.steps[i].parts) {
        if (part.made != nullptr) {
          check(part.set_up(batch, buffers_[i % 2].data(), buffers_[(i + 1) % 2].data()));
        }
      }
    }
    plan.batch = batch;
  }

  Plan make_plan(std::size_t level, std::size_t threads) const {
    const auto& [network, precision] = levels_[level];
    const bool is_small = precision == Precision::kInt8;
    Plan plan{.level = level, .threads = threads};
    plan.sizes[0] = network.image_size() * (is_small ? sizeof(std::int8_t) : sizeof(float));
    Side side{network.height, network.width};
    float step = 1.0F;  // What one step of a pixel is worth: the weights take it to 0 to 1.
    for (const FoldedConvolution& layer : network.convolutions) {
      if (is_small) {
        const float step_out = layer.range > 0.0F ? layer.range / 255.0F : 1.0F;
        add_small(plan, layer, side, step, step_out);
        step = step_out;
      } else {
        add_float(plan, layer, side);
      }
      side = after(layer, side);
    }
    add_head(plan, network, side.height * side.width, is_small, step);
    return plan;
  }

  struct Side {
    std::size_t height = 0;
    std::size_t width = 0;
  };
  static Side after(const FoldedConvolution& layer, Side side) {
    return {side_after(layer, side.height), side_after(layer, side.width)};
  }
  static std::size_t pixels_after(const FoldedConvolution& layer, Side side) {
    const auto [height, width] = after(layer, side);
    return height * width;
  }

  /// Of a slice of the layer; `numbers` are what `create` takes behind the shape.
  template <typename Create, typename... Numbers>
  static Operator convolution(const FoldedConvolution& layer, Slice slice, const Create& create,
                              Numbers... numbers) {
    const auto kernel = static_cast<std::uint32_t>(layer.kernel);
    const auto stride = static_cast<std::uint32_t>(layer.stride);
    const std::uint32_t padding = kernel / 2;
    const std::uint32_t dilation = 1;
    const std::size_t groups = layer.depthwise ? slice.count : 1;
    return make(create, padding, padding, padding, padding, kernel, kernel, stride, stride,
                dilation, dilation, static_cast<std::uint32_t>(groups),
                layer.depthwise ? 1 : layer.inputs, slice.count / groups, layer.inputs,
                layer.outputs, numbers...);
  }

  static void add_float(Plan& plan, const FoldedConvolution& layer, Side side) {
    const auto weights = inputs_innermost(layer, layer.weights);
    const std::size_t row = weights.size() / layer.outputs;
    plan.add(layer.outputs, pixels_after(layer, side), sizeof(float), true, [&](Slice slice) {
      Operator made = convolution(layer, slice, xnn_create_convolution2d_nhwc_f32,
                                  weights.data() + slice.first * row,
                                  layer.bias.data() + slice.first, 0.0F, kInfinity, kFlags);
      xnn_operator_t const raw = made.get();
      const std::size_t skipped = layer.depthwise ? slice.first : 0;
      return Part{std::move(made), [=](std::size_t batch, const void* in, void* out) {
                    return xnn_setup_convolution2d_nhwc_f32(raw, batch, side.height, side.width,
                                                            static_cast<const float*>(in) + skipped,
                                                            static_cast<float*>(out) + slice.first,
                                                            nullptr);
                  }};
    });
  }

  static void add_small(Plan& plan, const FoldedConvolution& layer, Side side, float step_in,
                        float step_out) {
    const SmallNumbers numbers = quantise(layer, step_in, step_out);
    const auto weights = inputs_innermost(layer, numbers.weights);
    const std::size_t row = weights.size() / layer.outputs;
    plan.add(layer.outputs, pixels_after(layer, side), sizeof(std::int8_t), true, [&](Slice slice) {
      Operator made =
          convolution(layer, slice, xnn_create_convolution2d_nhwc_qc8, kZero, step_in,
                      numbers.steps.data() + slice.first, weights.data() + slice.first * row,
                      numbers.bias.data() + slice.first, kZero, step_out, kZero, kMost, kFlags);
      xnn_operator_t const raw = made.get();
      const std::size_t skipped = layer.depthwise ? slice.first : 0;
      return Part{std::move(made), [=](std::size_t batch, const void* in, void* out) {
                    return xnn_setup_convolution2d_nhwc_qc8(
                        raw, batch, side.height, side.width,
                        static_cast<const std::int8_t*>(in) + skipped,
                        static_cast<std::int8_t*>(out) + slice.first, nullptr);
                  }};
    });
  }

  /// The mean over each channel, and the classifier, both in float.
  static void add_head(Plan& plan, const FoldedNetwork& network, std::size_t area, bool is_small,
                       float step) {
    const std::size_t channels = network.convolutions.back().outputs;
    if (is_small) {
      plan.add(channels, area, sizeof(float), false, [&](Slice slice) {
        Operator made = make(xnn_create_convert_nc_qs8_f32, slice.count, channels, channels, step,
                             kZero, kFlags);
        xnn_operator_t const raw = made.get();
        return Part{std::move(made), [=](std::size_t batch, const void* in, void* out) {
                      return xnn_setup_convert_nc_qs8_f32(
                          raw, batch * area, static_cast<const std::int8_t*>(in) + slice.first,
                          static_cast<float*>(out) + slice.first, nullptr);
                    }};
      });
    }
    plan.add(channels, 1, sizeof(float), false, [&](Slice slice) {
      Operator made = make(xnn_create_global_average_pooling_nwc_f32, slice.count, channels,
                           channels, -kInfinity, kInfinity, kFlags);
      xnn_operator_t const raw = made.get();
      return Part{std::move(made), [=](std::size_t batch, const void* in, void* out) {
                    return xnn_setup_global_average_pooling_nwc_f32(
                        raw, batch, area, static_cast<const float*>(in) + slice.first,
                        static_cast<float*>(out) + slice.first, nullptr);
                  }};
    });
    const std::size_t classes = network.classes();
    plan.add(classes, 1, sizeof(float), false, [&](Slice slice) {
      Operator made =
          make(xnn_create_fully_connected_nc_f32, channels, slice.count, channels, classes,
               network.classifier_weights.data() + slice.first * channels,
               network.classifier_bias.data() + slice.first, -kInfinity, kInfinity, kFlags);
      xnn_operator_t const raw = made.get();
      return Part{std::move(made), [=](std::size_t batch, const void* in, void* out) {
                    return xnn_setup_fully_connected_nc_f32(
                        raw, batch, static_cast<const float*>(in),
                        static_cast<float*>(out) + slice.first, nullptr);
                  }};
    });
  }

  static constexpr float kInfinity = std::numeric_limits<float>::infinity();
  static constexpr std::uint32_t kFlags = 0;

  std::vector<BackEnd::Level> levels_;
  std::vector<std::unique_ptr<ComputeTeam>> teams_;  ///< Those not in use sleep.
  ComputeTeam alone_{1};
  ComputeTeam* team_ = &alone_;
  std::vector<Plan> plans_;
  std::array<Buffer, 2> buffers_;
};

class Xnnpack final : public BackEnd {
 public:
  Xnnpack() {
    switch (xnn_initialize(nullptr)) {
      case xnn_status_success:
        return;
      case xnn_status_unsupported_hardware:
        throw ConfigError("XNNPACK: expected a CPU with SSE2 or NEON, found one without");
      default:
        throw Error(
            "XNNPACK: expected memory, and what /proc and /sys tell of the CPU, found too "
            "little");
    }
  }

  std::string name() const override { return "XNNPACK"; }

  std::vector<Speed> speeds() const override {
    std::vector<Speed> speeds = {{Precision::kF32, 1.0}};
#if defined(__aarch64__)
    // Assumed, of what is published for CPUs with dot products: 2 to 4 times as fast.
    if ((getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0) {
      speeds.push_back({Precision::kInt8, 0.4});
    }
#elif defined(__x86_64__)
    // This version does not know of VNNI.
    if (__builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vl") != 0) {
      speeds.push_back({Precision::kInt8, 0.75});
    }
#endif
    return speeds;
  }

  std::unique_ptr<Runner> make_runner(std::vector<Level> levels) const override {
    return std::make_unique<XnnpackRunner>(std::move(levels));
  }
};

const BackEnd* xnnpack() {
  static const Xnnpack back_end;
  return &back_end;
}

}  // namespace
}  // namespace rein

const rein::EngineModule* rein_engine_module() {
  static const rein::EngineModule module{.back_end = rein::xnnpack};
  return &module;
}
