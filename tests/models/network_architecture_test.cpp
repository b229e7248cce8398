#include "models/network_architecture.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "models/network_fixtures.hpp"

namespace rein {
namespace {

SlimmableCheckpoint network_of(const NetworkArchitecture& architecture, std::size_t side) {
  SlimmableCheckpoint network = tiny_checkpoint();
  network.class_names.resize(10);
  network.height = side;
  network.width = side;
  network.layers = architecture.layers;
  return network;
}

DOCTEST_TEST_CASE("every architecture is one that a checkpoint can hold") {
  for (const NetworkArchitecture& architecture : network_architectures()) {
    DOCTEST_CHECK(&find_network_architecture(architecture.name) == &architecture);
    DOCTEST_CHECK(architecture.widths.back() == 1.0);
    DOCTEST_CHECK(!architecture.layers.front().depthwise);
    for (std::size_t i = 1; i < architecture.layers.size(); ++i) {
      const ConvLayer& layer = architecture.layers[i];
      DOCTEST_CHECK((layer.kernel == 1 || layer.kernel == 3));
      DOCTEST_CHECK((!layer.depthwise || layer.channels == architecture.layers[i - 1].channels));
    }
  }
}

DOCTEST_TEST_CASE("the mobile network has 1 to 4 MB of weights and 20 million multiply-adds") {
  const SlimmableCheckpoint network = network_of(find_network_architecture("mobile"), 56);
  DOCTEST_CHECK(multiply_adds(network, 1.0) == doctest::Approx(20e6).epsilon(0.05));
  DOCTEST_CHECK(multiply_adds(network, 0.125) < 1e6);
  std::size_t bytes = 0;
  for (const auto& [name, shape] : tensor_shapes(network)) {
    if (name.starts_with("conv")) {
      bytes += sizeof(float) * shape[0] * shape[1] * shape[2] * shape[3];
    }
  }
  DOCTEST_CHECK(bytes > 1'000'000);
  DOCTEST_CHECK(bytes < 4'000'000);
}

DOCTEST_TEST_CASE("a width alone has its channels, and groups between widths add up to all") {
  for (const NetworkArchitecture& architecture : network_architectures()) {
    for (std::size_t layer = 0; layer < architecture.layers.size(); ++layer) {
      const std::size_t channels = architecture.layers[layer].channels;
      double narrower = 0.0;
      std::size_t sum = 0;
      for (const double width : architecture.widths) {
        const NetworkArchitecture one = alone(architecture, width);
        DOCTEST_CHECK(one.widths == std::vector<double>{1.0});
        DOCTEST_CHECK(one.layers[layer].channels == channels_at(channels, width));
        DOCTEST_CHECK(one.layers[layer].depthwise == architecture.layers[layer].depthwise);
        sum += group_between(architecture, narrower, width).layers[layer].channels;
        DOCTEST_CHECK(sum == one.layers[layer].channels);
        narrower = width;
      }
      DOCTEST_CHECK(sum == channels);
    }
  }
}

DOCTEST_TEST_CASE("an architecture that does not exist is answered with those that do") {
  DOCTEST_CHECK(complaint([] { find_network_architecture("large"); }) ==
                "architecture: expected one of small, mobile, found 'large'");
}

}  // namespace
}  // namespace rein
