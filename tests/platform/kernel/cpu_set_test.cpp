#include "platform/kernel/cpu_set.hpp"

#include <doctest/doctest.h>

#include "common/error.hpp"

namespace rein {

DOCTEST_TEST_CASE("the kernel's CPU lists are read and written") {
  DOCTEST_CHECK(parse_cpu_list("0-2,4") == CpuList{0, 1, 2, 4});
  DOCTEST_CHECK(parse_cpu_list(" 3\n") == CpuList{3});
  DOCTEST_CHECK(parse_cpu_list("4,0-1,1") == CpuList{0, 1, 4});
  DOCTEST_CHECK(parse_cpu_list("\n").empty());
  DOCTEST_CHECK(format_cpu_list({0, 1, 2, 4, 6, 7}) == "0-2,4,6-7");
  DOCTEST_CHECK(format_cpu_list({}).empty());
}

DOCTEST_TEST_CASE("what is no CPU list is refused with the text") {
  for (const char* text :
       {"a", "1-", "-1", "2-1", "1,,2", "1,", ",1", "0x1", "1 2", "0-99999999", "99999999999"}) {
    DOCTEST_CAPTURE(text);
    DOCTEST_CHECK_THROWS_WITH_AS(
        parse_cpu_list(text),
        (std::string("CPU list: expected CPU numbers as in '0-2,4', found '") + text + "'").c_str(),
        Error);
  }
}

}  // namespace rein
