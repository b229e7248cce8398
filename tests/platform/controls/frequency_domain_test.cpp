#include "platform/controls/frequency_domain.hpp"

#include <doctest/doctest.h>

#include <cerrno>

#include "common/error.hpp"
#include "platform/giving_back/control_guard.hpp"
#include "support/faulty_calls.hpp"
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
  DomainSpec spec{.name = "little", .paths = {"policy0"}, .cpus = {0, 1}};
};

void fail(const std::string& line) { DOCTEST_FAIL(line); }

std::vector<std::string> labels(const FrequencyDomain& domain) {
  std::vector<std::string> labels;
  for (const auto& level : domain.control().levels) {
    labels.push_back(level.label);
  }
  return labels;
}

}  // namespace

DOCTEST_TEST_CASE("with the userspace governor the speed is set, and the governor comes back") {
  const Machine machine("ondemand userspace");
  {
    ControlGuard guard(machine.tree.root(), fail);
    FrequencyDomain domain(machine.tree.root(), machine.spec, guard);
    DOCTEST_CHECK(labels(domain) == std::vector<std::string>{"200MHz", "600MHz", "1400MHz"});
    DOCTEST_CHECK(machine.value("/scaling_governor") == "ondemand");
    domain.set(1);
    DOCTEST_CHECK(machine.value("/scaling_governor") == "userspace");
    DOCTEST_CHECK(machine.value("/scaling_setspeed") == "600000");
    machine.tree.write(kPolicy + "/scaling_cur_freq", "599999\n");
    DOCTEST_CHECK(domain.granted() == 599.999);
  }
  DOCTEST_CHECK(machine.value("/scaling_governor") == "ondemand");
}

DOCTEST_TEST_CASE("a speed that somebody had set under userspace comes back") {
  const Machine machine("userspace");
  machine.tree.write(kPolicy + "/scaling_governor", "userspace\n");
  machine.tree.write(kPolicy + "/scaling_setspeed", "1400000\n");
  {
    ControlGuard guard(machine.tree.root(), fail);
    FrequencyDomain domain(machine.tree.root(), machine.spec, guard);
    domain.set(0);
  }
  DOCTEST_CHECK(machine.value("/scaling_setspeed") == "1400000");
}

DOCTEST_TEST_CASE("without the userspace governor the limits are drawn together, and come back") {
  const Machine machine("performance powersave");
  {
    ControlGuard guard(machine.tree.root(), fail);
    FrequencyDomain domain(machine.tree.root(), machine.spec, guard);
    for (const std::size_t level : {2, 0, 1}) {
      domain.set(level);
      DOCTEST_CHECK(machine.value("/scaling_min_freq") == machine.value("/scaling_max_freq"));
    }
    DOCTEST_CHECK(machine.value("/scaling_max_freq") == "600000");
    DOCTEST_CHECK_THROWS_AS(domain.set(3), std::out_of_range);
  }
  DOCTEST_CHECK(machine.value("/scaling_min_freq") == "200000");
  DOCTEST_CHECK(machine.value("/scaling_max_freq") == "1400000");
}

DOCTEST_TEST_CASE("going above the maximum raises it before the minimum") {
  const Machine machine("performance");
  test::FaultyCalls calls;
  const SysfsRoot root(machine.tree.path(), calls);
  ControlGuard guard(root, fail);
  FrequencyDomain domain(root, machine.spec, guard);
  const auto order = [&](std::size_t level) {
    calls.written.clear();
    domain.set(level);
    std::vector<std::string> files;
    for (const auto& [path, value] : calls.written) {
      files.push_back(path.substr(path.rfind('/') + 1));
    }
    return files;
  };
  DOCTEST_CHECK(order(0) == std::vector<std::string>{"scaling_min_freq", "scaling_max_freq"});
  DOCTEST_CHECK(order(2) == std::vector<std::string>{"scaling_max_freq", "scaling_min_freq"});
  DOCTEST_CHECK(order(1) == std::vector<std::string>{"scaling_min_freq", "scaling_max_freq"});
}

