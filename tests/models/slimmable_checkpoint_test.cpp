#include "models/slimmable_checkpoint.hpp"

#include <doctest/doctest.h>
#include <zlib.h>

#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <string>

#include "common/files.hpp"
#include "models/network_fixtures.hpp"
#include "support/temporary_folder.hpp"

namespace rein {
namespace {

/// What reading a checkpoint with this content complains about.
std::string complaint_about(const std::string& bytes) {
  const TemporaryFolder folder;
  write_file(folder.path() / "net.rein", bytes);
  return complaint([&] { read_checkpoint(folder.path() / "net.rein"); }, folder.path());
}

std::string bytes_of(const SlimmableCheckpoint& network) {
  const TemporaryFolder folder;
  write_checkpoint(folder.path() / "net.rein", network);
  return read_file(folder.path() / "net.rein");
}

/// The same bytes with the checksum that belongs to them.
std::string sealed(std::string bytes) {
  bytes.resize(bytes.size() - 4);
  const auto sum = static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
  return bytes.append(reinterpret_cast<const char*>(&sum), sizeof sum);
}

DOCTEST_TEST_CASE("a checkpoint that was written reads back the same, bit for bit") {
  const TemporaryFolder folder;
  SlimmableCheckpoint written = tiny_mobile_checkpoint();
  written.widths[0].ranges = {1.0F, 0.25F, 3e-6F, 77.0F, 5.0F};
  written.widths[2].ranges = {2.0F, 0.5F, 1.0F, 3.0F, 4.0F};
  written.widths[0].accuracy_top1[Precision::kInt8] = 0.375;
  written.widths[2].accuracy_top1 = {
      {Precision::kF32, 0.75}, {Precision::kBf16, 0.5}, {Precision::kInt8, 0.25}};
  write_checkpoint(folder.path() / "new folder" / "net.rein", written);
  const SlimmableCheckpoint read = read_checkpoint(folder.path() / "new folder" / "net.rein");

  DOCTEST_CHECK(read.dataset == written.dataset);
  DOCTEST_CHECK(read.recipe == written.recipe);
  DOCTEST_CHECK(read.channels == written.channels);
  DOCTEST_CHECK(read.height == written.height);
  DOCTEST_CHECK(read.width == written.width);
  DOCTEST_CHECK(read.class_names == written.class_names);
  DOCTEST_REQUIRE(read.layers.size() == written.layers.size());
  for (std::size_t i = 0; i < read.layers.size(); ++i) {
    DOCTEST_CHECK(read.layers[i].channels == written.layers[i].channels);
    DOCTEST_CHECK(read.layers[i].stride == written.layers[i].stride);
    DOCTEST_CHECK(read.layers[i].kernel == written.layers[i].kernel);
    DOCTEST_CHECK(read.layers[i].depthwise == written.layers[i].depthwise);
  }
  DOCTEST_REQUIRE(read.widths.size() == written.widths.size());
  for (std::size_t i = 0; i < read.widths.size(); ++i) {
    DOCTEST_CHECK(read.widths[i].width == written.widths[i].width);
    DOCTEST_CHECK(read.widths[i].accuracy_top1 == written.widths[i].accuracy_top1);
    DOCTEST_CHECK(read.widths[i].ranges == written.widths[i].ranges);
  }
  DOCTEST_REQUIRE(read.tensors.size() == written.tensors.size());
  for (const auto& [name, tensor] : written.tensors) {
    DOCTEST_CHECK(read.tensors.at(name).shape == tensor.shape);
    DOCTEST_CHECK(read.tensors.at(name).values == tensor.values);
  }
}

DOCTEST_TEST_CASE("each width has batch norms of its own size and shares the other weights") {
  const auto shapes = tensor_shapes(tiny_checkpoint());
  DOCTEST_CHECK(shapes.at("conv1.weight") == std::vector<std::size_t>{20, 8, 3, 3});
  DOCTEST_CHECK(shapes.at("level0.norm1.mean") == std::vector<std::size_t>{5});
  DOCTEST_CHECK(shapes.at("level2.norm1.mean") == std::vector<std::size_t>{20});
  DOCTEST_CHECK(shapes.at("classifier.weight") == std::vector<std::size_t>{3, 20});
  DOCTEST_CHECK(shapes.size() == 3 + 3 * 3 * 4 + 2);
}

DOCTEST_TEST_CASE("a depthwise layer has one filter a channel, a 1x1 layer one number a pair") {
  const auto shapes = tensor_shapes(tiny_mobile_checkpoint());
  DOCTEST_CHECK(shapes.at("conv1.weight") == std::vector<std::size_t>{8, 1, 3, 3});
  DOCTEST_CHECK(shapes.at("conv2.weight") == std::vector<std::size_t>{20, 8, 1, 1});
  DOCTEST_CHECK(shapes.at("conv3.weight") == std::vector<std::size_t>{20, 1, 3, 3});
  DOCTEST_CHECK(shapes.at("level1.norm3.scale") == std::vector<std::size_t>{10});
}

DOCTEST_TEST_CASE("what an image takes is counted with its strides, kernels and widths") {
  // 3x3 at 6x6, depthwise at 6x6, 1x1 at 6x6, depthwise at 3x3, 1x1 at 3x3, linear.
  DOCTEST_CHECK(multiply_adds(tiny_mobile_checkpoint(), 1.0) ==
                36 * 9 * 8 + 36 * 9 * 8 + 36 * 8 * 20 + 9 * 9 * 20 + 9 * 20 * 20 + 3 * 20);
  DOCTEST_CHECK(multiply_adds(tiny_mobile_checkpoint(), 0.5) ==
                36 * 9 * 4 + 36 * 9 * 4 + 36 * 4 * 10 + 9 * 9 * 10 + 9 * 10 * 10 + 3 * 10);
  DOCTEST_CHECK(multiply_adds(tiny_checkpoint(), 1.0) ==
                144 * 9 * 8 + 36 * 9 * 8 * 20 + 36 * 9 * 20 * 20 + 3 * 20);
}

DOCTEST_TEST_CASE("a width's name tells it from others, and is as short as it was before") {
  DOCTEST_CHECK(level_name(0.125) == "0.125");
  DOCTEST_CHECK(level_name(0.12) == "0.12");
  DOCTEST_CHECK(level_name(0.5) == "0.50");
  DOCTEST_CHECK(level_name(1.0) == "1.00");
}

DOCTEST_TEST_CASE("a checkpoint of version 1 reads as 3x3 layers, f32 and not calibrated") {
  const std::filesystem::path file =
      std::filesystem::path(REIN_SOURCE_DIR) / "tests/fuzz/corpus/network/version-1.rein";
  const SlimmableCheckpoint network = read_checkpoint(file);
  DOCTEST_REQUIRE(network.layers.size() == 1);
  DOCTEST_CHECK(network.layers[0].channels == 2);
  DOCTEST_CHECK(network.layers[0].kernel == 3);
  DOCTEST_CHECK(!network.layers[0].depthwise);
  DOCTEST_REQUIRE(network.widths.size() == 2);
  DOCTEST_CHECK(network.widths[0].width == 0.5);
  DOCTEST_CHECK(network.widths[0].accuracy_top1 ==
                std::map<Precision, double>{{Precision::kF32, 0.5}});
  DOCTEST_CHECK(network.widths[0].ranges.empty());
  DOCTEST_CHECK(network.tensors.at("conv0.weight").values == std::vector<float>(18, 0.5F));

  const std::string written = bytes_of(network);  // As version 2, with nothing lost.
  DOCTEST_CHECK(written[8] == 2);
  const TemporaryFolder folder;
  write_file(folder.path() / "net.rein", written);
  DOCTEST_CHECK(bytes_of(read_checkpoint(folder.path() / "net.rein")) == written);
}

DOCTEST_TEST_CASE("precisions have names, both ways") {
  for (const Precision precision : kPrecisions) {
    DOCTEST_CHECK(find_precision(precision_name(precision)) == precision);
  }
  DOCTEST_CHECK(precision_name(Precision::kBf16) == "bf16");
  DOCTEST_CHECK(complaint([] { find_precision("fp8"); }) ==
                "precision: expected one of f32, bf16, int8, found 'fp8'");
}

DOCTEST_TEST_CASE("files that are no checkpoint are refused in one line") {
  const TemporaryFolder folder;
  DOCTEST_CHECK(complaint([&] { read_checkpoint(folder.path() / "net.rein"); }, folder.path()) ==
                "net.rein: cannot be read: No such file or directory");
  const std::string other =
      "net.rein: expected a network that `rein network train` wrote, found another kind of file";
  DOCTEST_CHECK(complaint_about("") == other);
  DOCTEST_CHECK(complaint_about("PK\x03\x04 a TorchScript archive") == other);
}

DOCTEST_TEST_CASE("a checkpoint of another version is refused") {
  std::string bytes = bytes_of(tiny_checkpoint());
  bytes[8] = 3;
  DOCTEST_CHECK(complaint_about(bytes) ==
                "net.rein: expected version 1 to 2 of the network format, found 3");
  bytes[8] = 0;
  DOCTEST_CHECK(complaint_about(bytes) ==
                "net.rein: expected version 1 to 2 of the network format, found 0");
}

DOCTEST_TEST_CASE("a checkpoint that was cut short anywhere is refused") {
  const std::string bytes = bytes_of(tiny_checkpoint());
  for (std::size_t size = 0; size < bytes.size(); size += size < 300 ? 1 : 997) {
    DOCTEST_CHECK(complaint_about(bytes.substr(0, size)).starts_with("net.rein: expected "));
  }
}

DOCTEST_TEST_CASE("one flipped bit anywhere is found") {
  const std::string bytes = bytes_of(tiny_checkpoint());
  for (std::size_t i = 0; i < bytes.size(); i += i < 300 ? 1 : 997) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    DOCTEST_CHECK(complaint_about(damaged).starts_with("net.rein: expected "));
  }
}

DOCTEST_TEST_CASE("wrong numbers under a right checksum are refused, not trusted") {
  SlimmableCheckpoint calibrated = tiny_mobile_checkpoint();
  calibrated.widths[1].ranges.assign(calibrated.layers.size(), 1.0F);
  const std::string bytes = bytes_of(calibrated);
  // Every field of the header in turn becomes huge; nothing is allocated or read past the end.
  for (std::size_t i = 12; i < 330; ++i) {
    std::string changed = bytes;
    changed[i] = static_cast<char>(0xff);
    const std::string message = complaint_about(sealed(changed));
    DOCTEST_CHECK((message == "nothing thrown" || message.starts_with("net.rein: expected ")));
  }
  DOCTEST_CHECK(complaint_about(sealed(bytes + "more")) ==
                "net.rein: expected the checksum after the tensors, found 8 bytes");

  SlimmableCheckpoint network = tiny_checkpoint();
  network.widths.back().width = 0.75;
  DOCTEST_CHECK(complaint_about(bytes_of(network)) ==
                "net.rein: expected a last width of 1, found 0.75");
  network = tiny_checkpoint();
  network.widths[1].width = 0.25;
  DOCTEST_CHECK(complaint_about(bytes_of(network)) ==
                "net.rein: expected ascending widths above 0, found 0.25");
  network = tiny_checkpoint();
  network.widths[0].accuracy_top1[Precision::kF32] = 90.0;
  DOCTEST_CHECK(complaint_about(bytes_of(network)) ==
                "net.rein: expected a width's accuracy from 0 to 1, found 90");
  network = tiny_checkpoint();
  network.widths[0].accuracy_top1 = {{Precision::kInt8, 0.5}};
  DOCTEST_CHECK(complaint_about(bytes_of(network)) ==
                "net.rein: expected f32, then bf16 and int8 if they are there, as a width's "
                "precisions, found 'int8' as number 1");
  network = tiny_checkpoint();
  network.widths[0].ranges = {1.0F, 1.0F};
  DOCTEST_CHECK(complaint_about(bytes_of(network)) ==
                "net.rein: expected no range or one for each of 3 layers, found 2");
  for (const float wrong : {0.0F, -1.0F, std::numeric_limits<float>::infinity()}) {
    network.widths[0].ranges = {1.0F, 1.0F, wrong};
    DOCTEST_CHECK(complaint_about(bytes_of(network))
                      .starts_with("net.rein: expected a layer's range above 0, found "));
  }
  network = tiny_checkpoint();
  network.widths[0].accuracy_top1[Precision::kInt8] = 0.5;
  DOCTEST_CHECK(complaint_about(bytes_of(network)) ==
                "net.rein: expected the ranges that int8 needs, found an accuracy in int8 alone");
  network = tiny_checkpoint();
  network.layers[1].kernel = 2;
  DOCTEST_CHECK(complaint_about(bytes_of(network)) ==
                "net.rein: expected a layer's kernel of 1 or 3, found 2");
  network = tiny_checkpoint();
  network.layers[0].depthwise = true;
  DOCTEST_CHECK(complaint_about(bytes_of(network)) ==
                "net.rein: expected a first layer that is not depthwise, found one that is");
  network = tiny_checkpoint();
  network.layers[1].depthwise = true;
  DOCTEST_CHECK(complaint_about(bytes_of(network)) ==
                "net.rein: expected a depthwise layer of 8 channels, as many as the one before it "
                "has, found 20");
  network = tiny_checkpoint();
  network.tensors.at("classifier.bias").shape = {4};
  DOCTEST_CHECK(complaint_about(bytes_of(network)) ==
                "net.rein: expected 'classifier.bias' of the shape [3], found [4]");
  network = tiny_checkpoint();
  network.tensors.at("conv0.weight").values[3] = std::numeric_limits<float>::quiet_NaN();
  DOCTEST_CHECK(complaint_about(bytes_of(network)) ==
                "net.rein: expected finite numbers in 'conv0.weight', found others");
}

}  // namespace
}  // namespace rein
