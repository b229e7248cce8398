#include "env/network_worker.hpp"

#include <doctest/doctest.h>

#include "common/error.hpp"
#include "support/fake_machine.hpp"

namespace rein {
namespace {

DOCTEST_TEST_CASE("a network worker counts what it classified rightly, over and over") {
  FakeMachine machine;
  FakeNetwork network(machine);
  const ImageSet images = fake_images(8);  // The first and the fifth are mislabelled.
  NetworkWorker worker(network, images, 4);
  worker.set_level(3);
  for (int round = 0; round < 3; ++round) {
    DOCTEST_CHECK(worker.serve(4, Duration::max()) == 3);
    DOCTEST_CHECK(worker.serve(1, Duration::max()) == 0);
    DOCTEST_CHECK(worker.serve(3, Duration::max()) == 3);
  }
}

DOCTEST_TEST_CASE(
    "before an episode every kind of place is prepared once, and serves one widest request") {
  FakeMachine machine;
  FakeNetwork network(machine);
  const ImageSet images = fake_images();
  NetworkWorker worker(network, images, 4);
  worker.prepare(1, {{.name = "cpu0", .cpus = {0}},
                     {.name = "cpu1", .cpus = {1}},
                     {.name = "all2", .cpus = {0, 1}, .threads = 2}});
  DOCTEST_REQUIRE(network.prepared.size() == 2);
  DOCTEST_CHECK(network.prepared[0] == std::pair(ComputePlace{.threads = 1}, std::size_t{4}));
  DOCTEST_CHECK(network.prepared[1] == std::pair(ComputePlace{.threads = 2}, std::size_t{4}));
  DOCTEST_CHECK(machine.clock.now().time_since_epoch() == 2 * from_milliseconds(8.0));
  DOCTEST_CHECK(machine.threads == 2);
  DOCTEST_CHECK(machine.width == 1.0);
}

DOCTEST_TEST_CASE(
    "a place on the GPU is prepared beside those on the CPU, and its loss is passed on") {
  FakeMachine machine;
  FakeNetwork network(machine);
  const ImageSet images = fake_images();
  NetworkWorker worker(network, images, 4);
  worker.prepare(1, {{.name = "gpu", .device = "gpu", .cpus = {0}}, {.name = "cpu0", .cpus = {0}}});
  DOCTEST_REQUIRE(network.prepared.size() == 2);
  DOCTEST_CHECK(network.prepared[0].first == ComputePlace{.threads = 1});
  DOCTEST_CHECK(network.prepared[1].first == ComputePlace{.device = "gpu", .threads = 1});
  DOCTEST_CHECK_FALSE(worker.obstacle("gpu"));
  network.gpu_obstacle = "gone";
  DOCTEST_CHECK(worker.obstacle("gpu") == "gone");
}

DOCTEST_TEST_CASE("too few images for a batch and images of another size are refused") {
  FakeMachine machine;
  FakeNetwork network(machine);
  const ImageSet few = fake_images(3);
  DOCTEST_CHECK_THROWS_WITH_AS(NetworkWorker(network, few, 4),
                               "requests: expected at least 4 images for a batch, found 3", Error);
  ImageSet other = fake_images();
  other.width = 3;
  DOCTEST_CHECK_THROWS_WITH_AS(NetworkWorker(network, other, 4),
                               "images: expected 4 pixels as the network takes, found 6", Error);
}

}  // namespace
}  // namespace rein
