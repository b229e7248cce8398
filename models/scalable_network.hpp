#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace rein {

/// One width that a network can run at.
struct NetworkLevel {
  std::string name;            ///< "0.25"
  double width = 1.0;          ///< Share of the full network's channels, above 0 and at most 1.
  double accuracy_top1 = 0.0;  ///< On the test images, in [0, 1].
};

/// A DNN that can change its width while it serves. Needs no LibTorch. Used from one thread.
class ScalableNetwork {
 public:
  virtual ~ScalableNetwork() = default;

  /// In ascending order of width; at least one; fixed.
  virtual const std::vector<NetworkLevel>& levels() const = 0;

  /// How many values one image has (channels x height x width).
  virtual std::size_t image_size() const = 0;

  /// Takes effect with the next infer(). Cheap: nothing is loaded, sliced or copied.
  /// @throws std::out_of_range if level >= levels().size().
  virtual void set_level(std::size_t level) = 0;

  /// The number of threads that compute, from the next infer() on. They share the CPUs that the
  /// calling thread may use now, one each if there are as many. @pre threads >= 1.
  virtual void set_threads(int threads) = 0;

  /// Classifies a batch: `images` holds predictions.size() images of image_size() pixels each,
  /// [batch x channels x height x width], from 0 to 255. Blocks until done.
  virtual void infer(std::span<const std::uint8_t> images, std::span<int> predictions) = 0;
};

}  // namespace rein
