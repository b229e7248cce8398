#include "env/simulated_network.hpp"

#include <doctest/doctest.h>

#include "common/error.hpp"

namespace rein {
namespace {

SimulatedNetwork read(const std::string& text) {
  return SimulatedNetwork::from_yaml(ConfigNode::parse(text, "n"));
}

void check_message(const std::string& text, const std::string& message) {
  DOCTEST_CHECK_THROWS_WITH_AS(read(text), message.c_str(), ConfigError);
}

DOCTEST_TEST_CASE("a network is read with its levels, named by their widths if not otherwise") {
  const SimulatedNetwork network = read(
      "name: net\nkind: cnn\nsource: a paper\nlevels:\n"
      "  - {width: 0.5, top1: 0.6, mflops: 150}\n"
      "  - {name: full, width: 1.0, top1: 0.7, mflops: 569}\n"
      "switch_ms: 2\nsensitivity: {gpu: 0.4}\n");
  DOCTEST_CHECK(network.kind == "cnn");
  DOCTEST_REQUIRE(network.levels.size() == 2);
  DOCTEST_CHECK(network.levels[0].network.name == "0.5");
  DOCTEST_CHECK(network.levels[1].network.name == "full");
  DOCTEST_CHECK(network.levels[1].network.width == 1.0);
  DOCTEST_CHECK(network.levels[1].network.accuracy_top1 == 0.7);
  DOCTEST_CHECK(network.levels[1].mflops == 569.0);
  DOCTEST_CHECK(network.switch_ms == 2.0);
  DOCTEST_CHECK(network.sensitivity.gpu == 0.4);
  DOCTEST_CHECK(network.sensitivity.cpu == 1.0);
}

DOCTEST_TEST_CASE("mistakes in a network are named") {
  const auto levels = [](const std::string& text) {
    return "name: x\nkind: cnn\nlevels:\n- {width: 0.5, top1: 0.5, mflops: 5}\n- {" + text + "}\n";
  };
  check_message("name: x\nkind: cnn\nlevels: []\n",
                "n:3:9: levels: expected at least one level, found a list");
  check_message(levels("width: 0.5, top1: 0.5, mflops: 9"),
                "n:5:11: levels.1.width: expected a width above the 0.5 of the level before, found "
                "'0.5'");
  check_message(levels("width: 1.0, top1: 0.5, mflops: 5"),
                "n:5:35: levels.1.mflops: expected more than the 5 MFLOPs of the level before, "
                "found '5'");
  check_message(levels("width: 1.5, top1: 0.5, mflops: 5"),
                "n:5:11: levels.1.width: expected a number from 0.001 to 1, found '1.5'");
  check_message(levels("width: 1.0, top1: 50, mflops: 9"),
                "n:5:22: levels.1.top1: expected a number from 0 to 1, found '50'");
  check_message(levels("width: 1.0, top1: 0.5, mflops: 0"),
                "n:5:35: levels.1.mflops: expected a number from 1e-06 to 1e+12 MFLOPs, found '0'");
  check_message(levels("width: 1.0, top1: 0.5, gflops: 9"),
                "n:5:3: levels.1.mflops: expected this key, found nothing");
  check_message(levels("width: 1.0, top1: 0.5, mflops: 9, ms: 2"),
                "n:5:38: levels.1.ms: expected one of mflops, name, top1, width, found the unknown "
                "key 'ms'");
}

}  // namespace
}  // namespace rein
