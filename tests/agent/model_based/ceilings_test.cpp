#include "agent/model_based/ceilings.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "common/error.hpp"
#include "support/responsive_machine.hpp"

namespace rein {
namespace {

/// What was granted: the action's levels, but this clock.
std::vector<KnobGrant> with_clock(const ActionSpace& actions, ActionId action, double mhz) {
  std::vector<KnobGrant> granted;
  for (const std::size_t level : actions.decode(action)) {
    granted.push_back({.label = {}, .level = level, .value = std::nullopt});
  }
  granted.back().value = mhz;
  return granted;
}

struct Bench {
  ResponsiveMachine machine;  // 500, 1000 and 2000 MHz
  const ActionSpace& actions = machine.actions;
  ActionId full = machine.id(1, 0, 2);
  ActionId half = machine.id(1, 0, 1);
  ActionId quarter = machine.id(1, 0, 0);
  Ceilings ceilings{machine.actions};
};

DOCTEST_TEST_CASE("a clock between two levels is a mixture of two actions") {
  const Bench bench;
  const Mixture middle =
      in_force(bench.actions, with_clock(bench.actions, bench.full, 1000.0 * std::sqrt(2.0)));
  DOCTEST_CHECK(middle.lower == bench.half);
  DOCTEST_CHECK(middle.upper == bench.full);
  DOCTEST_CHECK(middle.share == doctest::Approx(0.5));
  const Mixture low = in_force(bench.actions, with_clock(bench.actions, bench.full, 600.0));
  DOCTEST_CHECK(low.lower == bench.quarter);
  DOCTEST_CHECK(low.share == doctest::Approx(std::log2(1.2)));
  DOCTEST_CHECK(low.nearest() == bench.quarter);
}

DOCTEST_TEST_CASE("a clock at a level, or next to it, or beyond all of them, is that level") {
  const Bench bench;
  const auto check = [&](double mhz, ActionId action) {
    const Mixture mixture = in_force(bench.actions, with_clock(bench.actions, bench.full, mhz));
    DOCTEST_CHECK(mixture == Mixture{action, action, 0.0});
  };
  check(2000.0, bench.full);
  check(1980.0, bench.full);
  check(2600.0, bench.full);
  check(1010.0, bench.half);
  check(300.0, bench.quarter);
  std::vector<KnobGrant> unknown = with_clock(bench.actions, bench.half, 0.0);
  unknown.back().value.reset();
  DOCTEST_CHECK(in_force(bench.actions, unknown).lower == bench.half);
}

DOCTEST_TEST_CASE("a clock that is held down holds all actions down for some periods") {
  Bench bench;
  DOCTEST_CHECK_FALSE(bench.ceilings.has_any());
  bench.ceilings.note(with_clock(bench.actions, bench.full, 1000.0 * std::sqrt(2.0)), bench.full);
  DOCTEST_CHECK(bench.ceilings.has_any());
  const Mixture held = bench.ceilings.granted(bench.full);
  DOCTEST_CHECK(held.lower == bench.half);
  DOCTEST_CHECK(held.upper == bench.full);
  DOCTEST_CHECK(held.share == doctest::Approx(0.5));
  DOCTEST_CHECK(bench.ceilings.granted(bench.half) == Mixture{bench.half, bench.half, 0.0});
  for (int i = 0; i < 20; ++i) {
    DOCTEST_CHECK(bench.ceilings.has_any());
    bench.ceilings.note(with_clock(bench.actions, bench.half, 1000.0), bench.half);
  }
  DOCTEST_CHECK_FALSE(bench.ceilings.has_any());
}

DOCTEST_TEST_CASE("a ceiling is gone once more is granted, or when all is forgotten") {
  Bench bench;
  bench.ceilings.note(with_clock(bench.actions, bench.full, 1000.0), bench.full);
  bench.ceilings.note(with_clock(bench.actions, bench.full, 2000.0), bench.full);
  DOCTEST_CHECK_FALSE(bench.ceilings.has_any());
  bench.ceilings.note(with_clock(bench.actions, bench.full, 1000.0), bench.full);
  bench.ceilings.forget();
  DOCTEST_CHECK_FALSE(bench.ceilings.has_any());
  auto refused = with_clock(bench.actions, bench.full, 1000.0);
  refused.back().refused = true;
  bench.ceilings.note(refused, bench.full);
  DOCTEST_CHECK_FALSE(bench.ceilings.has_any());
}

}  // namespace
}  // namespace rein
