#include "models/image_set.hpp"

#include <doctest/doctest.h>
#include <zlib.h>

#include <cstdint>
#include <string>
#include <vector>

#include "common/files.hpp"
#include "models/data_set.hpp"
#include "models/network_fixtures.hpp"
#include "support/temporary_folder.hpp"

namespace rein {
namespace {

std::string big_endian(std::uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16),
          static_cast<char>(value >> 8), static_cast<char>(value)};
}

/// Two images of 2 rows and 3 columns.
std::string idx_images(std::uint32_t count = 2) {
  return big_endian(0x803) + big_endian(count) + big_endian(2) + big_endian(3) + "abcdefghijkl";
}

std::string idx_labels(const std::string& labels) {
  return big_endian(0x801) + big_endian(static_cast<std::uint32_t>(labels.size())) + labels;
}

void write_gzip(const std::filesystem::path& file, const std::string& content) {
  const gzFile stream = gzopen(file.c_str(), "wb");
  gzwrite(stream, content.data(), static_cast<unsigned>(content.size()));
  gzclose(stream);
}

/// What reading the training images of a folder with these two files complains about.
std::string idx_complaint(const std::string& images, const std::string& labels) {
  const TemporaryFolder folder;
  write_file(folder.path() / "train-images-idx3-ubyte", images);
  write_file(folder.path() / "train-labels-idx1-ubyte", labels);
  return complaint([&] { read_idx_images(folder.path(), ImageSplit::kTrain); }, folder.path());
}

DOCTEST_TEST_CASE("IDX files are read, plain or gzipped, for training and for testing") {
  const TemporaryFolder folder;
  write_file(folder.path() / "train-images-idx3-ubyte", idx_images());
  write_gzip(folder.path() / "train-labels-idx1-ubyte.gz", idx_labels({7, 0}));
  write_gzip(folder.path() / "t10k-images-idx3-ubyte.gz", idx_images());
  write_file(folder.path() / "t10k-labels-idx1-ubyte", idx_labels({1, 9}));

  const ImageSet train = read_idx_images(folder.path(), ImageSplit::kTrain);
  DOCTEST_CHECK(train.channels == 1);
  DOCTEST_CHECK(train.height == 2);
  DOCTEST_CHECK(train.width == 3);
  DOCTEST_CHECK(train.count() == 2);
  DOCTEST_CHECK(train.labels == std::vector<std::uint8_t>{7, 0});
  const auto second = train.images(1, 1);
  DOCTEST_CHECK(std::string(second.begin(), second.end()) == "ghijkl");

  DOCTEST_CHECK(read_idx_images(folder.path(), ImageSplit::kTest).labels ==
                std::vector<std::uint8_t>{1, 9});
}

DOCTEST_TEST_CASE("a malformed IDX file is named with what was expected and what was found") {
  const std::string labels = idx_labels({7, 0});
  DOCTEST_CHECK(idx_complaint("abc", labels) ==
                "train-images-idx3-ubyte: expected an IDX header of 16 bytes, found 3 bytes");
  DOCTEST_CHECK(idx_complaint(big_endian(0x801) + idx_images().substr(4), labels) ==
                "train-images-idx3-ubyte: expected the magic number 0x00000803, found 0x00000801");
  DOCTEST_CHECK(idx_complaint(idx_images().substr(0, 20), labels) ==
                "train-images-idx3-ubyte: expected 12 bytes after the header, found 4");
  DOCTEST_CHECK(idx_complaint(idx_images() + "m", labels) ==
                "train-images-idx3-ubyte: expected 12 bytes after the header, found 13");
  DOCTEST_CHECK(idx_complaint(idx_images(0), labels) ==
                "train-images-idx3-ubyte: expected at least one image, found 0");
  const std::string huge =
      big_endian(0x803) + big_endian(2) + big_endian(0xffffffff) + big_endian(0xffffffff);
  DOCTEST_CHECK(idx_complaint(huge, labels) ==
                "train-images-idx3-ubyte: expected sides of 1 to 4096, found 4294967295");
  DOCTEST_CHECK(idx_complaint(idx_images(), idx_labels({7, 10})) ==
                "train-labels-idx1-ubyte: expected labels from 0 to 9, found 10 at image 1");
  DOCTEST_CHECK(idx_complaint(idx_images(), idx_labels({7})) ==
                "train-labels-idx1-ubyte: expected 2 labels, one for each image, found 1");
}

DOCTEST_TEST_CASE("a missing IDX file and a broken gzip stream are refused") {
  const TemporaryFolder folder;
  const auto read = [&] { read_idx_images(folder.path(), ImageSplit::kTest); };
  DOCTEST_CHECK(complaint(read, folder.path()) ==
                "t10k-images-idx3-ubyte.gz: expected a file of images or labels, found none");

  const auto file = folder.path() / "t10k-images-idx3-ubyte.gz";
  write_gzip(file, idx_images());
  std::filesystem::resize_file(file, std::filesystem::file_size(file) - 12);
  DOCTEST_CHECK(complaint(read, folder.path())
                    .starts_with("t10k-images-idx3-ubyte.gz: expected a whole gzip stream, found a "
                                 "broken one ("));
}

