#include "agent/core/allowed_actions.hpp"

#include <doctest/doctest.h>

#include "support/draws.hpp"

namespace rein {
namespace {

const ActionSpace kFour({{"a", "1", Knob::Kind::kMapping, {{"0"}, {"1"}}},
                         {"b", "1", Knob::Kind::kMapping, {{"0"}, {"1"}}}});

AllowedActions allowed_of(const ActionSpace& actions, const ActionMask* mask) {
  static const Observation nothing;
  static const Task nothing_asked;
  return {View(nothing, nothing_asked, nullptr, mask), actions};
}

DOCTEST_TEST_CASE(
    "what is allowed is counted in its order, and is all where nothing or all is masked") {
  const Forbids some(kFour, {0, 2});
  const AllowedActions odd = allowed_of(kFour, &some);
  DOCTEST_CHECK_FALSE(odd.are_all());
  DOCTEST_REQUIRE(odd.size() == 2);
  DOCTEST_CHECK(odd[0] == 1);
  DOCTEST_CHECK(odd[1] == 3);
  const Forbids none(kFour, {});
  const Forbids all(kFour, {0, 1, 2, 3});
  for (const ActionMask* mask :
       {static_cast<const ActionMask*>(nullptr), static_cast<const ActionMask*>(&none),
        static_cast<const ActionMask*>(&all)}) {
    const AllowedActions every = allowed_of(kFour, mask);
    DOCTEST_CHECK(every.are_all());
    DOCTEST_CHECK(every.size() == 4);
    DOCTEST_CHECK(every[2] == 2);
  }
}

DOCTEST_TEST_CASE("a mask that says that it allows all is not asked about each") {
  struct Lenient : ActionMask {
    bool allows(const Action&) const override {
      ++asked;
      return true;
    }
    bool allows_all() const override { return true; }
    mutable int asked = 0;
  } lenient;
  DOCTEST_CHECK(allowed_of(kFour, &lenient).are_all());
  DOCTEST_CHECK(lenient.asked == 0);
}

DOCTEST_TEST_CASE("more actions than can be looked at are all allowed until one is taken") {
  struct : ActionMask {
    bool allows(const Action& action) const override { return action[0] == 1; }
  } mask;
  DOCTEST_CHECK(allowed_of(uncountable(), &mask).are_all());
}

}  // namespace
}  // namespace rein
