// oneDNN called as its examples do: the yardstick of what it takes at least. Called by run.py:
//
//   onednn_by_hand MODELS_FOLDER CPU[,CPU...]    a thread on each CPU, and bound to it
//
// It answers the commands of onnxruntime_rounds.mjs, in f32 and bf16.
#include <omp.h>
#include <sched.h>

#include <chrono>
#include <cstdio>
#include <dnnl.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

namespace {

using dnnl::memory;
using Dims = memory::dims;
using Tag = memory::format_tag;
using Type = memory::data_type;

template <typename Value>
std::vector<Value> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    throw std::runtime_error(path + ": expected what onnx_model.py writes, found no file");
  }
  std::vector<Value> values(std::filesystem::file_size(path) / sizeof(Value));
  file.read(reinterpret_cast<char*>(values.data()), std::ssize(values) * sizeof(Value));
  return values;
}

/// A level for requests of one size, from what onnx_model.py's plain_layers() writes.
class Plan {
 public:
  Plan(const std::string& path, Type type, long batch)
      : file_(read_file<int>(path)), next_(file_.data()), type_(type) {
    long channels = *next_++, height = *next_++, width = *next_++;
    memory at({{batch, channels, height, width}, Type::f32, Tag::nchw}, engine_);
    pixels = {static_cast<float*>(at.get_data_handle()), at.get_desc().get_size() / sizeof(float)};
    dnnl::primitive_attr relu;
    dnnl::post_ops post_ops;
    post_ops.append_eltwise(1.0F, dnnl::algorithm::eltwise_relu, 0.0F, 0.0F);
    relu.set_post_ops(post_ops);
    for (long left = *next_++; left > 0; --left) {
      const long outputs = *next_++, inputs = *next_++, kernel = *next_++, stride = *next_++;
      const long groups = *next_++, pad = kernel / 2;
      if (left == 1) {  // The linear layer.
        const dnnl::pooling_forward::primitive_desc average(
            {kInference, dnnl::algorithm::pooling_avg_exclude_padding, at.get_desc(),
             any({batch, channels, 1, 1}), Dims{1, 1}, Dims{height, width}, Dims{0, 0}, Dims{0, 0}},
            engine_);
        const memory averages(average.dst_desc(), engine_);
        steps_.push_back(
            {dnnl::pooling_forward(average), {{DNNL_ARG_SRC, at}, {DNNL_ARG_DST, averages}}});
        const dnnl::inner_product_forward::primitive_desc linear(
            {kInference, any({batch, channels, 1, 1}), any({outputs, inputs, 1, 1}),
             numbers({outputs}), numbers({batch, outputs})},
            engine_);
        at = add<dnnl::inner_product_forward>(linear, averages, {outputs, inputs, 1, 1}, Tag::oihw);
        break;
      }
      const Dims shape = groups > 1 ? Dims{groups, outputs / groups, inputs, kernel, kernel}
                                    : Dims{outputs, inputs, kernel, kernel};
      const auto source = any({batch, channels, height, width});
      height = (height + 2 * pad - kernel) / stride + 1;
      width = (width + 2 * pad - kernel) / stride + 1;
      channels = outputs;
      const auto result = any({batch, channels, height, width});
      const Dims strides{stride, stride}, padding{pad, pad};
      const dnnl::convolution_forward::primitive_desc convolution(
          {kInference, dnnl::algorithm::convolution_auto, source, any(shape), numbers({outputs}),
           result, strides, padding, padding},
          relu, engine_);
      at = add<dnnl::convolution_forward>(convolution, at, shape,
                                          groups > 1 ? Tag::goihw : Tag::oihw);
    }
    logits = {static_cast<float*>(at.get_data_handle()), at.get_desc().get_size() / sizeof(float)};
  }

  void run() {
    for (const auto& [primitive, arguments] : steps_) {
      primitive.execute(stream_, arguments);
    }
    stream_.wait();
  }

  std::span<float> pixels, logits;  ///< Pixels are from 0 to 255.

 private:
  static constexpr auto kInference = dnnl::prop_kind::forward_inference;

