// The checkpoint that comes with Rein, on the real test images.
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>

#include "models/data_set.hpp"
#include "models/network_accuracy.hpp"
#include "models/slimmable_network.hpp"

namespace rein {
namespace {

std::filesystem::path trained_network() {
  return std::filesystem::path(REIN_SOURCE_DIR) / "models/trained/fashion-mnist.rein";
}

DOCTEST_TEST_CASE("the network in the repository gets better with each width") {
  const auto network = load_slimmable_network(trained_network(), {});
  const auto& levels = network->levels();
  DOCTEST_REQUIRE(levels.size() == 4);
  for (std::size_t i = 1; i < levels.size(); ++i) {
    DOCTEST_CHECK(levels[i].accuracy_top1 > levels[i - 1].accuracy_top1);
  }
  DOCTEST_CHECK(levels.front().accuracy_top1 >= 0.90);
  DOCTEST_CHECK(levels.back().accuracy_top1 >= 0.925);
  DOCTEST_CHECK(std::filesystem::file_size(trained_network()) < 4'000'000);
}

DOCTEST_TEST_CASE("the network in the repository reaches the accuracy that its checkpoint states") {
  const DataSet& set = find_data_set("fashion-mnist");
  if (!std::filesystem::is_directory(set.default_folder)) {
    DOCTEST_MESSAGE("skipped: no data set in " << set.default_folder.string()
                                               << " (Debian's dataset-fashion-mnist)");
    return;
  }
  // Of 1,000 images out of 10,000: three standard errors at 92 % are 2.6 points.
  constexpr double kTolerance = 0.026;
  const ImageSet test = set.read(set.default_folder, ImageSplit::kTest);
  const auto network = load_slimmable_network(trained_network(), {});
  for (std::size_t level = 0; level < network->levels().size(); ++level) {
    network->set_level(level);
    const double stated = network->levels()[level].accuracy_top1;
    DOCTEST_CHECK(std::abs(measure_top1(*network, test, 1000) - stated) < kTolerance);
  }
}

}  // namespace
}  // namespace rein