DOCTEST_TEST_CASE("what was tuned of the governor comes back, and without a governor nothing is") {
  const std::string threshold = "/sys/devices/system/cpu/cpufreq/ondemand/up_threshold";
  const Machine machine("ondemand userspace");
  machine.tree.write(threshold, "63\n");
  {
    ControlGuard guard(machine.tree.root(), fail);
    FrequencyDomain domain(machine.tree.root(), machine.spec, guard);
    domain.set(1);
    machine.tree.write(threshold, "95\n");  // The kernel makes it anew.
  }
  DOCTEST_CHECK(machine.tree.root().read(threshold) == "63");
  machine.tree.write(kPolicy + "/scaling_governor", "\n");
  ControlGuard guard(machine.tree.root(), fail);
  const FrequencyDomain domain(machine.tree.root(), machine.spec, guard);
  DOCTEST_CHECK(guard.mark() == 1);  // Not every file of the policy.
}

DOCTEST_TEST_CASE("a governor that somebody else chose meanwhile is set again") {
  const Machine machine("ondemand userspace");
  ControlGuard guard(machine.tree.root(), fail);
  FrequencyDomain domain(machine.tree.root(), machine.spec, guard);
  domain.set(1);
  machine.tree.write(kPolicy + "/scaling_governor", "schedutil\n");
  domain.set(2);
  DOCTEST_CHECK(machine.value("/scaling_governor") == "userspace");
}

DOCTEST_TEST_CASE("a domain cannot be set while all of its CPUs are offline") {
  const Machine machine("userspace");
  machine.tree.write("/sys/devices/system/cpu/cpu0/online", "1\n");
  machine.tree.write("/sys/devices/system/cpu/cpu1/online", "1\n");
  ControlGuard guard(machine.tree.root(), fail);
  FrequencyDomain domain(machine.tree.root(), machine.spec, guard);
  DOCTEST_CHECK(domain.available());
  machine.tree.write("/sys/devices/system/cpu/cpu1/online", "0\n");
  DOCTEST_CHECK(domain.available());
  machine.tree.write("/sys/devices/system/cpu/cpu0/online", "0\n");
  DOCTEST_CHECK_FALSE(domain.available());
}

DOCTEST_TEST_CASE("policies that the board file joins are set together, and each comes back") {
  Machine machine("schedutil userspace");
  const std::string other = "/sys/devices/system/cpu/cpufreq/policy4";
  machine.tree.write(other + "/scaling_available_governors", "schedutil userspace\n");
  machine.tree.write(other + "/scaling_governor", "schedutil\n");
  machine.tree.write(other + "/scaling_setspeed", "<unsupported>\n");
  machine.spec.paths = {"policy{0,4-5}"};
  {
    ControlGuard guard(machine.tree.root(), fail);
    FrequencyDomain domain(machine.tree.root(), machine.spec, guard);
    domain.set(2);
    DOCTEST_CHECK(machine.value("/scaling_setspeed") == "1400000");
    DOCTEST_CHECK(machine.tree.root().read(other + "/scaling_setspeed") == "1400000");
  }
  DOCTEST_CHECK(machine.value("/scaling_governor") == "ondemand");
  DOCTEST_CHECK(machine.tree.root().read(other + "/scaling_governor") == "schedutil");
}

