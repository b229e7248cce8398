#include "platform/kernel/sysfs_root.hpp"

#include <doctest/doctest.h>

#include <cerrno>

#include "common/error.hpp"
#include "support/faulty_calls.hpp"
#include "support/few_descriptors.hpp"
#include "support/sanitized.hpp"
#include "support/temporary_tree.hpp"

namespace rein {

DOCTEST_TEST_CASE("kernel paths are resolved below the root, and text loses its line end") {
  const test::TemporaryTree tree;
  tree.write("/sys/class/thing/value", "12 34 \n");
  DOCTEST_CHECK(tree.root().resolve("/sys/x") == tree.path() / "sys/x");
  DOCTEST_CHECK(SysfsRoot().resolve("/sys/x") == "/sys/x");
  DOCTEST_CHECK(tree.root().read("/sys/class/thing/value") == "12 34");
  DOCTEST_CHECK(tree.root().exists("/sys/class/thing"));
  DOCTEST_CHECK_FALSE(tree.root().exists("/sys/class/other"));
}

DOCTEST_TEST_CASE("a text of the device tree loses its zero byte") {
  const test::TemporaryTree tree;
  tree.write("/proc/device-tree/model", std::string("A Board\0", 8));
  DOCTEST_CHECK(tree.root().read("/proc/device-tree/model") == "A Board");
}

DOCTEST_TEST_CASE("what cannot be read or written names path, value and reason") {
  const test::TemporaryTree tree;
  const std::string file = (tree.path() / "sys/none").string();
  DOCTEST_CHECK(tree.root().try_read("/sys/none") == std::nullopt);
  DOCTEST_CHECK_THROWS_WITH_AS(tree.root().read("/sys/none"),
                               (file + ": cannot be read: No such file or directory").c_str(),
                               Error);
  DOCTEST_CHECK_THROWS_WITH_AS(tree.root().write("/sys/none", "7"),
                               (file + ": cannot write '7': No such file or directory").c_str(),
                               Error);
  DOCTEST_CHECK_FALSE(tree.exists("/sys/none"));
}

DOCTEST_TEST_CASE("what cannot be opened for want of descriptors is not taken for missing") {
  const test::TemporaryTree tree;
  tree.write("/sys/value", "12");
  test::FaultyCalls calls;
  const SysfsRoot root(tree.path(), calls);
  for (const int error : {EMFILE, ENFILE, ENOMEM}) {
    calls.open_errors["/sys/value"] = error;
    DOCTEST_CHECK_THROWS_AS(root.try_read("/sys/value"), ResourceError);
    DOCTEST_CHECK_THROWS_AS(root.read("/sys/value"), ResourceError);
    DOCTEST_CHECK_THROWS_AS(root.read_error("/sys/value"), ResourceError);
  }
  calls.open_errors["/sys/value"] = EACCES;
  DOCTEST_CHECK(root.try_read("/sys/value") == std::nullopt);
  DOCTEST_CHECK(root.read_error("/sys/value") == EACCES);
}

DOCTEST_TEST_CASE("a directory that cannot be opened for want of descriptors is not empty") {
  if (test::is_skipped_when_sanitized()) {
    return;
  }
  const test::TemporaryTree tree;
  tree.write("/sys/cpufreq/policy0", "");
  const test::FewDescriptors none;
  DOCTEST_CHECK_THROWS_AS(tree.root().list("/sys/cpufreq"), ResourceError);
  DOCTEST_CHECK_THROWS_AS(tree.root().find("/sys/*/policy0"), ResourceError);
}

DOCTEST_TEST_CASE("a directory is listed in the order of its numbers") {
  const test::TemporaryTree tree;
  for (const char* name : {"policy10", "policy2", "boost", "policy0"}) {
    tree.write(std::string("/sys/cpufreq/") + name, "");
  }
  const std::vector<std::string> expected{"boost", "policy0", "policy2", "policy10"};
  DOCTEST_CHECK(tree.root().list("/sys/cpufreq") == expected);
  DOCTEST_CHECK(tree.root().list("/sys/none").empty());
}

}  // namespace rein
