#include "models/image_set.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <memory>

#include "common/error.hpp"
#include "common/files.hpp"

namespace rein {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::uint8_t kClasses = 10;  // MNIST, Fashion-MNIST and CIFAR-10 alike.

[[noreturn]] void fail(const std::filesystem::path& file, const std::string& expected,
                       const std::string& found) {
  throw ConfigError(fmt::format("{}: expected {}, found {}", file.string(), expected, found));
}

/// The whole file, unpacked if it is gzipped.
Bytes read_bytes(const std::filesystem::path& file) {
  if (!is_regular(file)) {
    fail(file, "a file of images or labels", "none");
  }
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> stream(gzopen(file.c_str(), "rb"), gzclose);
  if (!stream) {
    fail(file, "a file that can be read", "one that cannot");
  }
  Bytes bytes;
  constexpr unsigned kChunk = 1U << 20;
  int got = 0;
  do {
    const std::size_t size = bytes.size();
    bytes.resize(size + kChunk);
    got = gzread(stream.get(), bytes.data() + size, kChunk);
    bytes.resize(size + static_cast<std::size_t>(std::max(got, 0)));
    if (bytes.size() > kMostTable) {  // A small file can unpack to a thousand times its size.
      fail(file, fmt::format("at most {} bytes, unpacked", kMostTable), "more");
    }
  } while (got > 0);
  int status = Z_OK;
  const std::string reason = gzerror(stream.get(), &status);
  if (status != Z_OK && status != Z_STREAM_END) {
    fail(file, "a whole gzip stream", "a broken one (" + reason + ")");
  }
  return bytes;
}

void check_label(const std::filesystem::path& file, std::uint8_t label, std::size_t image) {
  if (label >= kClasses) {
    fail(file, fmt::format("labels from 0 to {}", kClasses - 1),
         fmt::format("{} at image {}", label, image));
  }
}

/// One IDX file of unsigned bytes: its magic number, the dimensions (big-endian), the bytes.
struct IdxFile {
  std::filesystem::path path;
  std::vector<std::size_t> shape;
  Bytes bytes;  ///< Without the header.
};

IdxFile read_idx(const std::filesystem::path& folder, const std::string& name, std::size_t rank) {
  IdxFile file{.path = folder / name, .shape = {}, .bytes = {}};
  if (!is_there(file.path)) {
    file.path += ".gz";
  }
  file.bytes = read_bytes(file.path);

  const std::size_t header = 4 + 4 * rank;
  if (file.bytes.size() < header) {
    fail(file.path, fmt::format("an IDX header of {} bytes", header),
         fmt::format("{} bytes", file.bytes.size()));
  }
  const auto word = [&](std::size_t offset) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      value = value << 8 | file.bytes[offset + i];
    }
    return value;
  };
  const std::uint32_t magic = 0x0800U | static_cast<std::uint32_t>(rank);
  if (word(0) != magic) {
    fail(file.path, fmt::format("the magic number {:#010x}", magic),
         fmt::format("{:#010x}", word(0)));
  }
  std::uint64_t size = 1;
  constexpr std::uint32_t kLargestSide = 4096;
  for (std::size_t i = 0; i < rank; ++i) {
    const std::uint32_t dimension = word(4 + 4 * i);
    if (dimension == 0 || (i > 0 && dimension > kLargestSide)) {
      fail(file.path, i == 0 ? "at least one image" : fmt::format("sides of 1 to {}", kLargestSide),
           fmt::format("{}", dimension));
    }
    size *= dimension;
    file.shape.push_back(dimension);
  }
  if (file.bytes.size() - header != size) {
    fail(file.path, fmt::format("{} bytes after the header", size),
         fmt::format("{}", file.bytes.size() - header));
  }
  file.bytes.erase(file.bytes.begin(), file.bytes.begin() + static_cast<std::ptrdiff_t>(header));
  return file;
}

}  // namespace

