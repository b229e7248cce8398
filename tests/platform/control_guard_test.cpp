#include "platform/control_guard.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "common/error.hpp"
#include "support/temporary_tree.hpp"

namespace rein {

DOCTEST_TEST_CASE("what was saved is restored in reverse order when the guard ends") {
  std::vector<int> order;
  {
    ControlGuard guard(nullptr);
    for (const int i : {1, 2, 3}) {
      guard.on_restore([&order, i] { order.push_back(i); });
    }
  }
  DOCTEST_CHECK(order == std::vector<int>{3, 2, 1});
}

DOCTEST_TEST_CASE("a file gets its text back when an exception ends the work") {
  const test::TemporaryTree tree;
  tree.write("/sys/governor", "ondemand\n");
  try {
    ControlGuard guard(nullptr);
    guard.save(tree.root(), "/sys/governor");
    tree.root().write("/sys/governor", "userspace");
    throw Error("stop");
  } catch (const Error&) {
  }
  DOCTEST_CHECK(tree.read("/sys/governor") == "ondemand");
}

DOCTEST_TEST_CASE("a restore that fails is reported, and the others still run") {
  const test::TemporaryTree tree;
  tree.write("/sys/first", "1");
  tree.write("/sys/second", "2");
  std::vector<std::string> problems;
  {
    ControlGuard guard([&problems](const std::string& problem) { problems.push_back(problem); });
    guard.save(tree.root(), "/sys/first");
    guard.save(tree.root(), "/sys/second");
    tree.root().write("/sys/first", "10");
    tree.remove("/sys/second");
  }
  DOCTEST_CHECK(tree.read("/sys/first") == "1");
  DOCTEST_REQUIRE(problems.size() == 1);
  DOCTEST_CHECK(problems[0] == "not restored: " + (tree.path() / "sys/second").string() +
                                   ": cannot be read: No such file or directory");
}

DOCTEST_TEST_CASE("what cannot be saved is not to be changed") {
  const test::TemporaryTree tree;
  ControlGuard guard(nullptr);
  DOCTEST_CHECK_THROWS_AS(guard.save(tree.root(), "/sys/none"), Error);
}

DOCTEST_TEST_CASE("restoring twice does nothing the second time") {
  int count = 0;
  ControlGuard guard(nullptr);
  guard.on_restore([&count] { ++count; });
  guard.restore();
  guard.restore();
  DOCTEST_CHECK(count == 1);
}

DOCTEST_TEST_CASE("a guard takes over what another would restore") {
  std::vector<int> order;
  {
    ControlGuard guard(nullptr);
    guard.on_restore([&order] { order.push_back(1); });
    ControlGuard other(nullptr);
    other.on_restore([&order] { order.push_back(2); });
    other.on_restore([&order] { order.push_back(3); });
    guard.adopt(other);
    other.restore();
    DOCTEST_CHECK(order.empty());
  }
  DOCTEST_CHECK(order == std::vector<int>{3, 2, 1});
}

}  // namespace rein
