#include "models/slimmable_trainer.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "models/module.hpp"
#include "models/network_calibration.hpp"
#include "models/network_fixtures.hpp"
#include "models/slimmable_network.hpp"

namespace rein {
namespace {

DataSet stripes() {
  return {.name = "stripes", .class_names = {"a", "b", "c"}, .read = nullptr, .default_folder = {}};
}

SlimmableCheckpoint trained(const ImageSet& images, const TrainingOptions& options,
                            const TrainingReport& report) {
  return load_engine_module("torch").train(stripes(), images, options, report);
}

TrainingOptions tiny_options() {
  TrainingOptions options;
  options.epochs = 2;
  options.batch = 16;
  options.architecture = {.name = "tiny", .layers = {{8, 2}, {16, 2}}, .widths = {0.5, 0.75, 1.0}};
  return options;
}

DOCTEST_TEST_CASE(
    "a short training lowers the loss of every level and learns to tell the classes") {
  std::vector<TrainingProgress> reports;
  const ImageSet train = striped_images(320, 1);
  const ImageSet test = striped_images(100, 2);
  SlimmableCheckpoint network =
      trained(train, tiny_options(),
              [&](const TrainingProgress& progress) { reports.push_back(progress); });

  DOCTEST_REQUIRE(reports.size() == 40);
  DOCTEST_CHECK(reports.back().step == reports.back().steps);
  for (std::size_t level = 0; level < 3; ++level) {
    DOCTEST_CHECK(reports.back().loss[level] < reports[19].loss[level]);
  }
  calibrate(network, load_back_end(""), train, test, 1, [](std::size_t, std::size_t) {});
  for (const auto& [precision, accuracy] : network.widths.back().accuracy_top1) {
    const std::string name = precision_name(precision);
    DOCTEST_CAPTURE(name);
    DOCTEST_CHECK(accuracy > 0.8);  // 0.33 by chance.
  }
  DOCTEST_CHECK(network.dataset == "stripes");
}

DOCTEST_TEST_CASE("the same seed trains the same network, another seed another one") {
  const ImageSet train = striped_images(64, 1);
  const auto train_with = [&](std::uint64_t seed) {
    TrainingOptions options = tiny_options();
    options.epochs = 1;
    options.seed = seed;
    const auto no_report = [](const TrainingProgress&) {};
    return trained(train, options, no_report).tensors.at("conv1.weight").values;
  };
  const auto first = train_with(1);
  DOCTEST_CHECK(first == train_with(1));
  DOCTEST_CHECK(first != train_with(2));
}

DOCTEST_TEST_CASE("a network with depthwise layers learns too, in float and in bfloat16") {
  const ImageSet train = striped_images(320, 1);
  const ImageSet test = striped_images(100, 2);
  TrainingOptions options = tiny_options();
  options.epochs = 6;
  options.architecture = {.name = "tiny mobile",
                          .layers = {{16, 2, 3, false},
                                     {16, 2, 3, true},
                                     {32, 1, 1, false},
                                     {32, 2, 3, true},
                                     {32, 1, 1, false}},
                          .widths = {0.25, 1.0}};
  for (const bool bfloat16 : {false, true}) {
    options.bfloat16 = bfloat16;
    SlimmableCheckpoint network = trained(train, options, [](const TrainingProgress&) {});
    calibrate(network, load_back_end(""), train, test, 1, [](std::size_t, std::size_t) {});
    DOCTEST_CHECK(network.widths.back().accuracy_top1.at(Precision::kF32) > 0.8);
    DOCTEST_CHECK(network.widths.front().ranges.size() == 5);
  }
}

DOCTEST_TEST_CASE("what is trained beside a frozen network adds to what that one knows") {
  const ImageSet train = striped_images(320, 1);
  const ImageSet test = striped_images(200, 2);
  TrainingOptions options = tiny_options();
  options.architecture.widths = {1.0};
  const SlimmableCheckpoint first = trained(train, options, [](const TrainingProgress&) {});
  options.frozen = {first};
  std::vector<double> losses;
  const SlimmableCheckpoint second = trained(
      train, options, [&](const TrainingProgress& now) { losses.push_back(now.loss.front()); });
  // The sum begins where the first one ended, below what guessing costs.
  DOCTEST_CHECK(losses.front() < std::log(3.0));
  DOCTEST_CHECK(losses.back() < losses.front());
  DOCTEST_CHECK(second.recipe == first.recipe + ", beside 1 frozen");

  std::vector<float> sum(3 * test.count());
  std::vector<int> predictions(test.count());
  std::vector<int> right;  // Of the first; of both.
  for (const SlimmableCheckpoint& network : {first, second}) {
    const auto engine = make_slimmable_network(network, {.precisions = {Precision::kF32}});
    engine->infer(test.pixels, predictions);
    std::ranges::transform(sum, engine->logits(), sum.begin(), std::plus<>());
    right.push_back(0);
    for (std::size_t i = 0; i < test.count(); ++i) {
      const auto scores = std::span(sum).subspan(3 * i, 3);
      const auto best = std::ranges::max_element(scores) - scores.begin();
      right.back() += best == test.labels[i] ? 1 : 0;
    }
  }
  DOCTEST_CHECK(right[1] > right[0]);
}

}  // namespace
}  // namespace rein