DOCTEST_TEST_CASE("CIFAR-10's five batches follow one another, and its test batch stands alone") {
  const TemporaryFolder folder;
  for (char batch = 1; batch <= 5; ++batch) {
    write_file(folder.path() / ("data_batch_" + std::to_string(batch) + ".bin"),
               std::string(1, batch) + std::string(3072, static_cast<char>('a' + batch)));
  }
  write_file(folder.path() / "test_batch.bin", "\x09" + std::string(3072, 'z'));

  const ImageSet train = read_cifar10_images(folder.path(), ImageSplit::kTrain);
  DOCTEST_CHECK(train.image_size() == 3 * 32 * 32);
  DOCTEST_CHECK(train.labels == std::vector<std::uint8_t>{1, 2, 3, 4, 5});
  DOCTEST_CHECK(train.images(4, 1).back() == 'f');
  const ImageSet test = read_cifar10_images(folder.path(), ImageSplit::kTest);
  DOCTEST_CHECK(test.labels == std::vector<std::uint8_t>{9});
}

DOCTEST_TEST_CASE("a malformed CIFAR-10 file is named with what was expected and what was found") {
  const TemporaryFolder folder;
  const auto file = folder.path() / "test_batch.bin";
  const auto read = [&] { read_cifar10_images(folder.path(), ImageSplit::kTest); };
  DOCTEST_CHECK(complaint(read, folder.path()) ==
                "test_batch.bin: expected a file of images or labels, found none");
  write_file(file, std::string(3072, '\0'));
  DOCTEST_CHECK(complaint(read, folder.path()) ==
                "test_batch.bin: expected records of 3073 bytes, found 3072 bytes");
  write_file(file, "");
  DOCTEST_CHECK(complaint(read, folder.path()) ==
                "test_batch.bin: expected records of 3073 bytes, found 0 bytes");
  write_file(file, std::string(3073, '\0') + "\x0c" + std::string(3072, '\0'));
  DOCTEST_CHECK(complaint(read, folder.path()) ==
                "test_batch.bin: expected labels from 0 to 9, found 12 at image 1");
}

DOCTEST_TEST_CASE("an enlarged image is interpolated between pixels and constant at the edges") {
  const ImageSet small{
      .channels = 2, .height = 1, .width = 3, .pixels = {0, 100, 20, 8, 8, 8}, .labels = {4}};
  const ImageSet large = enlarged(small, 2);
  DOCTEST_CHECK(large.channels == 2);
  DOCTEST_CHECK(large.height == 2);
  DOCTEST_CHECK(large.width == 6);
  DOCTEST_CHECK(large.labels == small.labels);
  DOCTEST_CHECK(large.pixels == std::vector<std::uint8_t>{0, 25, 75, 80, 40, 20,  //
                                                          0, 25, 75, 80, 40, 20,  //
                                                          8, 8,  8,  8,  8,  8,   //
                                                          8, 8,  8,  8,  8,  8});
  DOCTEST_CHECK(enlarged(small, 1).pixels == small.pixels);

  // Both directions at once: a quarter of the way down and across.
  const ImageSet square{
      .channels = 1, .height = 2, .width = 2, .pixels = {0, 160, 80, 240}, .labels = {0}};
  DOCTEST_CHECK(enlarged(square, 2).pixels[5] == 60);
}

DOCTEST_TEST_CASE("fashion-mnist-56 has the classes of fashion-mnist and four times its pixels") {
  const TemporaryFolder folder;
  write_file(folder.path() / "t10k-images-idx3-ubyte", idx_images());
  write_file(folder.path() / "t10k-labels-idx1-ubyte", idx_labels({1, 9}));
  const DataSet& large = find_data_set("fashion-mnist-56");
  DOCTEST_CHECK(large.class_names == find_data_set("fashion-mnist").class_names);
  const ImageSet images = large.read(folder.path(), ImageSplit::kTest);
  DOCTEST_CHECK(images.height == 4);
  DOCTEST_CHECK(images.width == 6);
  DOCTEST_CHECK(images.labels == std::vector<std::uint8_t>{1, 9});
}

DOCTEST_TEST_CASE("a data set that does not exist is answered with those that do") {
  DOCTEST_CHECK(find_data_set("cifar10").class_names.size() == 10);
  DOCTEST_CHECK(
      complaint([] { find_data_set("imagenet"); }) ==
      "data set: expected one of fashion-mnist, fashion-mnist-56, cifar10, found 'imagenet'");
}

DOCTEST_TEST_CASE("a small gzip file that unpacks to hundreds of megabytes took them all") {
  const TemporaryFolder folder;
  const auto file = folder.path() / "train-images-idx3-ubyte.gz";
  const gzFile stream = gzopen(file.c_str(), "wb1");
  const std::string zeros(1U << 20, '\0');
  for (int i = 0; i <= 256; ++i) {
    gzwrite(stream, zeros.data(), static_cast<unsigned>(zeros.size()));
  }
  gzclose(stream);
  DOCTEST_CHECK(std::filesystem::file_size(file) < 3'000'000);
  DOCTEST_CHECK(
      complaint([&] { read_idx_images(folder.path(), ImageSplit::kTrain); }, folder.path()) ==
      "train-images-idx3-ubyte.gz: expected at most 268435456 bytes, unpacked, found more");
}

}  // namespace
}  // namespace rein
