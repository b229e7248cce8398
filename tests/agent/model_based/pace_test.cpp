// How many more requests come just now than in the mean.
#include "agent/model_based/pace.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "common/random.hpp"

namespace rein {
namespace {

DOCTEST_TEST_CASE("regular arrivals come at their rate") {
  Pace pace;
  DOCTEST_CHECK(pace.factor() == 1.0);
  for (int i = 0; i < 600; ++i) {
    pace.note(i % 3 == 0 ? 1.0 : 0.0, 1.0 / 3.0, 0.1);
  }
  DOCTEST_CHECK(pace.factor() == 1.0);
}

DOCTEST_TEST_CASE("Poisson arrivals differ by chance, and tell nothing of what comes next") {
  int off = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Random random(seed);
    Pace pace;
    for (int i = 0; i < 400; ++i) {
      // Three a period in the mean.
      double arrived = 0.0;
      for (double time = -std::log(1.0 - random.uniform()); time < 3.0;
           time -= std::log(1.0 - random.uniform())) {
        arrived += 1.0;
      }
      pace.note(arrived, 3.0, 0.1);
    }
    off += std::abs(pace.factor() - 1.0) > 0.15 ? 1 : 0;
  }
  DOCTEST_CHECK(off <= 1);
}

DOCTEST_TEST_CASE("in a burst more come, and between bursts fewer") {
  Pace pace;
  // 3 s with one request a period, 1 s with nine; three in the mean.
  const auto play = [&](int periods, double arrived) {
    for (int i = 0; i < periods; ++i) {
      pace.note(arrived, 3.0, 0.1);
    }
  };
  for (int i = 0; i < 10; ++i) {
    play(30, 1.0);
    play(10, 9.0);
  }
  // Of what comes after a second of a burst 63 % are of it: 1 / 3 + 0.63 (3 - 1 / 3) = 2.
  DOCTEST_CHECK(pace.factor() == doctest::Approx(2.0).epsilon(0.1));
  play(30, 1.0);
  DOCTEST_CHECK(pace.factor() == doctest::Approx(0.45).epsilon(0.15));
  play(300, 0.0);
  DOCTEST_CHECK(pace.factor() > 0.0);
}

}  // namespace
}  // namespace rein
