#include "platform/kernel/access.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <filesystem>

#include "support/faulty_calls.hpp"
#include "support/temporary_tree.hpp"

namespace rein {

namespace {

using Strings = std::vector<std::string>;
const std::string kFile = "/sys/class/a/energy_uj";

struct Machine {
  Missing of(int error, bool as_root) {
    tree.write(kFile, "1\n");
    calls.read_errors[kFile] = error;
    calls.root = as_root;
    return unreadable(SysfsRoot(tree.path(), calls), kFile, "a driver");
  }

  test::TemporaryTree tree;
  test::FaultyCalls calls;
};

}  // namespace

DOCTEST_TEST_CASE("who is refused a file is told to be root, but not if that is what he is") {
  for (const int error : {EACCES, EPERM}) {
    DOCTEST_CHECK(Machine().of(error, false).remedy == "run as root, or give read access");
    DOCTEST_CHECK(Machine().of(error, true).remedy ==
                  "run outside of what closes it even to root (a container, a lockdown of the "
                  "kernel)");
  }
  DOCTEST_CHECK(Machine().of(EACCES, false).reason == "cannot be read: Permission denied");
}

DOCTEST_TEST_CASE(
    "a device that does not answer, one that sleeps and a kernel that lacks it differ") {
  DOCTEST_CHECK(Machine().of(EIO, true).remedy ==
                "the device does not answer: the kernel's log (dmesg) may say why");
  for (const int error : {EAGAIN, ENODATA, ENODEV, ENXIO}) {
    DOCTEST_CHECK(Machine().of(error, true).remedy == "the device is off, asleep or gone: wake it");
  }
  const test::TemporaryTree tree;
  DOCTEST_CHECK(unreadable(tree.root(), "/sys/x", "a driver").line() ==
                "/sys/x: does not exist; a driver");
}

DOCTEST_TEST_CASE("a link to what a container hides is not taken for a lack of rights") {
  const test::TemporaryTree tree;
  tree.make_folder("/sys/class/powercap");
  std::filesystem::create_directory_symlink("../../devices/virtual/powercap/rapl:0",
                                            tree.root().resolve("/sys/class/powercap/rapl:0"));
  const auto missing = unreadable(tree.root(), "/sys/class/powercap/rapl:0/energy_uj", "a driver");
  DOCTEST_CHECK(missing.reason == "is behind a link whose target is hidden here");
  DOCTEST_CHECK(missing.remedy == "run where all of /sys is to be seen, outside of a container");
}

DOCTEST_TEST_CASE("texts that differ in one part are one, in which no word or number is cut") {
  DOCTEST_CHECK(fold(Strings{}) == "");
  DOCTEST_CHECK(fold(Strings{"a", "a"}) == "a");
  DOCTEST_CHECK(fold(Strings{"/proc/pressure/cpu", "/proc/pressure/memory"}) ==
                "/proc/pressure/{cpu,memory}");
  DOCTEST_CHECK(fold(Strings{"/zone1/temp", "/zone11/temp", "/zone2/temp", "/zone3/temp"}) ==
                "/zone{1-3,11}/temp");
  DOCTEST_CHECK(fold(Strings{"rapl:0/e", "rapl:0:0/e", "rapl:0:1/e", "rapl:1/e"}) ==
                "rapl:{0,0:0,0:1,1}/e");
  DOCTEST_CHECK(fold(Strings{"/policy0/min", "/policy4/min"}) == "/policy{0,4}/min");
  DOCTEST_CHECK(fold(Strings{"power_w", "power_w.rail"}) == "power_w, power_w.rail");
  DOCTEST_CHECK(fold(Strings{"a.cpu1", "b.cpu1"}) == "a.cpu1, b.cpu1");
}

DOCTEST_TEST_CASE("paths in several folders are folded in each by itself") {
  DOCTEST_CHECK(fold(Strings{"/sys/cpu/policy0/min", "/sys/class/a.gpu/min", "/sys/cpu/policy4/min",
                             "/sys/class/b.mem/min"}) ==
                "/sys/cpu/policy{0,4}/min, /sys/class/{a.gpu,b.mem}/min");
  DOCTEST_CHECK(fold(Strings{"/a/b/c", "/d/e/f", "/g"}) == "/a/b/c, /d/e/f, /g");
}

DOCTEST_TEST_CASE("what is missing for the same reason with the same remedy is one line") {
  const auto folded =
      fold({{"/a0/x", "r", "m"}, {"/b", "r", "other"}, {"/a1/x", "r", "m"}, {"/a7/x", "r", "m"}});
  DOCTEST_REQUIRE(folded.size() == 2);
  DOCTEST_CHECK(folded[0].line() == "/a{0-1,7}/x: r; m");
  DOCTEST_CHECK(folded[1].path == "/b");
}

}  // namespace rein
