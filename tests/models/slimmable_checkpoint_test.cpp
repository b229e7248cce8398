#include "models/slimmable_checkpoint.hpp"

#include <doctest/doctest.h>
#include <zlib.h>

#include <cstdint>
#include <limits>
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
  const SlimmableCheckpoint written = tiny_checkpoint();
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
  }
  DOCTEST_REQUIRE(read.levels.size() == written.levels.size());
  for (std::size_t i = 0; i < read.levels.size(); ++i) {
    DOCTEST_CHECK(read.levels[i].name == written.levels[i].name);
    DOCTEST_CHECK(read.levels[i].width == written.levels[i].width);
    DOCTEST_CHECK(read.levels[i].accuracy_top1 == written.levels[i].accuracy_top1);
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
  bytes[8] = 2;
  DOCTEST_CHECK(complaint_about(bytes) ==
                "net.rein: expected version 1 of the network format, found 2");
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
  const std::string bytes = bytes_of(tiny_checkpoint());
  // Every field of the header in turn becomes huge; nothing is allocated or read past the end.
  for (std::size_t i = 12; i < 250; ++i) {
    std::string changed = bytes;
    changed[i] = static_cast<char>(0xff);
    const std::string message = complaint_about(sealed(changed));
    DOCTEST_CHECK((message == "nothing thrown" || message.starts_with("net.rein: expected ")));
  }
  DOCTEST_CHECK(complaint_about(sealed(bytes + "more")) ==
                "net.rein: expected the checksum after the tensors, found 8 bytes");

  SlimmableCheckpoint network = tiny_checkpoint();
  network.levels.back().width = 0.75;
  DOCTEST_CHECK(complaint_about(bytes_of(network)) ==
                "net.rein: expected a last level of width 1, found 0.75");
  network = tiny_checkpoint();
  network.levels[1].width = 0.25;
  DOCTEST_CHECK(complaint_about(bytes_of(network)) ==
                "net.rein: expected ascending widths above 0, found 0.25");
  network = tiny_checkpoint();
  network.levels[0].accuracy_top1 = 90.0;
  DOCTEST_CHECK(complaint_about(bytes_of(network)) ==
                "net.rein: expected a level's accuracy from 0 to 1, found 90");
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
