#include "models/network_calibration.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "models/network_accuracy.hpp"
#include "models/network_fixtures.hpp"
#include "models/slimmable_network.hpp"

namespace rein {
namespace {

DOCTEST_TEST_CASE("a layer's range is the largest value that it puts out at that width") {
  // 1x1 layers of one channel, whose batch norms do nothing: each multiplies by its weight.
  SlimmableCheckpoint network =
      tiny_checkpoint(7, {{1, 1, 1, false}, {1, 1, 3, true}, {1, 1, 1, false}});
  for (auto& [name, tensor] : network.tensors) {
    const bool one = name.ends_with(".scale") || name.ends_with(".variance");
    std::ranges::fill(tensor.values, one ? 1.0F : 0.0F);
  }
  network.tensors.at("conv0.weight").values = {2.0F};
  network.tensors.at("conv1.weight").values[4] = 3.0F;  // The middle of 3x3.
  network.tensors.at("conv2.weight").values = {-1.0F};  // Nothing is left after ReLU.
  network.tensors.at("level1.norm1.shift").values = {10.0F};
  ImageSet images = striped_images(250, 4);
  std::ranges::fill(images.pixels, std::uint8_t{51});
  images.pixels.back() = 255;  // In the last batch, which is not full.
  calibrate(network, load_back_end(""), images, images, 1, [](std::size_t, std::size_t) {});

  const double off = 1e-3;  // The batch norms' epsilon.
  DOCTEST_REQUIRE(network.widths[0].ranges.size() == 3);
  DOCTEST_CHECK(network.widths[0].ranges[0] == doctest::Approx(2.0).epsilon(off));
  DOCTEST_CHECK(network.widths[0].ranges[1] == doctest::Approx(6.0).epsilon(off));
  DOCTEST_CHECK(network.widths[1].ranges[1] == doctest::Approx(16.0).epsilon(off));
  DOCTEST_CHECK(network.widths[0].ranges[2] > 0.0F);
  DOCTEST_CHECK(network.widths[0].ranges[2] < 1e-3F);
}

DOCTEST_TEST_CASE(
    "top-1 is measured in each precision that the machine has, others stay as they were") {
  SlimmableCheckpoint network = tiny_checkpoint();
  const BackEnd& back_end = load_back_end("");
  const auto speeds = back_end.speeds();
  for (SlimmableWidth& width : network.widths) {
    width.accuracy_top1 = {
        {Precision::kF32, 0.0}, {Precision::kBf16, 2.0}, {Precision::kInt8, 2.0}};
  }
  const ImageSet images = striped_images(120, 4);
  std::vector<std::size_t> steps;
  calibrate(network, back_end, images, images, 1, [&](std::size_t done, std::size_t of) {
    steps.push_back(done);
    DOCTEST_CHECK(of == 3 * (1 + speeds.size()));
  });
  DOCTEST_CHECK(steps.size() == 3 * (1 + speeds.size()));
  for (std::size_t i = 0; i < network.widths.size(); ++i) {
    for (const auto& [precision, accuracy] : network.widths[i].accuracy_top1) {
      const std::string name = precision_name(precision);
      DOCTEST_CAPTURE(name);
      const bool is_here =
          std::ranges::find(speeds, precision, &BackEnd::Speed::precision) != speeds.end();
      if (!is_here) {
        DOCTEST_CHECK(accuracy == 2.0);
        continue;
      }
      const auto one =
          make_slimmable_network(network, back_end, {{.width = i, .precision = precision}});
      DOCTEST_CHECK(accuracy == measure_top1(*one, images, images.count()));
    }
  }
}

}  // namespace
}  // namespace rein
