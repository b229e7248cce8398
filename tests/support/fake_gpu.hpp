#pragma once

#include <cstddef>
#include <limits>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "common/error.hpp"
#include "models/back_end.hpp"

namespace rein {

/// A made-up GPU: another back end computes. It is lost, or its memory full, when it is told.
class FakeGpu final : public BackEnd {
 public:
  static constexpr std::size_t kNever = std::numeric_limits<std::size_t>::max();

  explicit FakeGpu(const BackEnd& computes) : computes_(computes) {}

  std::string name() const override { return "made up on the GPU"; }
  std::vector<Speed> speeds() const override { return {{Precision::kF32, 1.0}}; }
  std::unique_ptr<Runner> make_runner(std::vector<Level> levels) const override {
    require_memory(make_runner_fails);
    for (const auto& level : levels) {
      precisions.push_back(level.precision);
    }
    return std::make_unique<FakeRunner>(*this, computes_.make_runner(std::move(levels)));
  }

  bool make_runner_fails = false;
  bool prepare_fails = false;
  std::size_t lost_after = kNever;  ///< Requests.
  std::size_t full_after = kNever;
  mutable std::size_t asked = 0;  ///< Requests, answered or not.
  mutable std::vector<Precision> precisions;

 private:
  static void require_memory(bool fails) {
    if (fails) {
      throw std::bad_alloc();
    }
  }

  class FakeRunner final : public Runner {
   public:
    FakeRunner(const FakeGpu& gpu, std::unique_ptr<Runner> computes)
        : gpu_(gpu), computes_(std::move(computes)) {}

    void set_threads(int threads) override { computes_->set_threads(threads); }
    void prepare(std::size_t level, std::size_t batch) override {
      require_memory(gpu_.prepare_fails);
      computes_->prepare(level, batch);
    }
    void run(std::size_t level, std::span<const std::uint8_t> images,
             std::span<float> logits) override {
      ++gpu_.asked;
      require_memory(gpu_.asked > gpu_.full_after);
      if (gpu_.asked > gpu_.lost_after) {
        throw Error("made up: the device has fallen off the bus");
      }
      computes_->run(level, images, logits);
    }
    void measure_ranges(std::size_t level, std::span<const std::uint8_t> images,
                        std::span<float> ranges) override {
      computes_->measure_ranges(level, images, ranges);
    }

   private:
    const FakeGpu& gpu_;
    std::unique_ptr<Runner> computes_;
  };

  const BackEnd& computes_;
};

}  // namespace rein
