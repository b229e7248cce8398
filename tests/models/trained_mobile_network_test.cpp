// The larger checkpoint that comes with Rein, on the real test images.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "models/data_set.hpp"
#include "models/network_accuracy.hpp"
#include "models/network_architecture.hpp"
#include "models/slimmable_checkpoint.hpp"
#include "models/slimmable_network.hpp"

namespace rein {
namespace {

std::filesystem::path mobile_network() {
  return std::filesystem::path(REIN_SOURCE_DIR) / "models/trained/fashion-mnist-56-mobile.rein";
}

DOCTEST_TEST_CASE("the larger network in the repository is mobile, calibrated, and below 6 MB") {
  const SlimmableCheckpoint network = read_checkpoint(mobile_network());
  const NetworkArchitecture& mobile = find_network_architecture("mobile");
  DOCTEST_CHECK(network.layers.size() == mobile.layers.size());
  DOCTEST_REQUIRE(network.widths.size() == mobile.widths.size());
  for (std::size_t i = 0; i < network.widths.size(); ++i) {
    DOCTEST_CHECK(network.widths[i].width == mobile.widths[i]);
    DOCTEST_CHECK(network.widths[i].ranges.size() == network.layers.size());
  }
  DOCTEST_CHECK(std::filesystem::file_size(mobile_network()) < 6'000'000);
}

DOCTEST_TEST_CASE("the larger network in the repository gets better with each width") {
  const SlimmableCheckpoint network = read_checkpoint(mobile_network());
  std::vector<double> top1;
  for (const SlimmableWidth& width : network.widths) {
    top1.push_back(width.accuracy_top1.at(Precision::kF32));
  }
  DOCTEST_CHECK(std::ranges::is_sorted(top1, std::less_equal<>()));
  DOCTEST_CHECK(top1.back() >= 0.92);
}

DOCTEST_TEST_CASE("the larger network reaches the accuracy that it states, in each precision") {
  const DataSet& set = find_data_set("fashion-mnist-56");
  if (!std::filesystem::is_directory(set.default_folder)) {
    DOCTEST_MESSAGE("skipped: no data set in " << set.default_folder.string()
                                               << " (Debian's dataset-fashion-mnist)");
    return;
  }
  // Of 1,000 images out of 10,000: three standard errors at 90 % are 2.9 points.
  constexpr double kTolerance = 0.029;
  const ImageSet test = set.read(set.default_folder, ImageSplit::kTest);
  const SlimmableCheckpoint checkpoint = read_checkpoint(mobile_network());
  const BackEnd& back_end = load_back_end("");
  const auto levels = all_levels(checkpoint, back_end.speeds());
  DOCTEST_CHECK(levels.size() >= checkpoint.widths.size());
  const auto network = make_slimmable_network(checkpoint, back_end, levels);
  for (std::size_t level = 0; level < levels.size(); ++level) {
    network->set_level(level);
    const double stated = levels[level].level.accuracy_top1;
    const std::string name = levels[level].level.name;
    DOCTEST_CAPTURE(name);
    DOCTEST_CHECK(std::abs(measure_top1(*network, test, 1000) - stated) < kTolerance);
  }
}

}  // namespace
}  // namespace rein
