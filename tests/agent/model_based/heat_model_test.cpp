#include "agent/model_based/heat_model.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <optional>
#include <vector>

namespace rein {
namespace {

/// A zone of two stages: 2 K a watt within 2 s, 3 K a watt within 32 s, in air of 30 degC.
struct Board {
  double pass(double power_w, double seconds) {
    fast_k += -std::expm1(-seconds / 2.0) * (2.0 * power_w - fast_k);
    slow_k += -std::expm1(-seconds / 32.0) * (3.0 * power_w - slow_k);
    return 30.0 + fast_k + slow_k;
  }
  double fast_k = 0.0;
  double slow_k = 0.0;
};

constexpr std::size_t kLast = HeatModel::kHorizons - 1;

DOCTEST_TEST_CASE(
    "how hot a board gets with another power is foreseen after it was seen with some") {
  HeatModel heat(1);
  Board board;
  DOCTEST_CHECK_FALSE(heat.knows());
  const auto live = [&](double power_w, int periods) {
    for (int i = 0; i < periods; ++i) {
      heat.observe({board.pass(power_w, 0.1)}, {power_w, 0.5}, 0.1);
    }
  };
  for (const double power_w : {3.0, 6.0, 2.0, 5.0, 4.0}) {
    live(power_w, 120);
  }
  for (const double power_w : {2.0, 4.0, 7.0}) {
    DOCTEST_CAPTURE(power_w);
    Board later = board;
    const double expected_c = later.pass(power_w, HeatModel::kHorizonsS[kLast]);
    const Estimate hottest = heat.hottest({power_w, 0.5}, kLast);
    DOCTEST_CHECK(std::abs(hottest.mean - expected_c) < 3.0);
    DOCTEST_CHECK(hottest.variance >= 0.0);
  }
}

DOCTEST_TEST_CASE("more power never cools, whatever was measured") {
  HeatModel heat(2);
  for (int i = 0; i < 200; ++i) {  // It cools while it draws more: somebody opened a window.
    const double power_w = 1.0 + 0.02 * i;
    heat.observe({60.0 - 0.1 * i, std::nullopt}, {power_w, 0.5}, 0.1);
  }
  for (std::size_t horizon = 0; horizon < HeatModel::kHorizons; ++horizon) {
    DOCTEST_CHECK(heat.hottest({8.0, 0.5}, horizon).mean >= heat.hottest({1.0, 0.5}, horizon).mean);
  }
}

DOCTEST_TEST_CASE("of zones the hottest counts, and one without a reading does not") {
  HeatModel heat(3);
  for (int i = 0; i < 50; ++i) {
    heat.observe({50.0, 70.0, std::nullopt}, {4.0, 0.5}, 0.1);
  }
  DOCTEST_CHECK(std::abs(heat.hottest({4.0, 0.5}, 0).mean - 70.0) < 1.0);
}

DOCTEST_TEST_CASE("where nothing is measured nothing is foreseen, and no power is none") {
  HeatModel none(1);
  none.observe({std::nullopt}, {3.0, 0.5}, 0.1);
  DOCTEST_CHECK_FALSE(none.knows());
  HeatModel unpowered(1);
  for (int i = 0; i < 20; ++i) {
    unpowered.observe({40.0}, {0.0, 0.0}, 0.1);
  }
  DOCTEST_CHECK(std::isfinite(unpowered.hottest({0.0, 0.0}, kLast).mean));
  DOCTEST_CHECK(std::isfinite(unpowered.hottest({5.0, 1.0}, kLast).variance));
}

}  // namespace
}  // namespace rein
