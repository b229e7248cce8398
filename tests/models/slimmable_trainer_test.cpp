#include "models/slimmable_trainer.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "models/network_fixtures.hpp"
#include "models/slimmable_network.hpp"

namespace rein {
namespace {

DataSet stripes() {
  return {.name = "stripes", .class_names = {"a", "b", "c"}, .read = nullptr, .default_folder = {}};
}

TrainingOptions tiny_options() {
  TrainingOptions options;
  options.epochs = 2;
  options.batch = 16;
  options.layers = {{8, 2}, {16, 2}};
  options.widths = {0.5, 0.75, 1.0};
  return options;
}

DOCTEST_TEST_CASE(
    "a short training lowers the loss of every level and learns to tell the classes") {
  std::vector<TrainingProgress> reports;
  const ImageSet train = striped_images(320, 1);
  const ImageSet test = striped_images(100, 2);
  const SlimmableCheckpoint network = train_slimmable_network(
      stripes(), train, test, tiny_options(),
      [&](const TrainingProgress& progress) { reports.push_back(progress); });

  DOCTEST_REQUIRE(reports.size() == 40);
  DOCTEST_CHECK(reports.back().step == reports.back().steps);
  for (std::size_t level = 0; level < 3; ++level) {
    DOCTEST_CHECK(reports.back().loss[level] < reports[19].loss[level]);
  }
  DOCTEST_CHECK(network.levels.back().accuracy_top1 > 0.8);  // 0.33 by chance.
  DOCTEST_CHECK(network.dataset == "stripes");
}

DOCTEST_TEST_CASE("the same seed trains the same network, another seed another one") {
  const ImageSet train = striped_images(64, 1);
  const ImageSet test = striped_images(30, 2);
  const auto train_with = [&](std::uint64_t seed) {
    TrainingOptions options = tiny_options();
    options.epochs = 1;
    options.seed = seed;
    const auto no_report = [](const TrainingProgress&) {};
    return train_slimmable_network(stripes(), train, test, options, no_report)
        .tensors.at("conv1.weight")
        .values;
  };
  const auto first = train_with(1);
  DOCTEST_CHECK(first == train_with(1));
  DOCTEST_CHECK(first != train_with(2));
}

}  // namespace
}  // namespace rein
