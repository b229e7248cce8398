#include "platform/kernel/pmu.hpp"

#include <doctest/doctest.h>

#include <array>

#include "support/temporary_tree.hpp"

namespace rein {

namespace {

const std::string kDevices = "/sys/bus/event_source/devices/";

}  // namespace

DOCTEST_TEST_CASE("units of cores are those that list their CPUs, by the first of these") {
  const test::TemporaryTree tree;
  tree.write(kDevices + "cpu_atom/type", "8\n");
  tree.write(kDevices + "cpu_atom/cpus", "4-7\n");
  tree.write(kDevices + "cpu_core/type", "9\n");
  tree.write(kDevices + "cpu_core/cpus", "0-3\n");
  tree.write(kDevices + "power/type", "10\n");
  tree.write(kDevices + "power/cpumask", "0\n");
  tree.write(kDevices + "software/type", "1\n");
  tree.write(kDevices + "empty/type", "11\n");
  tree.write(kDevices + "empty/cpus", "\n");
  tree.write(kDevices + "garbage/type", "12\n");
  tree.write(kDevices + "garbage/cpus", "x\n");
  tree.write(kDevices + "no_type/cpus", "0\n");
  const auto pmus = find_core_pmus(tree.root());
  DOCTEST_REQUIRE(pmus.size() == 2);
  DOCTEST_CHECK(pmus[0].name == "cpu_core");
  DOCTEST_CHECK(pmus[0].type == 9);
  DOCTEST_CHECK(pmus[1].cpus == CpuList{4, 5, 6, 7});
  DOCTEST_CHECK(find_pmu(tree.root(), "power")->type == 10);
  DOCTEST_CHECK_FALSE(find_pmu(tree.root(), "software"));
  DOCTEST_CHECK_FALSE(find_pmu(tree.root(), "nothing"));
}

DOCTEST_TEST_CASE("an event's terms go where the unit's format has them") {
  const test::TemporaryTree tree;
  const Pmu pmu{.name = "cpu_core", .path = kDevices + "cpu_core", .type = 4, .cpus = {0}};
  tree.write(pmu.path + "/format/event", "config:0-7,32-35\n");
  tree.write(pmu.path + "/format/umask", "config:8-15\n");
  tree.write(pmu.path + "/format/inv", "config:23\n");
  tree.write(pmu.path + "/format/ldlat", "config1:0-15\n");
  tree.write(pmu.path + "/format/other", "config2:0-63\n");
  tree.write(pmu.path + "/format/odd", "config9:0-3\n");
  tree.write(pmu.path + "/format/backwards", "config:3-0\n");
  const auto event = [&](const std::string& text) {
    tree.write(pmu.path + "/events/x", text + "\n");
    return find_event(tree.root(), pmu, std::array{"x"});
  };
  DOCTEST_CHECK(event("event=0x2e,umask=0x41")->config == 0x412e);
  DOCTEST_CHECK(event("event=0x1c2")->config == 0x1'0000'00c2);
  DOCTEST_CHECK(event("event=60,inv")->config == 0x80003c);
  DOCTEST_CHECK(event("event=0xcd,umask=1,ldlat=0x20")->config1 == 0x20);
  DOCTEST_CHECK(event("other=0xffffffffffffffff")->config2 == ~0ULL);
  for (const char* garbage : {"event=?", "event=0x2e,unknown=1", "event=0x1000", "odd=1",
                              "backwards=1", "umask=0x", "umask=-1", "=1", ","}) {
    DOCTEST_CAPTURE(garbage);
    DOCTEST_CHECK_FALSE(event(garbage));
  }
}

DOCTEST_TEST_CASE("of an event's names the first that the unit lists is taken") {
  const test::TemporaryTree tree;
  const Pmu pmu{.name = "a15", .path = kDevices + "a15", .type = 8, .cpus = {0}};
  tree.write(pmu.path + "/format/event", "config:0-15\n");
  tree.write(pmu.path + "/events/l2d_cache_refill", "event=0x17\n");
  tree.write(pmu.path + "/events/l1d_cache_refill", "event=0x03\n");
  tree.write(pmu.path + "/events/cache-misses", "nonsense=1\n");
  DOCTEST_CHECK(find_event(tree.root(), pmu,
                           std::array{"cache-misses", "l2d_cache_refill", "l1d_cache_refill"})
                    ->config == 0x17);
  DOCTEST_CHECK_FALSE(find_event(tree.root(), pmu, std::array{"cpu_cycles"}));
}

}  // namespace rein
