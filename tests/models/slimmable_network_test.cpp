// Networks with random weights: what a level answers must not depend on which levels ran before,
// and the levels are those that are worth having.
#include "models/slimmable_network.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <stdexcept>
#include <vector>

#include "common/error.hpp"
#include "models/network_accuracy.hpp"
#include "models/network_fixtures.hpp"
#include "models/plain_network.hpp"
#include "support/allocation_count.hpp"
#include "support/fake_gpu.hpp"

namespace rein {
namespace {

constexpr auto kF32 = Precision::kF32;
constexpr auto kBf16 = Precision::kBf16;
constexpr auto kInt8 = Precision::kInt8;

const EngineOptions kFloat{.precisions = {kF32}};

struct Answer {
  std::vector<int> predictions;
  std::vector<float> logits;
};

Answer ask(SlimmableNetwork& network, std::size_t level, const ImageSet& images) {
  Answer answer;
  answer.predictions.resize(images.count());
  network.set_level(level);
  network.infer(images.pixels, answer.predictions);
  answer.logits.assign(network.logits().begin(), network.logits().end());
  return answer;
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  DOCTEST_REQUIRE(a.size() == b.size());
  double largest = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
  }
  return largest;
}

/// The batch norm as it is defined, on what plain loops make of the weights alone, pixels from 0
/// to 1.
DOCTEST_TEST_CASE("a folded network is the convolution, then the batch norm, then ReLU") {
  const SlimmableCheckpoint checkpoint = tiny_checkpoint();
  const ImageSet images = striped_images(1, 3);
  for (std::size_t width = 0; width < checkpoint.widths.size(); ++width) {
    const FoldedNetwork folded = fold(checkpoint, width);
    FoldedConvolution first = folded.convolutions.front();
    std::vector<double> found;
    plain_logits({.height = 12,
                  .width = 12,
                  .convolutions = {first},
                  .classifier_weights = std::vector<float>(first.outputs),
                  .classifier_bias = {0}},
                 images.images(0, 1), [&](const std::vector<double>& x) { found = x; });
    const auto& weights = checkpoint.tensors.at("conv0.weight").values;
    const auto norm = [&](const std::string& part, std::size_t channel) {
      return double(checkpoint.tensors.at(batch_norm_name(width, 0, part)).values[channel]);
    };
    DOCTEST_REQUIRE(first.outputs == channels_at(8, checkpoint.widths[width].width));
    for (std::size_t channel = 0; channel < first.outputs; ++channel) {
      // The middle of the image: no padding.
      double sum = 0.0;
      for (std::size_t i = 0; i < 9; ++i) {
        sum += weights[channel * 9 + i] * images.pixels[(5 + i / 3) * 12 + 5 + i % 3] / 255.0;
      }
      const double expected = (sum - norm("mean", channel)) /
                                  std::sqrt(norm("variance", channel) + kBatchNormEpsilon) *
                                  norm("scale", channel) +
                              norm("shift", channel);
      DOCTEST_CHECK(found[channel * 144 + 6 * 12 + 6] ==
                    doctest::Approx(std::max(0.0, expected)).epsilon(1e-4));
    }
  }
}

DOCTEST_TEST_CASE("a network answers as plain loops over its folded weights do, at every level") {
  const SlimmableCheckpoint checkpoint = tiny_checkpoint();
  const auto network = make_slimmable_network(checkpoint, kFloat);
  const ImageSet images = striped_images(5, 3);
  for (std::size_t level = 0; level < 3; ++level) {
    const Answer answer = ask(*network, level, images);
    for (std::size_t i = 0; i < 5; ++i) {
      const auto expected = plain_logits(fold(checkpoint, level), images.images(i, 1));
      for (std::size_t c = 0; c < 3; ++c) {
        DOCTEST_CHECK(std::abs(answer.logits[3 * i + c] - expected[c]) < 1e-4);
      }
    }
  }
}

DOCTEST_TEST_CASE("the levels answer differently, so that comparing them means something") {
  const auto network = make_slimmable_network(tiny_checkpoint(), kFloat);
  const ImageSet images = striped_images(8, 3);
  const Answer narrow = ask(*network, 0, images);
  const Answer wide = ask(*network, 2, images);
  DOCTEST_CHECK(largest_difference(narrow.logits, wide.logits) > 1e-2);
}

DOCTEST_TEST_CASE("a network that changes its level answers as fresh networks at that level do") {
  const SlimmableCheckpoint checkpoint = tiny_checkpoint();
  const auto network = make_slimmable_network(checkpoint, kFloat);
  const ImageSet images = striped_images(4, 11);
  for (const std::size_t level : {2, 0, 1, 0, 2, 2, 1}) {
    const auto fresh = make_slimmable_network(checkpoint, kFloat);
    DOCTEST_CHECK(ask(*network, level, images).logits == ask(*fresh, level, images).logits);
  }
}

DOCTEST_TEST_CASE("the number of threads changes nothing in the answers") {
  const auto network = make_slimmable_network(tiny_checkpoint(), kFloat);
  const ImageSet images = striped_images(16, 5);
  const Answer expected = ask(*network, 2, images);
  for (const int threads : {2, 1, 2}) {
    network->set_place({.threads = threads});
    DOCTEST_CHECK(largest_difference(ask(*network, 2, images).logits, expected.logits) < 1e-4);
  }
}

DOCTEST_TEST_CASE("on a device that the network has no copy on, the CPU computes") {
  const auto network = make_slimmable_network(tiny_checkpoint(), kFloat);
  const ImageSet images = striped_images(2, 5);
  const Answer before = ask(*network, 1, images);
  DOCTEST_CHECK_FALSE(network->obstacle("cpu"));
  DOCTEST_CHECK(network->obstacle("gpu") == "it computes on CPUs alone");
  network->prepare({.device = "gpu"}, 2);
  DOCTEST_CHECK(ask(*network, 1, images).logits == before.logits);
}

/// A network with a copy on a made-up GPU.
struct WithGpu {
  explicit WithGpu(const std::function<void(FakeGpu&)>& change = [](FakeGpu&) {}) {
    change(gpu);
    const auto checkpoint = tiny_checkpoint();
    network = make_slimmable_network(checkpoint, cpu, choose_levels(checkpoint, {{kF32, 1.0}}),
                                     {{.device = "gpu", .back_end = &gpu}});
  }
  const BackEnd& cpu = load_back_end("");
  FakeGpu gpu{cpu};
  std::unique_ptr<SlimmableNetwork> network;
};

DOCTEST_TEST_CASE("a network with a copy on the GPU answers there as on the CPU, in f32") {
  const WithGpu world;
  SlimmableNetwork& network = *world.network;
  const ImageSet images = striped_images(3, 5);
  network.prepare({.threads = 2}, 3);
  network.prepare({.device = "gpu", .threads = 1}, 3);
  DOCTEST_CHECK(network.description().ends_with("; made up on the GPU, f32"));
  DOCTEST_CHECK(world.gpu.precisions == std::vector<Precision>(3, Precision::kF32));
  for (std::size_t level = 0; level < 3; ++level) {
    network.set_place({.device = "gpu"});
    const Answer on_gpu = ask(network, level, images);
    DOCTEST_CHECK(world.gpu.asked == level + 1);
    network.set_place({.threads = 2});
    DOCTEST_CHECK(largest_difference(ask(network, level, images).logits, on_gpu.logits) < 1e-4);
    DOCTEST_CHECK(world.gpu.asked == level + 1);
  }
  DOCTEST_CHECK_FALSE(network.obstacle("gpu"));
}

DOCTEST_TEST_CASE(
    "a GPU that is lost, or full, while it serves: the CPU answers from that request") {
  for (const bool is_lost : {true, false}) {
    const WithGpu world(
        [is_lost](FakeGpu& gpu) { (is_lost ? gpu.lost_after : gpu.full_after) = 1; });
    SlimmableNetwork& network = *world.network;
    const ImageSet images = striped_images(3, 5);
    network.prepare({.device = "gpu"}, 3);
    const Answer expected = ask(network, 2, images);
    DOCTEST_CHECK_FALSE(network.obstacle("gpu"));
    for (int i = 0; i < 3; ++i) {
      DOCTEST_CHECK(largest_difference(ask(network, 2, images).logits, expected.logits) < 1e-4);
    }
    DOCTEST_CHECK(network.obstacle("gpu") ==
                  (is_lost ? "made up: the device has fallen off the bus" : "its memory is full"));
    DOCTEST_CHECK_FALSE(network.obstacle("cpu"));
    network.prepare({.device = "gpu", .threads = 2}, 3);
    network.set_place({.device = "gpu"});
    ask(network, 0, images);
    DOCTEST_CHECK(world.gpu.asked == 2);  // It was not asked again.
  }
}

DOCTEST_TEST_CASE("a GPU without the memory for the weights or a batch leaves the CPU's copy") {
  for (const auto member : {&FakeGpu::make_runner_fails, &FakeGpu::prepare_fails}) {
    const WithGpu world([member](FakeGpu& gpu) { gpu.*member = true; });
    SlimmableNetwork& network = *world.network;
    network.prepare({.device = "gpu"}, 3);
    DOCTEST_CHECK(network.obstacle("gpu") == "its memory is full");
    DOCTEST_CHECK(ask(network, 1, striped_images(3, 5)).predictions.size() == 3);
    DOCTEST_CHECK(world.gpu.asked == 0);
  }
}

DOCTEST_TEST_CASE("the module for a device that is not there, or cannot use it, is told") {
  const auto gpu = find_device_back_end("gpu");
  if (gpu.back_end != nullptr) {
    DOCTEST_MESSAGE("SKIPPED: there is a GPU");
    return;
  }
  DOCTEST_CAPTURE(gpu.obstacle);
  DOCTEST_CHECK((gpu.obstacle.find("expected a gpu that can be used") != std::string::npos ||
                 gpu.obstacle.find("expected the module 'gpu'") != std::string::npos));
  const auto network =
      make_slimmable_network(tiny_checkpoint(), {.devices = {"gpu"}, .precisions = {kF32}});
  DOCTEST_CHECK(network->obstacle("gpu") == gpu.obstacle);
}

DOCTEST_TEST_CASE("a prediction is the class with the largest logit") {
  const auto network = make_slimmable_network(tiny_checkpoint(), kFloat);
  const Answer answer = ask(*network, 1, striped_images(8, 3));
  for (std::size_t i = 0; i < answer.predictions.size(); ++i) {
    for (std::size_t c = 0; c < 3; ++c) {
      const auto predicted = 3 * i + static_cast<std::size_t>(answer.predictions[i]);
      DOCTEST_CHECK(answer.logits[predicted] >= answer.logits[3 * i + c]);
    }
  }
}

DOCTEST_TEST_CASE("a network offers the levels of its checkpoint and begins with the narrowest") {
  const auto network = make_slimmable_network(tiny_checkpoint(), kFloat);
  DOCTEST_REQUIRE(network->levels().size() == 3);
  DOCTEST_CHECK(network->levels()[1].name == "0.50");
  DOCTEST_CHECK(network->levels()[1].accuracy_top1 == 0.625);
  DOCTEST_CHECK(network->image_size() == 144);
  DOCTEST_CHECK_THROWS_AS(network->set_level(3), std::out_of_range);

  const ImageSet images = striped_images(2, 1);
  std::vector<int> predictions(2);
  network->infer(images.pixels, predictions);
  const std::vector<float> first(network->logits().begin(), network->logits().end());
  DOCTEST_CHECK(first == ask(*network, 0, images).logits);
}

DOCTEST_TEST_CASE("top-1 counts every image once, in a last batch that is not full too") {
  const auto network = make_slimmable_network(tiny_checkpoint(), kFloat);
  ImageSet images = striped_images(250, 9);
  std::vector<int> predictions(images.count());
  network->infer(images.pixels, predictions);
  std::ranges::transform(predictions, images.labels.begin(),
                         [](int prediction) { return static_cast<std::uint8_t>(prediction); });
  DOCTEST_CHECK(measure_top1(*network, images, 250) == 1.0);
  images.labels[249] = static_cast<std::uint8_t>((images.labels[249] + 1) % 3);
  DOCTEST_CHECK(measure_top1(*network, images, 250) == doctest::Approx(249.0 / 250.0));
}

DOCTEST_TEST_CASE("a request of a size that was prepared allocates nothing of ours, at any level") {
  const auto network = make_slimmable_network(tiny_checkpoint(), kFloat);
  const ImageSet images = striped_images(6, 2);
  std::vector<int> predictions(6);
  network->prepare({.threads = 1}, 6);
  const auto requests = [&](std::size_t count) {
    return allocations_of([&] {
      for (std::size_t i = 0; i < count; ++i) {
        network->set_level(i % 3);
        network->infer(images.pixels, predictions);
      }
    });
  };
  requests(3);
  const AllocationsByObject one = requests(3);
  const AllocationsByObject thousand = requests(3000);
  DOCTEST_MESSAGE("allocations of the library in a request: " << double(thousand.others) / 3000.0);
  DOCTEST_CHECK(one.ours == 0);
  DOCTEST_CHECK(thousand.ours == 0);
  DOCTEST_CHECK(thousand.others == 1000 * one.others);  // They do not grow.
}

/// Widths with accuracies at each precision that was measured.
SlimmableCheckpoint with_accuracies(const std::vector<std::map<Precision, double>>& accuracies) {
  SlimmableCheckpoint checkpoint = tiny_checkpoint();
  for (std::size_t i = 0; i < accuracies.size(); ++i) {
    checkpoint.widths[i].accuracy_top1 = accuracies[i];
    checkpoint.widths[i].ranges = {1.0F, 1.0F, 1.0F};
  }
  return checkpoint;
}

std::vector<std::string> names_of(const std::vector<LevelChoice>& choices) {
  std::vector<std::string> names;
  for (const auto& choice : choices) {
    names.push_back(choice.level.name);
  }
  return names;
}

using Names = std::vector<std::string>;

DOCTEST_TEST_CASE(
    "a level that costs more and is no more accurate, within the error, is left out") {
  // Of 10,000 images at 90 % the standard error is 0.003. Half the channels are about a quarter of
  // the work, so bf16 at full width costs more than f32 at half.
  const auto checkpoint = with_accuracies({{{kF32, 0.900}, {kBf16, 0.899}, {kInt8, 0.870}},
                                           {{kF32, 0.920}, {kBf16, 0.921}, {kInt8, 0.919}},
                                           {{kF32, 0.940}, {kBf16, 0.938}, {kInt8, 0.921}}});
  const std::vector<BackEnd::Speed> all = {{kF32, 1.0}, {kBf16, 0.5}, {kInt8, 0.3}};
  DOCTEST_CHECK(names_of(choose_levels(checkpoint, {all[0]})) == Names{"0.25", "0.50", "1.00"});
  DOCTEST_CHECK(names_of(choose_levels(checkpoint, {all[0], all[1]})) ==
                Names{"0.25", "0.50", "1.00"});
  DOCTEST_CHECK(choose_levels(checkpoint, {all[0], all[1]})[1].precision == kBf16);
  DOCTEST_CHECK(names_of(choose_levels(checkpoint, all)) ==
                Names{"0.25-int8", "0.25-bf16", "0.50-int8", "1.00-bf16"});
}

DOCTEST_TEST_CASE(
    "levels of several precisions have ascending widths: those of as much work in f32") {
  const auto checkpoint = with_accuracies({{{kF32, 0.90}, {kInt8, 0.85}},
                                           {{kF32, 0.92}, {kInt8, 0.90}},
                                           {{kF32, 0.94}, {kInt8, 0.93}}});
  const auto choices = choose_levels(checkpoint, {{kF32, 1.0}, {kInt8, 0.3}});
  for (std::size_t i = 1; i < choices.size(); ++i) {
    DOCTEST_CHECK(choices[i].level.width > choices[i - 1].level.width);
    DOCTEST_CHECK(choices[i].level.accuracy_top1 > choices[i - 1].level.accuracy_top1);
  }
  DOCTEST_CHECK(choices.back().level.width == 1.0);
}

DOCTEST_TEST_CASE("when full width costs less in bf16 than half does in f32, f32 is left out") {
  const auto checkpoint = with_accuracies({{{kF32, 0.90}, {kBf16, 0.90}},
                                           {{kF32, 0.92}, {kBf16, 0.92}},
                                           {{kF32, 0.94}, {kBf16, 0.94}}});
  const auto choices = choose_levels(checkpoint, {{kF32, 1.0}, {kBf16, 0.21}});
  DOCTEST_REQUIRE(choices.size() == 3);
  for (const auto& choice : choices) {
    DOCTEST_CHECK(choice.precision == kBf16);
  }
}

DOCTEST_TEST_CASE("a precision that the checkpoint has no accuracy for makes no level") {
  const auto checkpoint = tiny_checkpoint();
  DOCTEST_CHECK(names_of(choose_levels(checkpoint, {{kF32, 1.0}, {kInt8, 0.3}})) ==
                Names{"0.25", "0.50", "1.00"});
  DOCTEST_CHECK(choose_levels(checkpoint, {{kInt8, 0.3}}).empty());
}

}  // namespace
}  // namespace rein
