#include "platform/frequency_domain.hpp"

#include <doctest/doctest.h>

#include "common/error.hpp"
#include "platform/control_guard.hpp"
#include "support/temporary_tree.hpp"

namespace rein {

namespace {

const std::string kPolicy = "/sys/devices/system/cpu/cpufreq/policy0";

struct Machine {
  explicit Machine(const std::string& governors) {
    tree.write(kPolicy + "/scaling_available_governors", governors + "\n");
    tree.write(kPolicy + "/scaling_available_frequencies", "1400000 600000 200000 \n");
    tree.write(kPolicy + "/scaling_governor", "ondemand\n");
    tree.write(kPolicy + "/scaling_setspeed", "<unsupported>\n");
    tree.write(kPolicy + "/scaling_min_freq", "200000\n");
    tree.write(kPolicy + "/scaling_max_freq", "1400000\n");
    tree.write(kPolicy + "/scaling_cur_freq", "600000\n");
  }
  std::string value(const std::string& file) const { return tree.root().read(kPolicy + file); }

  test::TemporaryTree tree;
  DomainSpec spec{.name = "little", .policy = "policy0", .cpus = {0, 1}, .opps_mhz = {}};
};

}  // namespace

DOCTEST_TEST_CASE("with the userspace governor the speed is set, and the governor comes back") {
  const Machine machine("ondemand userspace");
  {
    ControlGuard guard(nullptr);
    FrequencyDomain domain(machine.tree.root(), machine.spec, guard);
    DOCTEST_CHECK(domain.opps_mhz() == std::vector<double>{200, 600, 1400});
    DOCTEST_CHECK(machine.value("/scaling_governor") == "ondemand");
    domain.set_level(1);
    DOCTEST_CHECK(machine.value("/scaling_governor") == "userspace");
    DOCTEST_CHECK(machine.value("/scaling_setspeed") == "600000");
  }
  DOCTEST_CHECK(machine.value("/scaling_governor") == "ondemand");
}

DOCTEST_TEST_CASE("a speed that somebody had set under userspace comes back") {
  const Machine machine("userspace");
  machine.tree.write(kPolicy + "/scaling_governor", "userspace\n");
  machine.tree.write(kPolicy + "/scaling_setspeed", "1400000\n");
  {
    ControlGuard guard(nullptr);
    FrequencyDomain domain(machine.tree.root(), machine.spec, guard);
    domain.set_level(0);
  }
  DOCTEST_CHECK(machine.value("/scaling_setspeed") == "1400000");
}

DOCTEST_TEST_CASE("without the userspace governor the limits are drawn together, and come back") {
  const Machine machine("performance powersave");
  {
    ControlGuard guard(nullptr);
    FrequencyDomain domain(machine.tree.root(), machine.spec, guard);
    for (const std::size_t level : {2, 0, 1}) {
      domain.set_level(level);
      DOCTEST_CHECK(machine.value("/scaling_min_freq") == machine.value("/scaling_max_freq"));
    }
    DOCTEST_CHECK(machine.value("/scaling_max_freq") == "600000");
    DOCTEST_CHECK_THROWS_AS(domain.set_level(3), std::out_of_range);
  }
  DOCTEST_CHECK(machine.value("/scaling_min_freq") == "200000");
  DOCTEST_CHECK(machine.value("/scaling_max_freq") == "1400000");
}

DOCTEST_TEST_CASE("going above the maximum raises it before the minimum") {
  const Machine machine("performance");
  ControlGuard guard(nullptr);
  FrequencyDomain domain(machine.tree.root(), machine.spec, guard);
  machine.tree.write(kPolicy + "/scaling_max_freq", "600000");
  machine.tree.remove(kPolicy + "/scaling_min_freq");  // So that it stops after the first write.
  DOCTEST_CHECK_THROWS_AS(domain.set_level(2), Error);
  DOCTEST_CHECK(machine.value("/scaling_max_freq") == "1400000");
}

DOCTEST_TEST_CASE("what stands in the way of a frequency is told") {
  Machine machine("userspace");
  DOCTEST_CHECK_FALSE(FrequencyDomain::obstacle(machine.tree.root(), machine.spec));
  machine.tree.remove(kPolicy + "/scaling_setspeed");
  DOCTEST_CHECK(FrequencyDomain::obstacle(machine.tree.root(), machine.spec)->line() ==
                kPolicy +
                    "/scaling_setspeed: cannot be written; run as root, or give write access");
  machine.tree.remove(kPolicy + "/scaling_available_frequencies");
  DOCTEST_CHECK(FrequencyDomain::obstacle(machine.tree.root(), machine.spec)->reason ==
                "lists no operating points");
  machine.spec.policy = "policy7";
  DOCTEST_CHECK(FrequencyDomain::obstacle(machine.tree.root(), machine.spec)->reason ==
                "does not exist");
}

DOCTEST_TEST_CASE("a driver that takes any frequency is given five operating points") {
  const test::TemporaryTree tree;
  tree.write(kPolicy + "/cpuinfo_min_freq", "400000");
  tree.write(kPolicy + "/cpuinfo_max_freq", "4400000");
  DOCTEST_CHECK(kernel_opps_mhz(tree.root(), "policy0") ==
                std::vector<double>{400, 1400, 2400, 3400, 4400});
}

DOCTEST_TEST_CASE("the granted frequency is a signal, and garbage is no number") {
  const Machine machine("userspace");
  FrequencySensor sensor(machine.tree.root(), {machine.spec});
  DOCTEST_REQUIRE(sensor.signals().size() == 1);
  DOCTEST_CHECK(sensor.signals()[0].name == "frequency_mhz.little");
  const auto sample = [&sensor] {
    std::vector<std::optional<double>> values;
    sensor.sample({}, values);
    return values.at(0);
  };
  DOCTEST_CHECK(sample() == 600.0);
  for (const char* garbage : {"", "<unknown>", "-1", "0", "6e5", "nan"}) {
    DOCTEST_CAPTURE(garbage);
    machine.tree.write(kPolicy + "/scaling_cur_freq", garbage);
    DOCTEST_CHECK(sample() == std::nullopt);
  }
  machine.tree.remove(kPolicy + "/scaling_cur_freq");
  DOCTEST_CHECK(sample() == std::nullopt);
}

}  // namespace rein
