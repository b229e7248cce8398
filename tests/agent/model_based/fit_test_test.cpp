// Whether what was known beforehand fits, told by when it surprises.
#include "agent/model_based/fit_test.hpp"

#include <doctest/doctest.h>

#include <cstdint>

#include "common/random.hpp"

namespace rein {
namespace {

/// How often it says no in 2000 periods of which one in ten is of a new action.
int alarms(std::uint64_t seed, double of_new, double of_others) {
  Random random(seed);
  FitTest test;
  int count = 0;
  for (int i = 0; i < 2000; ++i) {
    const bool is_new = i % 10 == 0;
    count += test.note(is_new, random.uniform() < (is_new ? of_new : of_others)) ? 1 : 0;
  }
  return count;
}

DOCTEST_TEST_CASE("conditions that change whatever the action do not contradict what is known") {
  int count = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    count += alarms(seed, 0.02, 0.02);  // Seldom, ...
    count += alarms(seed, 0.1, 0.1);    // ... often ...
    count += alarms(seed, 0.5, 0.5);    // ... and all the time.
  }
  DOCTEST_CHECK(count <= 3);
}

DOCTEST_TEST_CASE("surprises with every other new action do") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    DOCTEST_CHECK(alarms(seed, 0.5, 0.02) > 3);
  }
  FitTest test;
  for (int i = 0; i < 100; ++i) {
    DOCTEST_REQUIRE_FALSE(test.note(false, false));
  }
  // log((0.3 + 0.7 / 120) * 120) = 3.6 each: the second is enough.
  DOCTEST_CHECK_FALSE(test.note(true, true));
  DOCTEST_CHECK(test.note(true, true));
  DOCTEST_CHECK_FALSE(test.note(true, true));  // It began anew.
}

}  // namespace
}  // namespace rein