ImageSet read_idx_images(const std::filesystem::path& folder, ImageSplit split) {
  const std::string prefix = split == ImageSplit::kTrain ? "train" : "t10k";
  IdxFile images = read_idx(folder, prefix + "-images-idx3-ubyte", 3);
  IdxFile labels = read_idx(folder, prefix + "-labels-idx1-ubyte", 1);
  if (labels.shape[0] != images.shape[0]) {
    fail(labels.path, fmt::format("{} labels, one for each image", images.shape[0]),
         fmt::format("{}", labels.shape[0]));
  }
  for (std::size_t i = 0; i < labels.bytes.size(); ++i) {
    check_label(labels.path, labels.bytes[i], i);
  }
  return {.channels = 1,
          .height = images.shape[1],
          .width = images.shape[2],
          .pixels = std::move(images.bytes),
          .labels = std::move(labels.bytes)};
}

ImageSet read_cifar10_images(const std::filesystem::path& folder, ImageSplit split) {
  std::vector<std::string> names = {"test_batch.bin"};
  if (split == ImageSplit::kTrain) {
    names = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin",
             "data_batch_5.bin"};
  }
  ImageSet set{.channels = 3, .height = 32, .width = 32, .pixels = {}, .labels = {}};
  const std::size_t record = 1 + set.image_size();  // A label, then the planes R, G, B.
  for (const std::string& name : names) {
    const std::filesystem::path path = folder / name;
    const Bytes bytes = read_bytes(path);
    if (bytes.empty() || bytes.size() % record != 0) {
      fail(path, fmt::format("records of {} bytes", record), fmt::format("{} bytes", bytes.size()));
    }
    for (std::size_t i = 0; i * record < bytes.size(); ++i) {
      check_label(path, bytes[i * record], i);
      set.labels.push_back(bytes[i * record]);
      const auto image = bytes.begin() + static_cast<std::ptrdiff_t>(i * record + 1);
      set.pixels.insert(set.pixels.end(), image,
                        image + static_cast<std::ptrdiff_t>(set.image_size()));
    }
  }
  return set;
}

ImageSet enlarged(const ImageSet& images, std::size_t factor) {
  /// Where the middle of a pixel lies between the middles of two pixels of the smaller image, in
  /// whole parts of 1 / (2 * factor), so that all machines round alike.
  struct Between {
    std::size_t low = 0;
    std::size_t high = 0;
    std::uint32_t low_parts = 0;
    std::uint32_t high_parts = 0;
  };
  const std::size_t whole = 2 * factor;
  const auto between = [&](std::size_t side) {
    std::vector<Between> places(side * factor);
    for (std::size_t i = 0; i < places.size(); ++i) {
      const std::size_t middle =
          std::clamp(2 * i + 1, factor, (side - 1) * whole + factor) - factor;
      const std::size_t low = middle / whole;
      const auto high_parts = static_cast<std::uint32_t>(middle % whole);
      places[i] = {.low = low,
                   .high = std::min(low + 1, side - 1),
                   .low_parts = static_cast<std::uint32_t>(whole) - high_parts,
                   .high_parts = high_parts};
    }
    return places;
  };
  const std::vector<Between> rows = between(images.height);
  const std::vector<Between> columns = between(images.width);

  ImageSet larger{.channels = images.channels,
                  .height = rows.size(),
                  .width = columns.size(),
                  .pixels = {},
                  .labels = images.labels};
  larger.pixels.resize(larger.image_size() * larger.count());
  std::uint8_t* target = larger.pixels.data();
  const std::size_t plane_size = images.height * images.width;
  const auto all_parts = static_cast<std::uint32_t>(whole * whole);
  for (std::size_t first = 0; first < images.pixels.size(); first += plane_size) {
    const std::uint8_t* plane = images.pixels.data() + first;
    for (const Between& row : rows) {
      const std::uint8_t* above = plane + row.low * images.width;
      const std::uint8_t* below = plane + row.high * images.width;
      for (const Between& column : columns) {
        const auto along = [&column](const std::uint8_t* pixels) {
          return column.low_parts * pixels[column.low] + column.high_parts * pixels[column.high];
        };
        const std::uint32_t parts = row.low_parts * along(above) + row.high_parts * along(below);
        *target++ = static_cast<std::uint8_t>((parts + all_parts / 2) / all_parts);
      }
    }
  }
  return larger;
}

}  // namespace rein
