#include "common/time_text.hpp"

#include <doctest/doctest.h>

namespace rein {
namespace {

DOCTEST_TEST_CASE("a time is shown in the unit that fits") {
  DOCTEST_CHECK(time_text(0.0) == "0 ns");
  DOCTEST_CHECK(time_text(160e-9) == "160 ns");
  DOCTEST_CHECK(time_text(7.4e-9) == "7 ns");
  DOCTEST_CHECK(time_text(999.4e-9) == "999 ns");
  DOCTEST_CHECK(time_text(999.6e-9) == "1.00 us");
  DOCTEST_CHECK(time_text(1.2e-6) == "1.20 us");
  DOCTEST_CHECK(time_text(9.996e-6) == "10.0 us");
  DOCTEST_CHECK(time_text(99.96e-6) == "100 us");
  DOCTEST_CHECK(time_text(34.52e-3) == "34.5 ms");
  DOCTEST_CHECK(time_text(2.0) == "2.00 s");
  DOCTEST_CHECK(time_text(123456.0) == "123456 s");
}

}  // namespace
}  // namespace rein
