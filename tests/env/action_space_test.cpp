#include "env/action_space.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <stdexcept>

#include "common/error.hpp"

namespace rein {
namespace {

Knob knob(const std::string& name, std::size_t levels, Knob::Kind kind) {
  Knob result{name, "1", kind, {}};
  for (std::size_t i = 0; i < levels; ++i) {
    result.levels.push_back({name + std::to_string(i), 0.5 * static_cast<double>(i)});
  }
  return result;
}

ActionSpace space() {
  return ActionSpace({knob("a", 2, Knob::Kind::kWidth), knob("b", 3, Knob::Kind::kMapping),
                      knob("c", 6, Knob::Kind::kFrequency)});
}

DOCTEST_TEST_CASE("an action is a number in mixed base, the last knob fastest") {
  DOCTEST_CHECK(space().size() == 36);
  DOCTEST_CHECK(space().encode({1, 1, 1}) == 25);
  DOCTEST_CHECK(space().describe({1, 1, 1}) == "a a1, b b1, c c1");
}

DOCTEST_TEST_CASE("a number of actions that no integer holds wrapped around to a small one") {
  std::vector<Knob> knobs;
  for (int i = 0; i < 8; ++i) {
    knobs.push_back(knob(std::string("k").append(std::to_string(i)), 256, Knob::Kind::kFrequency));
  }
  DOCTEST_CHECK(ActionSpace(knobs).size() == std::numeric_limits<std::size_t>::max());
}

DOCTEST_TEST_CASE("decoding and encoding undo each other for every action") {
  const ActionSpace actions = space();
  for (ActionId action = 0; action < actions.size(); ++action) {
    DOCTEST_CHECK(actions.encode(actions.decode(action)) == action);
  }
}

DOCTEST_TEST_CASE("what does not fit is out of range") {
  DOCTEST_CHECK_THROWS_AS(space().decode(36), std::out_of_range);
  DOCTEST_CHECK_THROWS_AS(space().encode({1, 1}), std::out_of_range);
  DOCTEST_CHECK_THROWS_AS(space().encode({2, 1, 1}), std::out_of_range);
}

DOCTEST_TEST_CASE("a level is found by its label, or by its value where levels are ordered") {
  const auto actions = space();
  DOCTEST_CHECK(actions.knobs()[0].find("a1") == 1);
  DOCTEST_CHECK(actions.knobs()[0].find("0.50") == 1);
  DOCTEST_CHECK_THROWS_WITH_AS(actions.knobs()[1].find("0.5"),
                               "b: expected one of b0, b1, b2, found '0.5'", Error);
}

}  // namespace
}  // namespace rein
