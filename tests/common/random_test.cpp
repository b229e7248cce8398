#include "common/random.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "common/error.hpp"

namespace rein {
namespace {

DOCTEST_TEST_CASE("the same seed gives the same numbers, and they are these on every machine") {
  // The 10000th number of std::mt19937_64 with seed 5489 is fixed by the C++ standard.
  Random random(5489);
  double last = 0.0;
  for (int i = 0; i < 10000; ++i) {
    last = random.uniform();
  }
  DOCTEST_CHECK(last == static_cast<double>(9981545732273789042ULL >> 11) * 0x1.0p-53);
}

DOCTEST_TEST_CASE("a generator that is saved and loaded goes on as if nothing had happened") {
  Random random(7);
  random.uniform();
  Random resumed(0);
  resumed.load(random.save());
  for (int i = 0; i < 1000; ++i) {
    DOCTEST_REQUIRE(random.uniform() == resumed.uniform());
  }
}

DOCTEST_TEST_CASE("a broken state is refused and the generator left as it was") {
  Random random(7);
  Random same(7);
  DOCTEST_CHECK_THROWS_AS(random.load("1 2 three"), Error);
  DOCTEST_CHECK(random.uniform() == same.uniform());
}

DOCTEST_TEST_CASE("indices are spread evenly over their range") {
  Random random(3);
  std::vector<int> counts(6, 0);
  for (int i = 0; i < 60000; ++i) {
    ++counts.at(random.index(6));
  }
  for (const int count : counts) {
    DOCTEST_CHECK(count == doctest::Approx(10000).epsilon(0.05));
  }
}

DOCTEST_TEST_CASE("exponential numbers have the mean that was asked for and are not negative") {
  Random random(11);
  double sum = 0.0;
  for (int i = 0; i < 100000; ++i) {
    const double value = random.exponential(2.5);
    DOCTEST_REQUIRE(value >= 0.0);
    sum += value;
  }
  DOCTEST_CHECK(sum / 100000 == doctest::Approx(2.5).epsilon(0.02));
}

}  // namespace
}  // namespace rein
