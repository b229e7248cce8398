#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "models/folded_network.hpp"
#include "models/precision.hpp"

namespace rein {

/// Runs the levels of one network on one device. Used from one thread.
class Runner {
 public:
  virtual ~Runner() = default;

  /// So many threads compute, from the next call on; they share the CPUs that the calling thread
  /// may use now, one each if there are as many. @pre threads >= 1.
  virtual void set_threads(int threads) = 0;

  /// Makes all that requests of `batch` images need at a level with the present number of threads:
  /// kernels, packed weights, buffers. Slow; run() does it where it was not done.
  /// @throws std::bad_alloc if the memory does not suffice; what was there before goes on.
  virtual void prepare(std::size_t level, std::size_t batch) = 0;

  /// Answers one request. Blocks until done. @throws std::bad_alloc or Error if the device fails.
  /// @param images  [batch x channels x height x width], from 0 to 255; at least one image.
  /// @param logits  [batch x classes].
  virtual void run(std::size_t level, std::span<const std::uint8_t> images,
                   std::span<float> logits) = 0;

  /// Raises `ranges` to the largest value that each convolution of a level in f32 puts out for the
  /// images. @param ranges  [convolutions]. Slow.
  virtual void measure_ranges(std::size_t level, std::span<const std::uint8_t> images,
                              std::span<float> ranges) = 0;
};

/// A library that runs networks.
class BackEnd {
 public:
  virtual ~BackEnd() = default;

  /// "oneDNN 2.6.3", "LibTorch 1.13.1 on the GPU"
  virtual std::string name() const = 0;

  /// What a product takes in a precision, as a share of its time in f32, roughly.
  struct Speed {
    Precision precision = Precision::kF32;
    double cost = 1.0;
  };
  /// Those that this machine has instructions for; f32 first.
  virtual std::vector<Speed> speeds() const = 0;

  /// A level as it is to be run.
  struct Level {
    FoldedNetwork network;
    Precision precision = Precision::kF32;
  };
  /// @throws Error if the memory does not suffice.
  virtual std::unique_ptr<Runner> make_runner(std::vector<Level> levels) const = 0;
};

}  // namespace rein
