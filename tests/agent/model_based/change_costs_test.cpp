#include "agent/model_based/change_costs.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "common/error.hpp"
#include "support/archived.hpp"
#include "support/responsive_machine.hpp"

namespace rein {
namespace {

struct Bench {
  ResponsiveMachine machine;
  ActionId from = machine.id(0, 0, 2);
  ActionId wider = machine.id(1, 0, 2);
  ActionId moved = machine.id(0, 1, 2);
  ActionId both = machine.id(1, 1, 2);
  ChangeCosts costs{machine.actions};
};

DOCTEST_TEST_CASE("changes cost nothing before one was seen, and staying never does") {
  Bench bench;
  DOCTEST_CHECK(bench.costs.of(bench.from, bench.wider) == 0.0);
  bench.costs.learn(bench.from, bench.wider, 20.0);
  DOCTEST_CHECK(bench.costs.of(bench.from, bench.from) == 0.0);
}

DOCTEST_TEST_CASE("the costs of changes to all actions are those of each") {
  Bench bench;
  bench.costs.learn(bench.from, bench.wider, 20.0);
  bench.costs.learn(bench.from, bench.moved, 3.0);
  std::vector<double> costs_ms;
  bench.costs.from(bench.both, costs_ms);
  DOCTEST_REQUIRE(costs_ms.size() == bench.machine.actions.size());
  for (ActionId action = 0; action < costs_ms.size(); ++action) {
    DOCTEST_CHECK(costs_ms[action] == bench.costs.of(bench.both, action));
  }
}

DOCTEST_TEST_CASE("a knob costs the mean of what it was seen to cost, whatever the levels") {
  Bench bench;
  bench.costs.learn(bench.from, bench.wider, 20.0);
  DOCTEST_CHECK(bench.costs.of(bench.from, bench.wider) == 20.0);
  DOCTEST_CHECK(bench.costs.of(bench.wider, bench.from) == 20.0);
  bench.costs.learn(bench.wider, bench.from, 10.0);
  DOCTEST_CHECK(bench.costs.of(bench.from, bench.wider) == 15.0);
  DOCTEST_CHECK(bench.costs.of(bench.moved, bench.both) == 15.0);
  DOCTEST_CHECK(bench.costs.of(bench.from, bench.moved) == 0.0);
}

DOCTEST_TEST_CASE("what two knobs cost together is divided by what is known of each") {
  Bench bench;
  bench.costs.learn(bench.from, bench.wider, 20.0);
  bench.costs.learn(bench.from, bench.both, 24.0);
  // 4 ms more than was known: 2 for the width, which counts half of it by now, and 2 for the place.
  DOCTEST_CHECK(bench.costs.of(bench.from, bench.wider) == 21.0);
  DOCTEST_CHECK(bench.costs.of(bench.from, bench.moved) == 2.0);
}

DOCTEST_TEST_CASE("a knob that is no cheaper than staying costs nothing") {
  Bench bench;
  bench.costs.learn(bench.from, bench.wider, -3.0);
  DOCTEST_CHECK(bench.costs.of(bench.from, bench.wider) == 0.0);
}

DOCTEST_TEST_CASE("costs that change are followed") {
  Bench bench;
  for (int i = 0; i < 50; ++i) {
    bench.costs.learn(bench.from, bench.wider, 5.0);
  }
  for (int i = 0; i < 40; ++i) {
    bench.costs.learn(bench.from, bench.wider, 20.0);
  }
  DOCTEST_CHECK(bench.costs.of(bench.from, bench.wider) == doctest::Approx(20.0).epsilon(0.01));
}

DOCTEST_TEST_CASE("costs are read back to the bit, and what does not fit is refused") {
  Bench bench;
  bench.costs.learn(bench.from, bench.both, 1.0 / 3.0);
  ChangeCosts again(bench.machine.actions);
  read_archived(again, archived(bench.costs).dump(), "c.json");
  DOCTEST_CHECK(archived(again) == archived(bench.costs));
  DOCTEST_CHECK_THROWS_WITH_AS(read_archived(again, "{knobs: []}", "c.json"),
                               "c.json:1:9: knobs: expected 3 entries, found 0", ConfigError);
}

}  // namespace
}  // namespace rein
