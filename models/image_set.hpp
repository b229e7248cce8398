#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace rein {

/// Labelled images in memory, all of one size.
struct ImageSet {
  std::size_t channels = 1;
  std::size_t height = 0;
  std::size_t width = 0;
  std::vector<std::uint8_t> pixels;  ///< [count x channels x height x width], 0 to 255.
  std::vector<std::uint8_t> labels;  ///< [count], class numbers from 0.

  std::size_t image_size() const { return channels * height * width; }
  std::size_t count() const { return labels.size(); }
  /// `batch` images from number `first` on. @pre first + batch <= count().
  std::span<const std::uint8_t> images(std::size_t first, std::size_t batch) const {
    return std::span(pixels).subspan(first * image_size(), batch * image_size());
  }
};

enum class ImageSplit { kTrain, kTest };

/// Reads Fashion-MNIST (or MNIST) in IDX format, gzipped or not, from `folder`: Debian's package
/// dataset-fashion-mnist has it in /usr/share/datasets/fashion-mnist.
/// @throws ConfigError naming the file, what was found and what was expected.
ImageSet read_idx_images(const std::filesystem::path& folder, ImageSplit split);

/// Reads CIFAR-10's binary version (data_batch_1.bin to data_batch_5.bin, test_batch.bin).
/// @throws ConfigError naming the file, what was found and what was expected.
ImageSet read_cifar10_images(const std::filesystem::path& folder, ImageSplit split);

/// The same images with sides `factor` times as long, interpolated linearly in both directions; the
/// middles of the pixels at the edges go on to the edges. @pre factor from 1 to 1000.
ImageSet enlarged(const ImageSet& images, std::size_t factor);

}  // namespace rein