DOCTEST_TEST_CASE("a GPU's devfreq is set in Hz, by governor or by limits") {
  const std::string folder = "/sys/devices/gpu.0/devfreq/57000000.gpu";
  for (const bool userspace : {true, false}) {
    DOCTEST_CAPTURE(userspace);
    const test::TemporaryTree tree;
    tree.write(folder + "/available_frequencies", "76800000 153600000 921600000\n");
    tree.write(folder + "/available_governors", "nvhost_podgov userspace performance\n");
    tree.write(folder + "/governor", userspace ? "userspace\n" : "nvhost_podgov\n");
    // It is there only under its governor.
    if (userspace) {
      tree.write(folder + "/userspace/set_freq", "undefined\n");
    }
    tree.write(folder + "/min_freq", "76800000\n");
    tree.write(folder + "/max_freq", "921600000\n");
    tree.write(folder + "/cur_freq", "153600000\n");
    const DomainSpec spec{.name = "gpu",
                          .interface = ClockInterface::kDevfreq,
                          .paths = {"/sys/devices/gpu.0/devfreq/*"}};
    DOCTEST_CHECK_FALSE(FrequencyDomain::obstacle(tree.root(), spec));
    {
      ControlGuard guard(tree.root(), fail);
      FrequencyDomain domain(tree.root(), spec, guard);
      DOCTEST_CHECK(labels(domain) == std::vector<std::string>{"76.8MHz", "153.6MHz", "921.6MHz"});
      domain.set(1);
      DOCTEST_CHECK(domain.granted() == 153.6);
      DOCTEST_CHECK(tree.root().try_read(folder + "/userspace/set_freq") ==
                    (userspace ? std::optional<std::string>("153600000") : std::nullopt));
      DOCTEST_CHECK(tree.root().read(folder + "/max_freq") ==
                    (userspace ? "921600000" : "153600000"));
    }
    DOCTEST_CHECK(tree.root().read(folder + "/governor") ==
                  (userspace ? "userspace" : "nvhost_podgov"));
    DOCTEST_CHECK(tree.root().read(folder + "/min_freq") == "76800000");
    DOCTEST_CHECK(tree.root().read(folder + "/max_freq") == "921600000");
  }
}

DOCTEST_TEST_CASE("a Jetson's memory clock is locked, set and unlocked") {
  const std::string folder = "/sys/kernel/debug/bpmp/debug/clk/emc";
  const test::TemporaryTree tree;
  tree.write(folder + "/mrq_rate_locked", "0\n");
  tree.write(folder + "/rate", "1600000000\n");
  tree.write(folder + "/min_rate", "204000000\n");
  tree.write(folder + "/max_rate", "1600000000\n");
  const DomainSpec spec{.name = "memory",
                        .interface = ClockInterface::kBpmp,
                        .paths = {folder},
                        .opps_mhz = {204, 1600}};
  {
    ControlGuard guard(tree.root(), fail);
    FrequencyDomain domain(tree.root(), spec, guard);
    domain.set(0);
    DOCTEST_CHECK(tree.root().read(folder + "/mrq_rate_locked") == "1");
    DOCTEST_CHECK(domain.granted() == 204.0);
  }
  DOCTEST_CHECK(tree.root().read(folder + "/mrq_rate_locked") == "0");
  DOCTEST_CHECK(tree.root().read(folder + "/rate") == "1600000000");
}

DOCTEST_TEST_CASE("a vendor kernel's Mali is locked between limits that are released again") {
  const std::string folder = "/sys/class/misc/mali0/device";
  const test::TemporaryTree tree;
  tree.write(folder + "/clock", "177\n");
  tree.write(folder + "/dvfs_table", "600 543 480 420 350 266 177\n");
  tree.write(folder + "/dvfs_min_lock", "-1\n");
  tree.write(folder + "/dvfs_max_lock", "543\n");
  const DomainSpec spec{
      .name = "gpu", .interface = ClockInterface::kMali, .paths = {"/sys/class/misc/mali0/device"}};
  {
    ControlGuard guard(tree.root(), fail);
    FrequencyDomain domain(tree.root(), spec, guard);
    domain.set(3);
    DOCTEST_CHECK(tree.root().read(folder + "/dvfs_min_lock") == "420");
    DOCTEST_CHECK(tree.root().read(folder + "/dvfs_max_lock") == "420");
  }
  DOCTEST_CHECK(tree.root().read(folder + "/dvfs_min_lock") == "0");
  DOCTEST_CHECK(tree.root().read(folder + "/dvfs_max_lock") == "543");
}

DOCTEST_TEST_CASE("what stands in the way of a frequency is told") {
  Machine machine("userspace");
  DOCTEST_CHECK_FALSE(FrequencyDomain::obstacle(machine.tree.root(), machine.spec));
  machine.tree.remove(kPolicy + "/scaling_governor");
  machine.tree.remove(kPolicy + "/scaling_min_freq");
  DOCTEST_CHECK(FrequencyDomain::obstacle(machine.tree.root(), machine.spec)->line() ==
                kPolicy + "/scaling_min_freq: does not exist; a driver that takes it");
  machine.tree.remove(kPolicy + "/scaling_available_frequencies");
  DOCTEST_CHECK(FrequencyDomain::obstacle(machine.tree.root(), machine.spec)->reason ==
                "lists no operating points");
  machine.spec.paths = {"policy7"};
  DOCTEST_CHECK(FrequencyDomain::obstacle(machine.tree.root(), machine.spec)->reason ==
                "does not exist");
}

