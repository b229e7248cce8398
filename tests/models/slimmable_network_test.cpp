// Networks with random weights: what a level answers must not depend on how its weights are kept,
// nor on which levels ran before.
#include "models/slimmable_network.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "models/network_accuracy.hpp"
#include "models/network_fixtures.hpp"

namespace rein {
namespace {

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

DOCTEST_TEST_CASE("packed weights answer as sliced ones do at every level, in either layout") {
  const SlimmableCheckpoint checkpoint = tiny_checkpoint();
  const auto reference = make_sliced_network(checkpoint);
  for (const WeightLayout layout : {WeightLayout::kOneDnn, WeightLayout::kPlain}) {
    const auto packed = make_packed_network(checkpoint, layout);
    for (const std::size_t batch : {1, 5, 16}) {
      const ImageSet images = striped_images(batch, 3);
      for (std::size_t level = 0; level < checkpoint.levels.size(); ++level) {
        const Answer expected = ask(*reference, level, images);
        DOCTEST_CHECK(expected.logits.size() == batch * checkpoint.class_names.size());
        DOCTEST_CHECK(largest_difference(ask(*packed, level, images).logits, expected.logits) <
                      1e-4);
      }
    }
  }
}

DOCTEST_TEST_CASE("the levels answer differently, so that comparing them means something") {
  const auto network = make_packed_network(tiny_checkpoint());
  const ImageSet images = striped_images(8, 3);
  const Answer narrow = ask(*network, 0, images);
  const Answer wide = ask(*network, 2, images);
  DOCTEST_CHECK(largest_difference(narrow.logits, wide.logits) > 1e-2);
}

DOCTEST_TEST_CASE("a network that changes its level answers as fresh networks at that level do") {
  const SlimmableCheckpoint checkpoint = tiny_checkpoint();
  const auto network = make_packed_network(checkpoint);
  const ImageSet images = striped_images(4, 11);
  for (const std::size_t level : {2, 0, 1, 0, 2, 2, 1}) {
    const auto fresh = make_packed_network(checkpoint);
    DOCTEST_CHECK(ask(*network, level, images).logits == ask(*fresh, level, images).logits);
  }
}

DOCTEST_TEST_CASE("the number of threads changes nothing in the answers") {
  const auto network = make_packed_network(tiny_checkpoint());
  const ImageSet images = striped_images(16, 5);
  const Answer expected = ask(*network, 2, images);
  for (const int threads : {2, 1, 2}) {
    network->set_threads(threads);
    DOCTEST_CHECK(largest_difference(ask(*network, 2, images).logits, expected.logits) < 1e-4);
  }
}

DOCTEST_TEST_CASE("a prediction is the class with the largest logit") {
  const auto network = make_packed_network(tiny_checkpoint());
  const Answer answer = ask(*network, 1, striped_images(8, 3));
  for (std::size_t i = 0; i < answer.predictions.size(); ++i) {
    for (std::size_t c = 0; c < 3; ++c) {
      const auto predicted = 3 * i + static_cast<std::size_t>(answer.predictions[i]);
      DOCTEST_CHECK(answer.logits[predicted] >= answer.logits[3 * i + c]);
    }
  }
}

DOCTEST_TEST_CASE("a network offers the levels of its checkpoint and begins with the narrowest") {
  const auto network = make_packed_network(tiny_checkpoint());
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
  const auto network = make_packed_network(tiny_checkpoint());
  ImageSet images = striped_images(250, 9);
  std::vector<int> predictions(images.count());
  network->infer(images.pixels, predictions);
  std::ranges::transform(predictions, images.labels.begin(),
                         [](int prediction) { return static_cast<std::uint8_t>(prediction); });
  DOCTEST_CHECK(measure_top1(*network, images, 250) == 1.0);
  images.labels[249] = static_cast<std::uint8_t>((images.labels[249] + 1) % 3);
  DOCTEST_CHECK(measure_top1(*network, images, 250) == doctest::Approx(249.0 / 250.0));
}

}  // namespace
}  // namespace rein
