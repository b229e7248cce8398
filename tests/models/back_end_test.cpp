// Every back end that this build has, against plain loops: networks of odd shapes with random
// weights.
#include "models/back_end.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "common/error.hpp"
#include "common/random.hpp"
#include "models/module.hpp"
#include "models/plain_network.hpp"

namespace rein {
namespace {

struct Named {
  std::string name;
  const BackEnd* back_end;
};

/// Those whose modules were built.
std::vector<Named> back_ends() {
  std::vector<Named> found;
  for (const std::string name : {"onednn", "xnnpack", "torch", "gpu"}) {
    try {
      if (const BackEnd* const here = load_engine_module(name).back_end()) {
        found.push_back({name, here});
      }
    } catch (const ConfigError& error) {
      DOCTEST_MESSAGE("SKIPPED: " << name << ": " << std::string(error.what()));
    }
  }
  return found;
}

FoldedConvolution random_layer(Random& random, FoldedConvolution layer) {
  const std::size_t row = (layer.depthwise ? 1 : layer.inputs) * layer.kernel * layer.kernel;
  for (std::size_t i = 0; i < layer.outputs * row; ++i) {
    layer.weights.push_back(static_cast<float>((random.uniform() - 0.4) / std::sqrt(double(row))));
  }
  for (std::size_t i = 0; i < layer.outputs; ++i) {
    layer.bias.push_back(static_cast<float>(random.uniform() - 0.5));
  }
  return layer;
}

/// Of the images: @param channels, @param side.
FoldedNetwork random_network(Random& random, std::size_t channels, std::size_t side,
                             const std::vector<FoldedConvolution>& layers) {
  FoldedNetwork network{.channels = channels, .height = side, .width = side + 1};
  for (const auto& layer : layers) {
    network.convolutions.push_back(random_layer(random, layer));
  }
  auto& first = network.convolutions.front();
  for (float& weight : first.weights) {
    weight /= 255.0F;
  }
  constexpr std::size_t kClasses = 7;
  for (std::size_t i = 0; i < kClasses * layers.back().outputs; ++i) {
    network.classifier_weights.push_back(static_cast<float>(random.uniform() - 0.5));
  }
  for (std::size_t i = 0; i < kClasses; ++i) {
    network.classifier_bias.push_back(static_cast<float>(random.uniform() - 0.5));
  }
  return network;
}

std::vector<std::uint8_t> random_images(Random& random, const FoldedNetwork& network,
                                        std::size_t count) {
  std::vector<std::uint8_t> images(count * network.image_size());
  for (auto& pixel : images) {
    pixel = static_cast<std::uint8_t>(random.index(256));
  }
  return images;
}

/// Chains and, as MobileNet has them, depthwise layers; channels that fill no vector among them.
std::vector<FoldedNetwork> networks() {
  Random random(5);
  std::vector<FoldedNetwork> all;
  all.push_back(random_network(
      random, 1, 12, {{.inputs = 1, .outputs = 2}, {.inputs = 2, .outputs = 5, .stride = 2}}));
  all.push_back(random_network(random, 1, 28,
                               {{.inputs = 1, .outputs = 32},
                                {.inputs = 32, .outputs = 64, .stride = 2},
                                {.inputs = 64, .outputs = 33}}));
  all.push_back(random_network(random, 3, 9,
                               {{.inputs = 3, .outputs = 17, .stride = 2},
                                {.inputs = 17, .outputs = 17, .depthwise = true},
                                {.inputs = 17, .outputs = 40, .kernel = 1},
                                {.inputs = 40, .outputs = 40, .stride = 2, .depthwise = true},
                                {.inputs = 40, .outputs = 6, .kernel = 1}}));
  all.push_back(random_network(random, 4, 8, {{.inputs = 4, .outputs = 16, .kernel = 1}}));
  return all;
}

double largest(const std::vector<double>& values) {
  double most = 0.0;
  for (const double value : values) {
    most = std::max(most, std::abs(value));
  }
  return most;
}

/// The largest difference of a batch's logits from those of plain loops.
double difference(Runner& runner, std::size_t level, const FoldedNetwork& network,
                  std::span<const std::uint8_t> images) {
  const std::size_t batch = images.size() / network.image_size();
  std::vector<float> logits(batch * network.classes());
  runner.run(level, images, logits);
  double most = 0.0;
  for (std::size_t i = 0; i < batch; ++i) {
    const auto expected =
        plain_logits(network, images.subspan(i * network.image_size(), network.image_size()));
    for (std::size_t c = 0; c < expected.size(); ++c) {
      const double found = logits[i * network.classes() + c];
      // Not std::max, which passes over what is not a number.
      const double off = std::abs(found - expected[c]);
      most = off <= most ? most : off;
    }
  }
  return most;
}

DOCTEST_TEST_CASE(
    "every back end answers as plain loops do, for every batch and number of threads") {
  Random random(11);
  std::vector<BackEnd::Level> levels;
  for (const auto& network : networks()) {
    levels.push_back({network, Precision::kF32});
  }
  for (const Named& each : back_ends()) {
    DOCTEST_CAPTURE(each.name);
    const auto runner = each.back_end->make_runner(levels);
    // Larger and smaller requests alternate, and levels too: buffers move and are used again.
    for (const std::size_t batch : {3, 1, 16, 3}) {
      for (const int threads : {1, 2}) {
        runner->set_threads(threads);
        for (std::size_t level = 0; level < levels.size(); ++level) {
          const FoldedNetwork& network = levels[level].network;
          DOCTEST_CAPTURE(batch);
          DOCTEST_CAPTURE(threads);
          DOCTEST_CAPTURE(level);
          DOCTEST_CHECK(difference(*runner, level, network, random_images(random, network, batch)) <
                        1e-4);
        }
      }
    }
  }
}

/// With the ranges that int8 needs, measured on `images`.
void calibrate(FoldedNetwork& network, std::span<const std::uint8_t> images) {
  for (std::size_t i = 0; i < images.size(); i += network.image_size()) {
    std::size_t layer = 0;
    plain_logits(network, images.subspan(i, network.image_size()),
                 [&](const std::vector<double>& values) {
                   float& range = network.convolutions[layer++].range;
                   range = std::max(range, static_cast<float>(largest(values)));
                 });
  }
}

DOCTEST_TEST_CASE("coarser precisions answer nearly as float does, as their numbers of bits say") {
  Random random(13);
  for (FoldedNetwork network : networks()) {
    const auto images = random_images(random, network, 4);
    calibrate(network, images);
    const double scale =
        largest(plain_logits(network, std::span(images).first(network.image_size())));
    for (const Named& each : back_ends()) {
      for (const auto& speed : each.back_end->speeds()) {
        const Precision precision = speed.precision;
        DOCTEST_CAPTURE(each.name);
        const std::string precision_text = precision_name(precision);
        DOCTEST_CAPTURE(precision_text);
        const auto runner = each.back_end->make_runner({{network, precision}});
        for (const int threads : {1, 2}) {
          DOCTEST_CAPTURE(threads);
          runner->set_threads(threads);
          const double off = difference(*runner, 0, network, images);
          DOCTEST_CHECK(off < (precision == Precision::kF32 ? 1e-4 : 0.05) * scale + 1e-4);
          DOCTEST_CHECK((precision == Precision::kF32 || off > 0.0));
        }
        DOCTEST_CHECK(speed.cost <= 1.0);
      }
    }
  }
}

DOCTEST_TEST_CASE("a back end measures the largest value that each layer puts out") {
  Random random(17);
  for (FoldedNetwork network : networks()) {
    const auto images = random_images(random, network, 5);
    std::vector<float> expected;
    calibrate(network, images);
    for (const auto& layer : network.convolutions) {
      expected.push_back(layer.range);
    }
    for (const Named& each : back_ends()) {
      DOCTEST_CAPTURE(each.name);
      const auto runner = each.back_end->make_runner({{network, Precision::kF32}});
      std::vector<float> ranges(expected.size());
      runner->measure_ranges(0, std::span(images).first(2 * network.image_size()), ranges);
      runner->measure_ranges(0, std::span(images).subspan(2 * network.image_size()), ranges);
      for (std::size_t i = 0; i < ranges.size(); ++i) {
        DOCTEST_CHECK(ranges[i] == doctest::Approx(expected[i]).epsilon(1e-4));
      }
    }
  }
}

DOCTEST_TEST_CASE("int8 bears channels whose weights or outputs are 0, tiny or out of range") {
  Random random(19);
  const FoldedNetwork plain =
      random_network(random, 1, 6, {{.inputs = 1, .outputs = 4}, {.inputs = 4, .outputs = 4}});
  std::vector<FoldedNetwork> all(4, plain);
  constexpr std::size_t kRow = 4 * 3 * 3;  // The first channel's weights in the second layer.
  for (std::size_t i = 0; i < kRow; ++i) {
    all[0].convolutions[1].weights[i] = 0.0F;
    all[1].convolutions[1].weights[i] = 1e-30F;
    all[2].convolutions[1].weights[i] *= 1e5F;
  }
  all[2].convolutions[1].bias[0] = -1e9F;
  for (float& bias : all[3].convolutions[1].bias) {
    bias = -1e3F;  // Its range is 0.
  }
  for (FoldedNetwork& network : all) {
    const auto images = random_images(random, network, 4);
    calibrate(network, images);
    for (const Named& each : back_ends()) {
      for (const BackEnd::Speed& speed : each.back_end->speeds()) {
        DOCTEST_CAPTURE(each.name);
        const std::string precision = precision_name(speed.precision);
        DOCTEST_CAPTURE(precision);
        const auto runner = each.back_end->make_runner({{network, speed.precision}});
        DOCTEST_CHECK(difference(*runner, 0, network, images) < 0.05);
      }
    }
  }
}

}  // namespace
}  // namespace rein