DOCTEST_TEST_CASE("a driver that takes any frequency is given five operating points") {
  const test::TemporaryTree tree;
  tree.write(kPolicy + "/cpuinfo_min_freq", "400000");
  tree.write(kPolicy + "/cpuinfo_max_freq", "4400000");
  DOCTEST_CHECK(kernel_opps_mhz(tree.root(), kPolicy, ClockFiles::of(ClockInterface::kCpufreq)) ==
                std::vector<double>{400, 1400, 2400, 3400, 4400});
}

DOCTEST_TEST_CASE("what boost adds was missing from the operating points") {
  const test::TemporaryTree tree;
  const ClockFiles& files = ClockFiles::of(ClockInterface::kCpufreq);
  tree.write(kPolicy + "/scaling_available_frequencies", "400000 1296000\n");
  tree.write(kPolicy + "/scaling_boost_frequencies", "1404000 1700000 \n");
  const auto opps = [&] { return kernel_opps_mhz(tree.root(), kPolicy, files); };
  const std::vector<double> without{400, 1296};
  const std::vector<double> with{400, 1296, 1404, 1700};
  // Nothing says whether it is on: the highest frequency does.
  DOCTEST_CHECK(opps() == without);
  tree.write(kPolicy + "/cpuinfo_max_freq", "1296000\n");
  DOCTEST_CHECK(opps() == without);
  tree.write(kPolicy + "/cpuinfo_max_freq", "1700000\n");
  DOCTEST_CHECK(opps() == with);
  tree.write("/sys/devices/system/cpu/cpufreq/boost", "0\n");
  DOCTEST_CHECK(opps() == without);
  tree.write("/sys/devices/system/cpu/cpufreq/boost", "1\n");
  DOCTEST_CHECK(opps() == with);
  tree.write(kPolicy + "/boost", "0\n");
  DOCTEST_CHECK(opps() == without);
}

DOCTEST_TEST_CASE("of many operating points the ends and three between them are kept") {
  DOCTEST_CHECK(thin_opps({200, 300, 1400}) == std::vector<double>{200, 300, 1400});
  DOCTEST_CHECK(thin_opps({100, 110, 120, 130, 140, 150, 160, 170, 200}) ==
                std::vector<double>{100, 120, 150, 170, 200});
  // Never one twice.
  DOCTEST_CHECK(thin_opps({100, 101, 102, 103, 104, 1000}) == std::vector<double>{100, 104, 1000});
}

DOCTEST_TEST_CASE("a vote for bandwidth in MB/s was taken for a clock") {
  const test::TemporaryTree tree;
  const std::string folder = "/sys/class/devfreq/soc:qcom,gpubw";
  tree.write(folder + "/available_frequencies", "0 381 572 6881\n");
  tree.write(folder + "/min_freq", "0\n");
  tree.write(folder + "/max_freq", "6881\n");
  DomainSpec spec{
      .name = "vote", .interface = ClockInterface::kDevfreq, .paths = {"soc:qcom,gpubw"}};
  DOCTEST_CHECK(FrequencyDomain::obstacle(tree.root(), spec)->line() ==
                folder +
                    "/available_frequencies: lists 0.000381 to 0.006881 MHz, which clocks nothing "
                    "that computes; if it is to be set, give its `opps_mhz` in the board file");
  spec.opps_mhz = {381, 6881};
  DOCTEST_CHECK(FrequencyDomain::obstacle(tree.root(), spec)->reason ==
                "lists 0.000381 to 0.006881 MHz, and none of the board file's 381 to 6881 is "
                "between them");
  spec.opps_mhz = {0.000381, 0.006881};
  DOCTEST_CHECK_FALSE(FrequencyDomain::obstacle(tree.root(), spec));
}

