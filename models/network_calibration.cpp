#include "models/network_calibration.hpp"

#include <algorithm>

#include "models/network_accuracy.hpp"
#include "models/slimmable_network.hpp"

namespace rein {
namespace {

constexpr std::size_t kCalibrationImages = 2000;
constexpr std::size_t kBatch = 100;

std::vector<float> measure_ranges(const SlimmableCheckpoint& checkpoint, std::size_t width,
                                  const BackEnd& back_end, const ImageSet& train, int threads) {
  const auto runner = back_end.make_runner({{fold(checkpoint, width), Precision::kF32}});
  runner->set_threads(threads);
  // A layer that puts out nothing but zeros needs a scale all the same.
  constexpr float kLeast = 1e-6F;
  std::vector<float> ranges(checkpoint.layers.size(), kLeast);
  const std::size_t count = std::min(kCalibrationImages, train.count());
  for (std::size_t first = 0; first < count; first += kBatch) {
    runner->measure_ranges(0, train.images(first, std::min(kBatch, count - first)), ranges);
  }
  return ranges;
}

}  // namespace

void calibrate(SlimmableCheckpoint& checkpoint, const BackEnd& back_end, const ImageSet& train,
               const ImageSet& test, int threads,
               const std::function<void(std::size_t done, std::size_t of)>& report) {
  const auto speeds = back_end.speeds();
  const std::size_t steps = checkpoint.widths.size() * (1 + speeds.size());
  std::size_t done = 0;
  for (std::size_t i = 0; i < checkpoint.widths.size(); ++i) {
    checkpoint.widths[i].ranges = measure_ranges(checkpoint, i, back_end, train, threads);
    report(++done, steps);
    for (const auto& speed : speeds) {
      const auto network = make_slimmable_network(checkpoint, back_end,
                                                  {{.width = i, .precision = speed.precision}});
      network->set_place({.threads = threads});
      checkpoint.widths[i].accuracy_top1[speed.precision] =
          measure_top1(*network, test, test.count());
      report(++done, steps);
    }
  }
}

}  // namespace rein