  memory::desc any(const Dims& shape) const { return {shape, type_, Tag::any}; }
  static memory::desc numbers(const Dims& shape) {
    return {shape, Type::f32, shape.size() == 1 ? Tag::x : Tag::nc};
  }
  memory constant(const memory::desc& description) {  // The file's next numbers.
    int* const values = next_;
    next_ += description.get_size() / sizeof *next_;
    return {description, engine_, values};
  }
  /// `from` in the layout that a primitive chose.
  memory as_chosen(const memory& from, const memory::desc& chosen) const {
    return from.get_desc() == chosen ? from : memory(chosen, engine_);
  }

  template <typename Layer>
  memory add(const typename Layer::primitive_desc& chosen, const memory& from, const Dims& shape,
             Tag tag) {
    const memory source = as_chosen(from, chosen.src_desc());
    if (source != from) {
      steps_.push_back(
          {dnnl::reorder(from, source), {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, source}}});
    }
    memory weights = constant({shape, Type::f32, tag});
    memory packed = as_chosen(weights, chosen.weights_desc());
    if (packed != weights) {
      dnnl::reorder(weights, packed).execute(stream_, weights, packed);  // Once.
    }
    const memory bias = constant(chosen.bias_desc());
    const memory result(chosen.dst_desc(), engine_);
    steps_.push_back({Layer(chosen),
                      {{DNNL_ARG_SRC, source},
                       {DNNL_ARG_WEIGHTS, packed},
                       {DNNL_ARG_BIAS, bias},
                       {DNNL_ARG_DST, result}}});
    return result;
  }

  std::vector<int> file_;
  int* next_;
  Type type_;
  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  std::vector<std::pair<dnnl::primitive, std::unordered_map<int, memory>>> steps_;
};

std::string answer(const std::string& folder, const std::string& line) {
  std::istringstream words(line);
  std::string command, level, precision, fourth, fifth, found;
  words >> command >> level >> precision >> fourth >> fifth;
  const bool times = command == "time";
  Plan plan(folder + "/" + level + ".layers", precision == "bf16" ? Type::bf16 : Type::f32,
            times ? std::stol(fourth) : 1);
  if (times) {
    for (std::size_t i = 0; i < plan.pixels.size(); ++i) {
      plan.pixels[i] = static_cast<float>(i * 7919 % 256);
    }
    plan.run();
    plan.run();
    for (long i = 0; i < std::stol(fifth); ++i) {
      const auto start = std::chrono::steady_clock::now();
      plan.run();
      const std::chrono::duration<double, std::milli> taken =
          std::chrono::steady_clock::now() - start;
      found.append(i == 0 ? "[" : ",").append(std::to_string(taken.count()));
    }
    return found + "]";
  }
  const auto images = read_file<unsigned char>(folder + "/images");
  std::ofstream file(folder + "/" + fifth, std::ios::binary);
  for (long i = 0; i < std::stol(fourth); ++i) {
    std::copy_n(images.data() + i * plan.pixels.size(), plan.pixels.size(), plan.pixels.begin());
    plan.run();
    file.write(reinterpret_cast<const char*>(plan.logits.data()), std::ssize(plan.logits) * 4);
  }
  return fourth;
}

}  // namespace

int main(int, char** argv) {  // run.py is who calls it.
  std::vector<int> cpus;
  std::istringstream list(argv[2]);
  for (std::string cpu; std::getline(list, cpu, ',');) {
    cpus.push_back(std::stoi(cpu));
  }
  omp_set_num_threads(static_cast<int>(cpus.size()));
#pragma omp parallel
  {
    cpu_set_t mine{};
    CPU_SET(cpus[omp_get_thread_num()], &mine);
    sched_setaffinity(0, sizeof mine, &mine);
  }
  try {
    for (std::string line; std::getline(std::cin, line);) {
      std::cout << answer(argv[1], line) << std::endl;
    }
  } catch (const std::exception& error) {
    std::cout << "{\"error\": \"oneDNN: " << error.what() << "\"}" << std::endl;
    return 1;
  }
}
