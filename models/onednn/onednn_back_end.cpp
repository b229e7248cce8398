// oneDNN called directly: https://uxlfoundation.github.io/oneDNN/ (version 2.6, as Debian has it).
#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <dnnl.hpp>
#include <new>
#include <optional>
#include <utility>

#include "common/error.hpp"
#include "models/back_end.hpp"
#include "models/module.hpp"
#include "models/openmp/compute_threads.hpp"
#include "models/pixels.hpp"

namespace rein {
namespace {

using dnnl::memory;
using DataType = memory::data_type;
using Tag = memory::format_tag;

/// Where a memory of a plan lies.
enum Region : std::size_t { kPing, kPong, kScratch, kRegions };

/// What all plans of a runner work in, one after the other. Grows.
class Arena {
 public:
  /// @return whether it has moved. @throws std::bad_alloc.
  bool reserve(Region region, std::size_t size) {
    if (size <= sizes_[region]) {
      return false;
    }
    constexpr std::size_t kAlignment = 64;
    const std::size_t rounded = (size + kAlignment - 1) / kAlignment * kAlignment;
    auto* const grown = static_cast<std::byte*>(std::aligned_alloc(kAlignment, rounded));
    if (grown == nullptr) {
      throw std::bad_alloc();
    }
    buffers_[region].reset(grown);
    sizes_[region] = rounded;
    return true;
  }
  std::byte* at(Region region) const { return buffers_[region].get(); }

