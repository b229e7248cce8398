#include "common/scale.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

namespace rein {
namespace {

DOCTEST_TEST_CASE("a scale brings numbers into its range, and what is none to its neutral value") {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const Scale linear{.one = 150.0, .min = -0.5};
  DOCTEST_CHECK(linear(75.0) == 0.5);
  DOCTEST_CHECK(linear(1e300) == 1.0);
  DOCTEST_CHECK(linear(-1e300) == -0.5);
  const Scale decades{.kind = Scale::Kind::kLog10,
                      .one = 10.0,
                      .divisor = 4.0,
                      .min = -1.0,
                      .max = 0.9,
                      .neutral = 1.0};
  DOCTEST_CHECK(decades(10.0) == 0.0);
  DOCTEST_CHECK(decades(1.0) == -0.25);
  DOCTEST_CHECK(decades(1e300) == 0.9);
  for (const double none : {0.0, -0.0, -1.0, 1e-300}) {
    DOCTEST_CHECK(decades(none) == -1.0);
  }
  const Scale octaves{.kind = Scale::Kind::kLog2, .divisor = 4.0};
  DOCTEST_CHECK(octaves(2.0) == 0.25);
  DOCTEST_CHECK(octaves(0.5) == 0.0);
  for (const double unknown : {kNan, kInfinity, -kInfinity}) {
    DOCTEST_CHECK(decades(unknown) == 1.0);
    DOCTEST_CHECK(linear(unknown) == 0.0);
  }
  DOCTEST_CHECK(decades.least() == -1.0);
  DOCTEST_CHECK(decades.most() == 1.0);
}

DOCTEST_TEST_CASE("a scale's formula has its numbers exactly, and no more than it does") {
  DOCTEST_CHECK(formula({}, "x") == "x");
  DOCTEST_CHECK(formula({.one = 150.0}, "x") == "x / 150");
  DOCTEST_CHECK(formula({.divisor = 2.0}, "x") == "x / 2");
  DOCTEST_CHECK(formula({.kind = Scale::Kind::kLog2, .divisor = 4.0}, "x") == "log2(x) / 4");
  DOCTEST_CHECK(formula({.kind = Scale::Kind::kLog10, .one = 0.1 + 0.2}, "x") ==
                "log10(x / 0.30000000000000004)");
}

}  // namespace
}  // namespace rein
