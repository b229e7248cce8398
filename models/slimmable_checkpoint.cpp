#include "models/slimmable_checkpoint.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <zlib.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "common/error.hpp"
#include "common/files.hpp"

namespace rein {
namespace {

static_assert(std::endian::native == std::endian::little, "the file format is little-endian");

constexpr std::string_view kMagic = "REINNET\n";
constexpr std::uint32_t kVersion = 2;
constexpr std::uint32_t kOldestVersion = 1;  // 3x3 layers only, accuracy in f32 only, no ranges.

std::uint32_t checksum(std::string_view bytes) {
  return static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

class Writer {
 public:
  void raw(const void* data, std::size_t size) {
    bytes_.append(static_cast<const char*>(data), size);
  }
  void number(std::size_t value) {
    const auto word = static_cast<std::uint32_t>(value);
    raw(&word, sizeof word);
  }
  void real(double value) { raw(&value, sizeof value); }
  void text(const std::string& value) {
    number(value.size());
    raw(value.data(), value.size());
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

/// Reads what Writer wrote and refuses to go past the end.
class Reader {
 public:
  Reader(const std::filesystem::path& file, std::string_view bytes) : file_(file), bytes_(bytes) {}

  void raw(void* data, std::size_t size, const std::string& what) {
    if (size > bytes_.size()) {
      fail(fmt::format("{} of {} bytes", what, size), fmt::format("{} bytes left", bytes_.size()));
    }
    std::memcpy(data, bytes_.data(), size);
    bytes_.remove_prefix(size);
  }
  /// A count or a size from `min` to `max`.
  std::size_t number(const std::string& what, std::size_t min, std::size_t max) {
    std::uint32_t value = 0;
    raw(&value, sizeof value, what);
    if (value < min || value > max) {
      fail(fmt::format("{} from {} to {}", what, min, max), fmt::format("{}", value));
    }
    return value;
  }
  double share(const std::string& what) {
    double value = 0.0;
    raw(&value, sizeof value, what);
    if (!(value >= 0.0 && value <= 1.0)) {
      fail(fmt::format("{} from 0 to 1", what), fmt::format("{}", value));
    }
    return value;
  }
  float positive(const std::string& what) {
    float value = 0.0F;
    raw(&value, sizeof value, what);
    if (!(std::isfinite(value) && value > 0.0F)) {
      fail(fmt::format("{} above 0", what), fmt::format("{}", value));
    }
    return value;
  }
  std::string text(const std::string& what) {
    std::string value(number("the length of " + what, 0, 65536), '\0');
    raw(value.data(), value.size(), what);
    return value;
  }
  std::size_t left() const { return bytes_.size(); }
  [[noreturn]] void fail(const std::string& expected, const std::string& found) const {
    throw ConfigError(fmt::format("{}: expected {}, found {}", file_.string(), expected, found));
  }

 private:
  const std::filesystem::path& file_;
  std::string_view bytes_;
};

std::vector<ConvLayer> read_layers(Reader& reader, std::uint32_t version) {
  std::vector<ConvLayer> layers(reader.number("the number of layers", 1, 64));
  for (std::size_t i = 0; i < layers.size(); ++i) {
    ConvLayer& layer = layers[i];
    layer.channels = reader.number("a layer's channels", 1, 4096);
    layer.stride = reader.number("a layer's stride", 1, 2);
    if (version == 1) {
      continue;
    }
    layer.kernel = reader.number("a layer's kernel", 1, 3);
    if (layer.kernel == 2) {
      reader.fail("a layer's kernel of 1 or 3", "2");
    }
    layer.depthwise = reader.number("a layer's depthwise", 0, 1) == 1;
    if (layer.depthwise && i == 0) {
      reader.fail("a first layer that is not depthwise", "one that is");
    }
    if (layer.depthwise && layer.channels != layers[i - 1].channels) {
      reader.fail(fmt::format("a depthwise layer of {} channels, as many as the one before it has",
                              layers[i - 1].channels),
                  fmt::format("{}", layer.channels));
    }
  }
  return layers;
}

std::map<Precision, double> read_accuracies(Reader& reader) {
  std::map<Precision, double> accuracies;
  const std::size_t count =
      reader.number("the number of a width's precisions", 1, kPrecisions.size());
  auto next = kPrecisions.begin();
  for (std::size_t i = 0; i < count; ++i) {
    const std::string name = reader.text("the name of a precision");
    const auto known = std::find_if(next, kPrecisions.end(), [&](Precision precision) {
      return precision_name(precision) == name;
    });
    if (known == kPrecisions.end() || (i == 0 && *known != Precision::kF32)) {
      reader.fail("f32, then bf16 and int8 if they are there, as a width's precisions",
                  fmt::format("'{}' as number {}", name, i + 1));
    }
    accuracies[*known] = reader.share("a width's accuracy");
    next = known + 1;
  }
  return accuracies;
}

std::vector<SlimmableWidth> read_widths(Reader& reader, std::uint32_t version, std::size_t layers) {
  std::vector<SlimmableWidth> widths(reader.number("the number of widths", 1, 64));
  double narrower = 0.0;
  for (SlimmableWidth& width : widths) {
    width.width = reader.share("a width");
    if (width.width <= narrower) {
      reader.fail("ascending widths above 0", fmt::format("{}", width.width));
    }
    narrower = width.width;
    if (version == 1) {
      width.accuracy_top1[Precision::kF32] = reader.share("a width's accuracy");
      continue;
    }
    width.accuracy_top1 = read_accuracies(reader);
    width.ranges.resize(reader.number("the number of a width's ranges", 0, layers));
    if (!width.ranges.empty() && width.ranges.size() != layers) {
      reader.fail(fmt::format("no range or one for each of {} layers", layers),
                  fmt::format("{}", width.ranges.size()));
    }
    for (float& range : width.ranges) {
      range = reader.positive("a layer's range");
    }
    if (width.ranges.empty() && width.accuracy_top1.contains(Precision::kInt8)) {
      reader.fail("the ranges that int8 needs", "an accuracy in int8 alone");
    }
  }
  if (narrower != 1.0) {
    reader.fail("a last width of 1", fmt::format("{}", narrower));
  }
  return widths;
}

void read_tensors(Reader& reader, SlimmableCheckpoint& network) {
  const auto shapes = tensor_shapes(network);
  reader.number("the number of tensors", shapes.size(), shapes.size());
  for (const auto& [name, shape] : shapes) {
    const std::string found_name = reader.text("the name of a tensor");
    if (found_name != name) {
      reader.fail("the tensor '" + name + "'", "'" + found_name + "'");
    }
    TensorData tensor;
    tensor.shape.resize(reader.number("the rank of " + name, 1, 4));
    for (std::size_t& side : tensor.shape) {
      side = reader.number("a side of " + name, 1, 1U << 20);
    }
    if (tensor.shape != shape) {
      reader.fail(fmt::format("'{}' of the shape {}", name, shape),
                  fmt::format("{}", tensor.shape));
    }
    std::size_t size = 1;
    for (const std::size_t side : shape) {
      size *= side;
    }
    if (size > reader.left() / sizeof(float)) {
      reader.fail(fmt::format("{} numbers for '{}'", size, name),
                  fmt::format("{} bytes left", reader.left()));
    }
    tensor.values.resize(size);
    reader.raw(tensor.values.data(), size * sizeof(float), name);
    if (!std::ranges::all_of(tensor.values, [](float value) { return std::isfinite(value); })) {
      reader.fail("finite numbers in '" + name + "'", "others");
    }
    network.tensors.emplace(name, std::move(tensor));
  }
}

}  // namespace

std::size_t channels_at(std::size_t channels, double width) {
  return std::max<std::size_t>(
      1, static_cast<std::size_t>(std::lround(static_cast<double>(channels) * width)));
}

std::string level_name(double width) {
  std::string two_digits = fmt::format("{:.2f}", width);
  std::string all_digits = fmt::format("{}", width);
  return all_digits.size() > two_digits.size() ? all_digits : two_digits;
}

double multiply_adds(const SlimmableCheckpoint& network, double width) {
  double sum = 0.0;
  std::size_t inputs = network.channels;
  std::size_t image_height = network.height;
  std::size_t image_width = network.width;
  for (const ConvLayer& layer : network.layers) {
    const std::size_t outputs = channels_at(layer.channels, width);
    // Odd kernels with padding kernel / 2.
    image_height = (image_height - 1) / layer.stride + 1;
    image_width = (image_width - 1) / layer.stride + 1;
    sum += static_cast<double>(image_height * image_width * layer.kernel * layer.kernel) *
           static_cast<double>(outputs * (layer.depthwise ? 1 : inputs));
    inputs = outputs;
  }
  return sum + static_cast<double>(inputs * network.class_names.size());
}

std::string conv_weight_name(std::size_t layer) { return fmt::format("conv{}.weight", layer); }

std::string batch_norm_name(std::size_t level, std::size_t layer, const std::string& part) {
  return fmt::format("level{}.norm{}.{}", level, layer, part);
}

std::map<std::string, std::vector<std::size_t>> tensor_shapes(const SlimmableCheckpoint& network) {
  std::map<std::string, std::vector<std::size_t>> shapes;
  std::size_t inputs = network.channels;
  for (std::size_t layer = 0; layer < network.layers.size(); ++layer) {
    const auto& [outputs, stride, kernel, depthwise] = network.layers[layer];
    shapes[conv_weight_name(layer)] = {outputs, depthwise ? 1 : inputs, kernel, kernel};
    for (std::size_t level = 0; level < network.widths.size(); ++level) {
      for (const std::string& part : kBatchNormParts) {
        shapes[batch_norm_name(level, layer, part)] = {
            channels_at(outputs, network.widths[level].width)};
      }
    }
    inputs = outputs;
  }
  shapes[kClassifierWeight] = {network.class_names.size(), inputs};
  shapes[kClassifierBias] = {network.class_names.size()};
  return shapes;
}

SlimmableCheckpoint read_checkpoint(const std::filesystem::path& file) {
  const std::string bytes = read_file(file);
  Reader reader(file, bytes);
  std::string magic(kMagic.size(), '\0');
  if (bytes.size() >= kMagic.size()) {
    reader.raw(magic.data(), magic.size(), "the magic");
  }
  if (magic != kMagic) {
    reader.fail("a network that `rein network train` wrote", "another kind of file");
  }
  std::uint32_t version = 0;
  reader.raw(&version, sizeof version, "the version");
  if (version < kOldestVersion || version > kVersion) {
    reader.fail(fmt::format("version {} to {} of the network format", kOldestVersion, kVersion),
                fmt::format("{}", version));
  }
  std::uint32_t stored = 0;
  if (reader.left() < sizeof stored) {
    reader.fail("a checksum at the end", "the file cut short");
  }
  const std::string_view body(bytes.data(), bytes.size() - sizeof stored);
  std::memcpy(&stored, bytes.data() + body.size(), sizeof stored);
  if (stored != checksum(body)) {
    reader.fail(fmt::format("the checksum {:08x}", checksum(body)),
                fmt::format("{:08x}: the file is damaged or cut short", stored));
  }

  SlimmableCheckpoint network;
  network.dataset = reader.text("the data set");
  network.recipe = reader.text("the recipe");
  network.channels = reader.number("the image's channels", 1, 4);
  network.height = reader.number("the image's height", 8, 4096);
  network.width = reader.number("the image's width", 8, 4096);
  network.class_names.resize(reader.number("the number of classes", 2, 65536));
  for (std::string& name : network.class_names) {
    name = reader.text("a class's name");
  }
  network.layers = read_layers(reader, version);
  network.widths = read_widths(reader, version, network.layers.size());
  read_tensors(reader, network);
  if (reader.left() != sizeof stored) {
    reader.fail("the checksum after the tensors", fmt::format("{} bytes", reader.left()));
  }
  return network;
}

void write_checkpoint(const std::filesystem::path& file, const SlimmableCheckpoint& network) {
  Writer writer;
  writer.raw(kMagic.data(), kMagic.size());
  writer.number(kVersion);
  writer.text(network.dataset);
  writer.text(network.recipe);
  writer.number(network.channels);
  writer.number(network.height);
  writer.number(network.width);
  writer.number(network.class_names.size());
  for (const std::string& name : network.class_names) {
    writer.text(name);
  }
  writer.number(network.layers.size());
  for (const ConvLayer& layer : network.layers) {
    writer.number(layer.channels);
    writer.number(layer.stride);
    writer.number(layer.kernel);
    writer.number(layer.depthwise ? 1 : 0);
  }
  writer.number(network.widths.size());
  for (const SlimmableWidth& width : network.widths) {
    writer.real(width.width);
    writer.number(width.accuracy_top1.size());
    for (const auto& [precision, accuracy] : width.accuracy_top1) {
      writer.text(precision_name(precision));
      writer.real(accuracy);
    }
    writer.number(width.ranges.size());
    writer.raw(width.ranges.data(), width.ranges.size() * sizeof(float));
  }
  writer.number(network.tensors.size());
  for (const auto& [name, tensor] : network.tensors) {
    writer.text(name);
    writer.number(tensor.shape.size());
    for (const std::size_t side : tensor.shape) {
      writer.number(side);
    }
    writer.raw(tensor.values.data(), tensor.values.size() * sizeof(float));
  }
  writer.number(checksum(writer.bytes()));
  write_file(file, writer.bytes());
}

}  // namespace rein