 private:
  struct Free {
    void operator()(std::byte* memory) const { std::free(memory); }
  };
  std::array<std::unique_ptr<std::byte, Free>, kRegions> buffers_;
  std::array<std::size_t, kRegions> sizes_{};
};

/// Packed weights in one layout. oneDNN chooses it, for the shape of the layer, the batch and the
/// number of threads, so that a layer may need several.
struct Packed {
  memory::desc desc;
  memory weights;
};

/// oneDNN ends by a signal if there is no memory for the kernels that it compiles: those of one
/// primitive take less than this. @throws std::bad_alloc.
void need_room_for_kernels() {
  constexpr std::size_t kRoom = 32U << 20U;
  void* const room =
      mmap(nullptr, kRoom, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (room == MAP_FAILED) {
    throw std::bad_alloc();
  }
  munmap(room, kRoom);
}

memory::dims dims(std::initializer_list<std::size_t> sizes) { return {sizes.begin(), sizes.end()}; }

DataType activation_type(Precision precision) {
  switch (precision) {
    case Precision::kF32:
      return DataType::f32;
    case Precision::kBf16:
      return DataType::bf16;
    case Precision::kInt8:
      return DataType::u8;
  }
  std::abort();
}

DataType weight_type(Precision precision) {
  return precision == Precision::kInt8 ? DataType::s8 : activation_type(precision);
}

/// A convolution's numbers as a precision has them, in row-major order.
struct Numbers {
  std::vector<float> weights;       ///< Of f32 and bf16.
  std::vector<std::int8_t> small;   ///< Of int8.
  std::vector<float> bias;          ///< In the units of the sums of products.
  std::vector<float> output_scale;  ///< Of int8: takes a channel's sum to what it puts out.
};

/// @param source  what one step of an activation that comes in is worth; likewise @param target.
Numbers quantise(const FoldedConvolution& layer, float source, float target) {
  Numbers numbers;
  const std::size_t row = layer.weights.size() / layer.outputs;
  for (std::size_t out = 0; out < layer.outputs; ++out) {
    const std::span<const float> weights(layer.weights.data() + out * row, row);
    float largest = 0.0F;
    for (const float weight : weights) {
      largest = std::max(largest, std::abs(weight));
    }
    const float step = largest > 0.0F ? largest / 127.0F : 1.0F;
    for (const float weight : weights) {
      numbers.small.push_back(static_cast<std::int8_t>(std::lround(weight / step)));
    }
    numbers.bias.push_back(layer.bias[out] / (source * step));
    numbers.output_scale.push_back(source * step / target);
  }
  return numbers;
}

/// One level, one batch, one number of threads.
struct Plan {
  std::size_t level = 0;
  std::size_t batch = 0;
  int threads = 1;

  /// Where a convolution puts what it finds.
  struct Target {
    Region region = kPing;
    std::size_t size = 0;  ///< [bytes]
  };
  struct Step {
    dnnl::primitive primitive;
    std::vector<dnnl_exec_arg_t> arguments;
    std::optional<Target> convolution;  ///< If it is one.
  };
  struct View {
    memory values;
    Region region = kPing;
  };
  std::vector<Step> steps;
  std::vector<View> views;        ///< Into the arena.
  std::vector<memory> constants;  ///< Kept for the steps.
  Region input = kPing;
  Region output = kPing;
};

class OneDnnRunner final : public Runner {
 public:
  explicit OneDnnRunner(std::vector<BackEnd::Level> levels)
      : levels_(std::move(levels)), packed_(levels_.size()) {
    for (std::size_t i = 0; i < levels_.size(); ++i) {
      packed_[i].resize(levels_[i].network.convolutions.size() + 1);
    }
  }

  void set_threads(int threads) override {
    threads_ = threads;
    set_compute_threads(threads);
  }

  void prepare(std::size_t level, std::size_t batch) override {
    keep_threads();
    if (find(level, batch) != nullptr) {
      return;
    }
    try {
      make_plan(level, batch);
    } catch (const dnnl::error& error) {
      if (error.status == dnnl_out_of_memory) {
        throw std::bad_alloc();
      }
      throw Error(
          fmt::format("oneDNN: {} (status {})", error.what(), static_cast<int>(error.status)));
    }
  }

  void run(std::size_t level, std::span<const std::uint8_t> images,
           std::span<float> logits) override {
    const FoldedNetwork& network = levels_[level].network;
    const std::size_t batch = images.size() / network.image_size();
    assert(batch > 0 && logits.size() == batch * network.classes());
    keep_threads();
    const Plan* plan = find(level, batch);
    if (plan == nullptr) {
      prepare(level, batch);
      plan = find(level, batch);
    }
    take_in(levels_[level], images, arena_.at(plan->input));
    for (const auto& step : plan->steps) {
      execute(step);
    }
    std::memcpy(logits.data(), arena_.at(plan->output), logits.size_bytes());
  }

  void measure_ranges(std::size_t level, std::span<const std::uint8_t> images,
                      std::span<float> ranges) override {
    const std::size_t batch = images.size() / levels_[level].network.image_size();
    assert(levels_[level].precision == Precision::kF32);
    prepare(level, batch);
    const Plan& plan = *find(level, batch);
    take_in(levels_[level], images, arena_.at(plan.input));
    std::size_t layer = 0;
    for (const auto& step : plan.steps) {
      execute(step);
      if (step.convolution) {
        // What fills up a block of channels is 0.
        const std::span values(reinterpret_cast<const float*>(arena_.at(step.convolution->region)),
                               step.convolution->size / sizeof(float));
        ranges[layer] = std::max(ranges[layer], *std::ranges::max_element(values));
        ++layer;
      }
    }
  }

 private:
  void execute(const Plan::Step& step) const {
    const auto status =
        dnnl_primitive_execute(step.primitive.get(), stream_.get(),
                               static_cast<int>(step.arguments.size()), step.arguments.data());
    if (status != dnnl_success) {
      throw Error(fmt::format("oneDNN: a step of the network failed (status {})",
                              static_cast<int>(status)));
    }
  }

  /// OpenMP keeps the number for the calling thread, so another network may have set it.
  void keep_threads() const {
    if (compute_threads() != threads_) {
      set_compute_threads(threads_);
    }
  }

  const Plan* find(std::size_t level, std::size_t batch) const {
    const auto found = std::ranges::find_if(plans_, [&](const Plan& plan) {
      return plan.level == level && plan.batch == batch && plan.threads == threads_;
    });
    return found == plans_.end() ? nullptr : &*found;
  }

  /// Writes the images as the first convolution takes them: channels innermost.
  static void take_in(const BackEnd::Level& level, std::span<const std::uint8_t> images,
                      std::byte* input) {
    switch (level.precision) {
      case Precision::kF32:
        copy_channels_innermost(level.network, images, reinterpret_cast<float*>(input),
                                [](std::uint8_t pixel) { return static_cast<float>(pixel); });
        break;
      case Precision::kBf16:  // Its 8 bits hold every pixel exactly.
        copy_channels_innermost(
            level.network, images, reinterpret_cast<std::uint16_t*>(input), [](std::uint8_t pixel) {
              return static_cast<std::uint16_t>(
                  std::bit_cast<std::uint32_t>(static_cast<float>(pixel)) >> 16U);
            });
        break;
      case Precision::kInt8:
        copy_channels_innermost(level.network, images, reinterpret_cast<std::uint8_t*>(input),
                                [](std::uint8_t pixel) { return pixel; });
        break;
    }
  }

  memory view(Plan& plan, const memory::desc& desc, Region region,
              std::array<std::size_t, kRegions>& needed) const {
    plan.views.push_back({memory(desc, engine_, DNNL_MEMORY_NONE), region});
    needed[region] = std::max(needed[region], desc.get_size());
    return plan.views.back().values;
  }

  memory constant(Plan& plan, const memory::desc& desc, const void* values) const {
    memory result(desc, engine_);
    std::memcpy(result.get_data_handle(), values, desc.get_size());
    plan.constants.push_back(result);
    return result;
  }

  /// The weights in the layout `wanted`, which plans share that want the same.
  memory pack(std::size_t level, std::size_t layer, const memory::desc& plain, const void* values,
              const memory::desc& wanted) {
    auto& packed = packed_[level][layer];
    const auto found = std::ranges::find(packed, wanted, &Packed::desc);
    if (found != packed.end()) {
      return found->weights;
    }
    const memory source(plain, engine_, const_cast<void*>(values));
    memory target(wanted, engine_);
    dnnl::stream stream = stream_;
    dnnl::reorder(source, target).execute(stream, const_cast<memory&>(source), target);
    stream.wait();
    packed.push_back({wanted, target});
    return target;
  }

  static Region other(Region region) { return region == kPing ? kPong : kPing; }

  void make_plan(std::size_t level, std::size_t batch) {
    const auto& [network, precision] = levels_[level];
    Plan plan{.level = level, .batch = batch, .threads = threads_};
    std::array<std::size_t, kRegions> needed{};
    Region region = kPing;
    std::size_t height = network.height;
    std::size_t width = network.width;
    memory source = view(
        plan,
        {dims({batch, network.channels, height, width}), activation_type(precision), Tag::nhwc},
        region, needed);
    plan.input = region;

    const auto scratch = [&](Plan::Step& step, const memory::desc& desc) {
      if (desc.get_size() > 0) {
        step.arguments.push_back({DNNL_ARG_SCRATCHPAD, view(plan, desc, kScratch, needed).get()});
      }
    };
    // As the step after wants it.
    const auto change_layout = [&](const memory::desc& wanted) {
      if (source.get_desc() == wanted) {
        return;
      }
      region = other(region);
      const memory target = view(plan, wanted, region, needed);
      dnnl::primitive_attr attributes;
      attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
      const dnnl::reorder::primitive_desc desc(engine_, source.get_desc(), engine_, wanted,
                                               attributes);
      Plan::Step step{dnnl::reorder(desc),
                      {{DNNL_ARG_FROM, source.get()}, {DNNL_ARG_TO, target.get()}}};
      scratch(step, desc.scratchpad_desc());
      plan.steps.push_back(std::move(step));
      source = target;
    };

    float step_in = 1.0F;  // What one step of a pixel is worth: the weights take it to 0 to 1.
    for (std::size_t i = 0; i < network.convolutions.size(); ++i) {
      const FoldedConvolution& layer = network.convolutions[i];
      const bool last = i + 1 == network.convolutions.size();
      height = side_after(layer, height);
      width = side_after(layer, width);

      const bool is_small = precision == Precision::kInt8;
      const float step_out = is_small && !last && layer.range > 0.0F ? layer.range / 255.0F : 1.0F;
      const Numbers numbers =
          is_small ? quantise(layer, step_in, step_out) : Numbers{.bias = layer.bias};
      step_in = step_out;

      dnnl::primitive_attr attributes;
      dnnl::post_ops then;
      then.append_eltwise(1.0F, dnnl::algorithm::eltwise_relu, 0.0F, 0.0F);
      attributes.set_post_ops(then);
      attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
      if (is_small) {
        attributes.set_output_scales(1 << 1, numbers.output_scale);
      }
      const auto shape = layer.depthwise
                             ? dims({layer.outputs, 1, 1, layer.kernel, layer.kernel})
                             : dims({layer.outputs, layer.inputs, layer.kernel, layer.kernel});
      const auto stride = dims({layer.stride, layer.stride});
      const auto padding = dims({layer.kernel / 2, layer.kernel / 2});
      const memory::desc bias_desc(dims({layer.outputs}), DataType::f32, Tag::x);
      need_room_for_kernels();
      const dnnl::convolution_forward::primitive_desc desc(
          {dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct,
           memory::desc(source.get_desc().dims(), source.get_desc().data_type(), Tag::any),
           memory::desc(shape, weight_type(precision), Tag::any), bias_desc,
           memory::desc(dims({batch, layer.outputs, height, width}),
                        last ? DataType::f32 : activation_type(precision), Tag::any),
           stride, padding, padding},
          attributes, engine_);

      change_layout(desc.src_desc());
      const memory::desc plain(shape, is_small ? DataType::s8 : DataType::f32,
                               layer.depthwise ? Tag::goihw : Tag::oihw);
      const void* const values = is_small ? static_cast<const void*>(numbers.small.data())
                                          : static_cast<const void*>(layer.weights.data());
      const memory weights = pack(level, i, plain, values, desc.weights_desc());
      const memory bias = constant(plan, bias_desc, numbers.bias.data());
      region = other(region);
      const memory target = view(plan, desc.dst_desc(), region, needed);
      Plan::Step step{dnnl::convolution_forward(desc),
                      {{DNNL_ARG_SRC, source.get()},
                       {DNNL_ARG_WEIGHTS, weights.get()},
                       {DNNL_ARG_BIAS, bias.get()},
                       {DNNL_ARG_DST, target.get()}},
                      Plan::Target{region, desc.dst_desc().get_size()}};
      scratch(step, desc.scratchpad_desc());
      plan.steps.push_back(std::move(step));
      source = target;
    }
    add_head(plan, level, source, region, scratch, needed);

    for (const Region each : {kPing, kPong, kScratch}) {
      if (arena_.reserve(each, needed[each])) {
        std::ranges::for_each(plans_, [&](Plan& before) { attach(before); });
      }
    }
    attach(plan);
    plans_.push_back(std::move(plan));
  }

  /// The mean over each channel, and the classifier.
  template <typename Scratch>
  void add_head(Plan& plan, std::size_t level, const memory& source, Region region,
                const Scratch& scratch, std::array<std::size_t, kRegions>& needed) {
    const FoldedNetwork& network = levels_[level].network;
    const auto sides = source.get_desc().dims();
    const auto channels = static_cast<std::size_t>(sides[1]);
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);

    need_room_for_kernels();
    const memory::dims area = {sides[2], sides[3]};
    const dnnl::pooling_forward::primitive_desc pooling(
        {dnnl::prop_kind::forward_inference,
         dnnl::algorithm::pooling_avg_include_padding,
         source.get_desc(),
         memory::desc(dims({plan.batch, channels, 1, 1}), DataType::f32, Tag::any),
         area,
         area,
         {0, 0},
         {0, 0}},
        attributes, engine_);
    region = other(region);
    const memory means = view(plan, pooling.dst_desc(), region, needed);
    Plan::Step mean{dnnl::pooling_forward(pooling),
                    {{DNNL_ARG_SRC, source.get()}, {DNNL_ARG_DST, means.get()}}};
    scratch(mean, pooling.scratchpad_desc());
    plan.steps.push_back(std::move(mean));

    const memory::desc bias_desc(dims({network.classes()}), DataType::f32, Tag::x);
    const auto shape = dims({network.classes(), channels, 1, 1});
    const dnnl::inner_product_forward::primitive_desc linear(
        {dnnl::prop_kind::forward_inference, means.get_desc(),
         memory::desc(shape, DataType::f32, Tag::any), bias_desc,
         memory::desc(dims({plan.batch, network.classes()}), DataType::f32, Tag::nc)},
        attributes, engine_);
    const memory weights =
        pack(level, network.convolutions.size(), memory::desc(shape, DataType::f32, Tag::oihw),
             network.classifier_weights.data(), linear.weights_desc());
    const memory bias = constant(plan, bias_desc, network.classifier_bias.data());
    region = other(region);
    const memory logits = view(plan, linear.dst_desc(), region, needed);
    Plan::Step classify{dnnl::inner_product_forward(linear),
                        {{DNNL_ARG_SRC, means.get()},
                         {DNNL_ARG_WEIGHTS, weights.get()},
                         {DNNL_ARG_BIAS, bias.get()},
                         {DNNL_ARG_DST, logits.get()}}};
    scratch(classify, linear.scratchpad_desc());
    plan.steps.push_back(std::move(classify));
    plan.output = region;
  }

  void attach(Plan& plan) const {
    for (auto& [values, region] : plan.views) {
      values.set_data_handle(arena_.at(region));
    }
  }

  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  std::vector<BackEnd::Level> levels_;
  std::vector<std::vector<std::vector<Packed>>> packed_;  ///< By level and layer.
  std::vector<Plan> plans_;
  Arena arena_;
  int threads_ = 1;
};

class OneDnn final : public BackEnd {
 public:
  std::string name() const override {
    const dnnl_version_t* version = dnnl::version();
    return fmt::format("oneDNN {}.{}.{}", version->major, version->minor, version->patch);
  }