DOCTEST_TEST_CASE("a core was asked for more than it reaches because another one reaches it") {
  const test::TemporaryTree tree;
  for (const char* policy : {"0", "1"}) {
    const std::string folder = std::string("/sys/devices/system/cpu/cpufreq/policy") + policy;
    const std::string top = *policy == '0' ? "4500000\n" : "5000000\n";
    tree.write(folder + "/cpuinfo_min_freq", "400000\n");
    tree.write(folder + "/cpuinfo_max_freq", top);
    tree.write(folder + "/scaling_min_freq", "400000\n");
    tree.write(folder + "/scaling_max_freq", top);
    tree.write(folder + "/scaling_cur_freq", "400000\n");
  }
  ControlGuard guard(tree.root(), nullptr);
  FrequencyDomain domain(tree.root(), {.name = "both", .paths = {"policy{0-1}"}, .cpus = {0, 1}},
                         guard);
  DOCTEST_REQUIRE(domain.control().levels.size() == 5);
  DOCTEST_CHECK(domain.control().levels.back().value == 5000.0);
  domain.set(4);
  DOCTEST_CHECK(tree.read("/sys/devices/system/cpu/cpufreq/policy0/scaling_min_freq") == "4500000");
  DOCTEST_CHECK(tree.read("/sys/devices/system/cpu/cpufreq/policy1/scaling_min_freq") == "5000000");
}

DOCTEST_TEST_CASE("one CPU of several clocks that was offline had the whole domain refused") {
  const test::TemporaryTree tree;
  test::FaultyCalls calls;
  const std::string policies = "/sys/devices/system/cpu/cpufreq/policy";
  for (const std::string cpu : {"0", "1"}) {
    const std::string policy = policies + cpu;
    tree.write(policy + "/related_cpus", cpu + "\n");
    tree.write(policy + "/scaling_available_frequencies", "600000 1400000 \n");
    tree.write(policy + "/scaling_min_freq", "600000\n");
    tree.write(policy + "/scaling_max_freq", "1400000\n");
    tree.write(policy + "/scaling_cur_freq", cpu == "0" ? "1400000\n" : "600000\n");
    tree.write("/sys/devices/system/cpu/cpu" + cpu + "/online", "1\n");
  }
  const SysfsRoot root(tree.path(), calls);
  ControlGuard guard(root, nullptr);
  const DomainSpec spec{.name = "cpu", .paths = {"policy{0-1}"}, .cpus = {0, 1}};
  FrequencyDomain domain(root, spec, guard);
  domain.set(1);
  DOCTEST_CHECK_FALSE(domain.is_undone());

  tree.write("/sys/devices/system/cpu/cpu1/online", "0\n");
  calls.write_errors["policy1/scaling_max_freq"] = EBUSY;
  calls.write_errors["policy1/scaling_min_freq"] = EBUSY;
  DOCTEST_CHECK_NOTHROW(domain.set(0));
  DOCTEST_CHECK(domain.available());
  DOCTEST_CHECK_FALSE(domain.is_undone());
  DOCTEST_CHECK(root.read(policies + "0/scaling_max_freq") == "600000");
  DOCTEST_CHECK(root.read(policies + "1/scaling_max_freq") == "1400000");

  // What comes back is set again, whether it was missed by set() or only looked at meanwhile.
  calls.write_errors.clear();
  tree.write("/sys/devices/system/cpu/cpu1/online", "1\n");
  DOCTEST_CHECK(domain.is_undone());
  domain.set(0);
  DOCTEST_CHECK(root.read(policies + "1/scaling_max_freq") == "600000");
  tree.write("/sys/devices/system/cpu/cpu0/online", "0\n");
  DOCTEST_CHECK_FALSE(domain.is_undone());
  DOCTEST_CHECK(domain.granted() == 600.0);
  tree.write("/sys/devices/system/cpu/cpu1/online", "0\n");
  DOCTEST_CHECK_FALSE(domain.available());
  DOCTEST_CHECK_FALSE(domain.granted());
  tree.write("/sys/devices/system/cpu/cpu0/online", "1\n");
  DOCTEST_CHECK(domain.is_undone());
}

}  // namespace rein
