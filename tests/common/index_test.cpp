#include "common/index.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

namespace rein {

DOCTEST_TEST_CASE("a number that is no index becomes the nearest that is one") {
  const double infinity = std::numeric_limits<double>::infinity();
  DOCTEST_CHECK(index_at(2.9, 7) == 2);
  DOCTEST_CHECK(index_at(7.0, 7) == 7);
  DOCTEST_CHECK(index_at(7.5, 7) == 7);
  DOCTEST_CHECK(index_at(1e300, 7) == 7);
  DOCTEST_CHECK(index_at(infinity, 7) == 7);
  DOCTEST_CHECK(index_at(-0.5, 7) == 0);
  DOCTEST_CHECK(index_at(-infinity, 7) == 0);
  DOCTEST_CHECK(index_at(std::nan(""), 7) == 0);
}

}  // namespace rein