  /// Without those instructions oneDNN computes both in float, or in sums that saturate.
  std::vector<Speed> speeds() const override {
    // One bit for each set of instructions.
    const auto found = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
    const auto has = [&](dnnl::cpu_isa isa) {
      const auto bits = static_cast<unsigned>(isa);
      return (found & bits) == bits;
    };
    std::vector<Speed> speeds = {{Precision::kF32, 1.0}};
    if (has(dnnl::cpu_isa::avx512_core_amx)) {
      speeds.push_back({Precision::kBf16, 0.21});
      speeds.push_back({Precision::kInt8, 0.15});
      return speeds;
    }
    if (has(dnnl::cpu_isa::avx512_core_bf16)) {
      speeds.push_back({Precision::kBf16, 0.52});
    }
    if (has(dnnl::cpu_isa::avx512_core_vnni) || has(dnnl::cpu_isa::avx2_vnni)) {
      speeds.push_back({Precision::kInt8, 0.3});
    }
    return speeds;
  }

  std::unique_ptr<Runner> make_runner(std::vector<Level> levels) const override {
    return std::make_unique<OneDnnRunner>(std::move(levels));
  }
};

const BackEnd* one_dnn() {
  static const OneDnn back_end;
  return &back_end;
}

}  // namespace
}  // namespace rein

const rein::EngineModule* rein_engine_module() {
  static const rein::EngineModule module{.back_end = rein::one_dnn};
  return &module;
}
