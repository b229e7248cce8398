#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace rein {

/// One way to run a network, with its own accuracy and cost.
struct NetworkLevel {
  std::string name;  ///< "0.25"; where levels differ in precision too: "0.25-int8".
  /// Share of the full network's channels, above 0 and at most 1. Where levels differ by more than
  /// their widths: the width at which the network in f32 would be about as much work.
  double width = 1.0;
  double accuracy_top1 = 0.0;  ///< On the test images, in [0, 1].
};

/// What computes.
struct ComputePlace {
  std::string device = "cpu";  ///< "cpu" or "gpu".
  int threads = 1;             ///< Of the CPU, also where another device computes; at least 1.

  friend auto operator<=>(const ComputePlace&, const ComputePlace&) = default;
};

/// Runs a network that can change its level while it serves. Used from one thread.
class Engine {
 public:
  virtual ~Engine() = default;

  /// Each costs more than the one before, and is more accurate; at least one; fixed.
  virtual const std::vector<NetworkLevel>& levels() const = 0;

  /// What runs it, for people: "oneDNN 2.6.3, int8".
  virtual const std::string& description() const = 0;

  /// How many values one image has (channels x height x width).
  virtual std::size_t image_size() const = 0;

  /// Why it cannot compute on a device, or no longer can; nothing if it can. Cheap.
  virtual std::optional<std::string> obstacle(const std::string& device) const {
    return device == "cpu" ? std::nullopt : std::optional<std::string>("it computes on CPUs alone");
  }

  /// Makes what is slow before the first request: all that every level needs at a place for
  /// requests of `batch` images. Leaves the place in force. Another device than the CPU that has
  /// not the memory, or fails, is one with an obstacle from then on.
  /// @throws Error if the memory does not suffice.
  virtual void prepare(const ComputePlace& place, std::size_t batch) = 0;

  /// Takes effect with the next infer(). Cheap: nothing is loaded, sliced or copied.
  /// @throws std::out_of_range if level >= levels().size().
  virtual void set_level(std::size_t level) = 0;

  /// Where to compute, from the next infer() on. Threads share the CPUs that the calling thread may
  /// use now, one each if there are as many. Instead of a device with an obstacle the CPU computes.
  virtual void set_place(const ComputePlace& place) = 0;

  /// Classifies a batch: `images` holds predictions.size() images of image_size() pixels each,
  /// [batch x channels x height x width], from 0 to 255. Blocks until done. Allocates nothing for a
  /// batch that was prepared. Where another device than the CPU fails, it is one with an obstacle
  /// from then on, and the CPU answers this request too.
  virtual void infer(std::span<const std::uint8_t> images, std::span<int> predictions) = 0;
};

}  // namespace rein
