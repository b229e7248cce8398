#include "common/pattern.hpp"

#include <doctest/doctest.h>

#include <string>

namespace rein {

DOCTEST_TEST_CASE("a pattern without wildcards is the text itself") {
  DOCTEST_CHECK(matches("cpu-thermal", "cpu-thermal"));
  DOCTEST_CHECK_FALSE(matches("cpu-thermal", "cpu-thermal0"));
  DOCTEST_CHECK_FALSE(matches("cpu-thermal", "cpu-therma"));
  DOCTEST_CHECK(matches("", ""));
  DOCTEST_CHECK_FALSE(matches("", "x"));
}

DOCTEST_TEST_CASE("a star is any text, and a question mark one character") {
  DOCTEST_CHECK(matches("*", ""));
  DOCTEST_CHECK(matches("cpu*", "cpu"));
  DOCTEST_CHECK(matches("*-thermal", "cpu-0-1-thermal"));
  DOCTEST_CHECK(matches("c*u*l", "cpu-1-thermal"));
  DOCTEST_CHECK_FALSE(matches("c*u*x", "cpu-1-thermal"));
  DOCTEST_CHECK(matches("*ab", "aab"));
  DOCTEST_CHECK(matches("cv?-thermal", "cv0-thermal"));
  DOCTEST_CHECK_FALSE(matches("cv?-thermal", "cv-thermal"));
  DOCTEST_CHECK(matches("a**", "a"));
}

DOCTEST_TEST_CASE("a pattern of many stars is soon decided") {
  std::string pattern;
  for (int i = 0; i < 50; ++i) {
    pattern += "*a";
  }
  DOCTEST_CHECK_FALSE(matches(pattern + "b", std::string(5000, 'a')));
}

}  // namespace rein
