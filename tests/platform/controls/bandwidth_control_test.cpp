#include "platform/controls/bandwidth_control.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include "common/error.hpp"
#include "platform/fake_calls.hpp"
#include "platform/giving_back/control_guard.hpp"
#include "platform/kernel/thread_list.hpp"
#include "support/other_process.hpp"
#include "support/temporary_tree.hpp"

namespace rein {

namespace {

const std::string kV1 = "/sys/fs/cgroup/cpu,cpuacct";
const std::string kV2 = "/sys/fs/cgroup";

/// Version 1, this process in the group /job.
struct MachineV1 {
  MachineV1() {
    tree.write(
        "/proc/self/mountinfo",
        "20 1 0:5 / /proc rw - proc proc rw\n"
        "31 29 0:27 / /sys/fs/cgroup/cpuset rw shared:9 - cgroup cgroup rw,cpuset\n"
        "30 29 0:26 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
        "32 29 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
    tree.write("/proc/self/cgroup", "4:cpuset:/\n3:cpu,cpuacct:/job\n0::/\n");
    tree.write(home + "/cgroup.procs", "100\n");
    tree.write(home + "/cpu.cfs_quota_us", "-1\n");
    calls.home = tree.root().resolve(home);
    calls.group_files = {
        {"cgroup.procs", ""}, {"cpu.cfs_quota_us", "-1\n"}, {"cpu.cfs_period_us", "100000\n"}};
  }

  test::TemporaryTree tree;
  test::FakeCalls calls;
  std::string home = kV1 + "/job";
  std::string group = home + "/rein-100";
};

/// Version 2, this process in a scope of a user's slice that systemd made.
struct MachineV2 {
  MachineV2() {
    tree.write("/proc/self/mountinfo", "30 29 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    tree.write("/proc/self/cgroup", "0::/user.slice/session.scope\n");
    for (const auto& place : {slice, home}) {
      tree.write(place + "/cgroup.controllers", "cpuset cpu io memory\n");
      tree.write(place + "/cgroup.procs", "");
      tree.write(place + "/cgroup.subtree_control", "memory\n");
    }
    tree.remove(home + "/cgroup.subtree_control");  // It has processes: no write would succeed.
    tree.write(home + "/cgroup.procs", "100\n");
    calls.home = tree.root().resolve(home);
    calls.group_files = {{"cgroup.procs", ""}, {"cpu.max", "max 100000\n"}};
  }

  test::TemporaryTree tree;
  test::FakeCalls calls;
  std::string slice = kV2 + "/user.slice";
  std::string home = slice + "/session.scope";
  std::string group = slice + "/rein-100";
};

const BandwidthSpec kSpec{.name = "cpu", .levels_cpus = {0.5, 1, 2}, .period_ms = 10.0};

using Created = std::variant<std::unique_ptr<BandwidthControl>, Missing>;

Created create(const SysfsRoot& root, ControlGuard& guard, const BandwidthSpec& spec = kSpec) {
  auto plan = plan_bandwidth(root, spec, 2);
  if (auto* missing = std::get_if<Missing>(&plan)) {
    return *missing;
  }
  return BandwidthControl::create(root, std::get<BandwidthPlan>(plan), guard);
}

template <typename Machine>
Created create(Machine& machine, ControlGuard& guard, const BandwidthSpec& spec = kSpec) {
  return create(SysfsRoot(machine.tree.path(), machine.calls), guard, spec);
}

bool is_control(const Created& created) { return created.index() == 0; }

BandwidthControl& control_of(Created& created) {
  return *std::get<std::unique_ptr<BandwidthControl>>(created);
}

void fail(const std::string& line) { DOCTEST_FAIL(line); }

}  // namespace

DOCTEST_TEST_CASE("version 1: a group of our own is limited, and all is given back") {
  MachineV1 machine;
  {
    ControlGuard guard(SysfsRoot(machine.tree.path(), machine.calls), fail);
    auto control = create(machine, guard);
    DOCTEST_REQUIRE(is_control(control));
    machine.tree.write(machine.home + "/cgroup.procs", "");
    DOCTEST_CHECK(machine.tree.read(machine.group + "/cgroup.procs") == "100");
    DOCTEST_CHECK(machine.tree.read(machine.group + "/cpu.cfs_period_us") == "10000");
    DOCTEST_CHECK(machine.tree.read(machine.group + "/cpu.cfs_quota_us") == "-1");
    auto& bandwidth = control_of(control);
    bandwidth.set(0);
    DOCTEST_CHECK(machine.tree.read(machine.group + "/cpu.cfs_quota_us") == "5000");
    DOCTEST_CHECK(bandwidth.granted() == 0.5);
    bandwidth.set(2);
    DOCTEST_CHECK(machine.tree.read(machine.group + "/cpu.cfs_quota_us") == "-1");
    DOCTEST_CHECK(bandwidth.granted() == 2.0);
  }
  DOCTEST_CHECK(machine.tree.read(machine.home + "/cgroup.procs") == "100");
  DOCTEST_CHECK_FALSE(machine.tree.exists(machine.group));
}

DOCTEST_TEST_CASE("version 2: where the own group cannot be divided, a group beside it is used") {
  MachineV2 machine;
  {
    ControlGuard guard(SysfsRoot(machine.tree.path(), machine.calls), fail);
    auto control = create(machine, guard);
    DOCTEST_REQUIRE(is_control(control));
    DOCTEST_CHECK(machine.tree.read(machine.slice + "/cgroup.subtree_control") == "+cpu");
    machine.tree.write(machine.home + "/cgroup.procs", "");
    DOCTEST_CHECK(machine.tree.read(machine.group + "/cgroup.procs") == "100");
    DOCTEST_CHECK(machine.tree.read(machine.group + "/cpu.max") == "max 10000");
    control_of(control).set(1);
    DOCTEST_CHECK(machine.tree.read(machine.group + "/cpu.max") == "10000 10000");
    DOCTEST_CHECK(control_of(control).granted() == 1.0);
  }
  DOCTEST_CHECK(machine.tree.read(machine.home + "/cgroup.procs") == "100");
  DOCTEST_CHECK(machine.tree.read(machine.slice + "/cgroup.subtree_control") == "-cpu");
  DOCTEST_CHECK_FALSE(machine.tree.exists(machine.group));
}

DOCTEST_TEST_CASE("version 2: a controller that was handed down already stays so") {
  MachineV2 machine;
  machine.tree.write(machine.slice + "/cgroup.subtree_control", "cpu memory\n");
  {
    ControlGuard guard(SysfsRoot(machine.tree.path(), machine.calls), nullptr);
    DOCTEST_REQUIRE(is_control(create(machine, guard)));
  }
  DOCTEST_CHECK(machine.tree.read(machine.slice + "/cgroup.subtree_control") == "cpu memory\n");
}

DOCTEST_TEST_CASE("version 2: at the top of the hierarchy the group is made below it") {
  MachineV2 machine;
  machine.tree.write("/proc/self/cgroup", "0::/\n");
  machine.tree.write(kV2 + "/cgroup.controllers", "cpu\n");
  machine.tree.write(kV2 + "/cgroup.subtree_control", "");
  machine.tree.write(kV2 + "/cgroup.procs", "");
  ControlGuard guard(SysfsRoot(machine.tree.path(), machine.calls), nullptr);
  DOCTEST_REQUIRE(is_control(create(machine, guard)));
  DOCTEST_CHECK(machine.tree.exists(kV2 + "/rein-100/cpu.max"));
  machine.calls.home = machine.tree.root().resolve(kV2);
}

DOCTEST_TEST_CASE("a container's view of the hierarchy is followed") {
  MachineV1 machine;
  machine.tree.write(
      "/proc/self/mountinfo",
      "30 29 0:26 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n");
  machine.tree.write("/proc/self/cgroup", "3:cpu,cpuacct:/docker/abc/job\n");
  DOCTEST_CHECK_FALSE(is_control(
      create(machine, *std::make_unique<ControlGuard>(SysfsRoot(machine.tree.path(), machine.calls),
                                                      nullptr))));  // Mounted read-only.
  machine.tree.write(
      "/proc/self/mountinfo",
      "30 29 0:26 /docker/abc /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n");
  ControlGuard guard(SysfsRoot(machine.tree.path(), machine.calls), nullptr);
  DOCTEST_CHECK(is_control(create(machine, guard)));
}

DOCTEST_TEST_CASE("what stands in the way is told, and nothing is left behind") {
  MachineV1 machine;
  ControlGuard guard(SysfsRoot(machine.tree.path(), machine.calls), fail);
  const auto reason = [&] { return std::get<Missing>(create(machine, guard)).reason; };

  machine.calls.make_error = EPERM;
  DOCTEST_CHECK(reason() == machine.tree.root().resolve(machine.group).string() +
                                ": cannot be made: Operation not permitted");
  machine.calls.make_error = 0;
  machine.calls.group_files.erase("cpu.cfs_quota_us");
  DOCTEST_CHECK(reason() ==
                machine.tree.root().resolve(machine.group + "/cpu.cfs_quota_us").string() +
                    ": cannot write '-1': No such file or directory");
  DOCTEST_CHECK_FALSE(machine.tree.exists(machine.group));
  machine.tree.write("/proc/self/cgroup", "");
  DOCTEST_CHECK(reason() == "names no group of the controller cpu");
  machine.tree.write("/proc/self/mountinfo", "garbage\n1 2 3 - \n");
  DOCTEST_CHECK(reason() == "no control groups are mounted");
}

DOCTEST_TEST_CASE("version 2: a group without the controller cpu is told") {
  MachineV2 machine;
  machine.tree.write(machine.slice + "/cgroup.controllers", "memory\n");
  machine.tree.write(machine.home + "/cgroup.controllers", "memory\n");
  ControlGuard guard(SysfsRoot(machine.tree.path(), machine.calls), nullptr);
  DOCTEST_CHECK(std::get<Missing>(create(machine, guard)).line() ==
                machine.slice +
                    "/cgroup.controllers: does not offer the controller cpu; enable it "
                    "in cgroup.subtree_control of the groups above");
}

DOCTEST_TEST_CASE("a quota was promised by a kernel that has none") {
  MachineV1 one;
  one.tree.remove(one.home + "/cpu.cfs_quota_us");
  const auto reason = [](auto& machine) {
    const SysfsRoot root(machine.tree.path(), machine.calls);
    const auto plan = plan_bandwidth(root, kSpec, 2);
    const auto* missing = std::get_if<Missing>(&plan);
    return missing == nullptr ? "" : missing->line();
  };
  const std::string told =
      ": does not exist: this kernel limits no CPU time by control groups; a kernel with "
      "CONFIG_CFS_BANDWIDTH";
  DOCTEST_CHECK(reason(one) == one.home + "/cpu.cfs_quota_us" + told);

  MachineV2 two;
  DOCTEST_CHECK(reason(two).empty());
  two.tree.write(two.home + "/cpu.weight", "100\n");
  DOCTEST_CHECK(reason(two) == two.home + "/cpu.max" + told);
  two.tree.write(two.home + "/cpu.max", "max 100000\n");
  DOCTEST_CHECK(reason(two).empty());
}

DOCTEST_TEST_CASE(
    "version 2: the group of a container with processes was to hand the controller down") {
  MachineV2 machine;
  machine.tree.write("/proc/self/cgroup", "0::/\n");
  machine.tree.write(kV2 + "/cgroup.controllers", "cpu\n");
  machine.tree.write(kV2 + "/cgroup.subtree_control", "");
  machine.tree.write(kV2 + "/cgroup.procs", "1\n100\n");
  const SysfsRoot root(machine.tree.path(), machine.calls);
  // At the very top the kernel makes an exception.
  DOCTEST_CHECK(plan_bandwidth(root, kSpec, 2).index() == 0);
  machine.tree.write(kV2 + "/cgroup.type", "domain\n");
  const auto plan = plan_bandwidth(root, kSpec, 2);
  DOCTEST_REQUIRE(plan.index() == 1);
  DOCTEST_CHECK(std::get<Missing>(plan).path == kV2 + "/cgroup.procs");
  machine.tree.write(kV2 + "/cgroup.subtree_control", "cpu\n");
  DOCTEST_CHECK(plan_bandwidth(root, kSpec, 2).index() == 0);
}

DOCTEST_TEST_CASE("levels were above what the groups above leave") {
  MachineV2 machine;
  machine.tree.write(machine.slice + "/cpu.max", "75000 50000\n");
  machine.tree.write(machine.home + "/cpu.max", "max 100000\n");
  const SysfsRoot root(machine.tree.path(), machine.calls);
  const auto plan = plan_bandwidth(root, kSpec, 8);
  DOCTEST_REQUIRE(plan.index() == 0);
  const auto& planned = std::get<BandwidthPlan>(plan);
  DOCTEST_CHECK(planned.spec.levels_cpus == std::vector<double>{0.5, 1, 1.5});
  DOCTEST_CHECK(planned.unlimited_cpus == 1.5);
  DOCTEST_REQUIRE(planned.cut);
  DOCTEST_CHECK(planned.cut->line() ==
                machine.slice +
                    "/cpu.max: limits this program to 1.5 CPUs, so bandwidth.cpu has this instead "
                    "of 2; raise it, or give levels below it in the board file");

  MachineV1 old;
  old.tree.write(old.home + "/cpu.cfs_quota_us", "25000\n");
  old.tree.write(old.home + "/cpu.cfs_period_us", "100000\n");
  const auto cut = plan_bandwidth(SysfsRoot(old.tree.path(), old.calls), kSpec, 2);
  DOCTEST_CHECK(std::get<BandwidthPlan>(cut).spec.levels_cpus == std::vector<double>{0.25});
}

DOCTEST_TEST_CASE("empty groups of dead runs are removed, and no others") {
  MachineV1 machine;
  machine.tree.write(machine.home + "/rein-999/cgroup.procs", "");
  machine.tree.write(machine.home + "/rein-998/cgroup.procs", "998\n");  // Not empty.
  machine.tree.write(machine.home + "/rein-77/cgroup.procs", "");
  machine.tree.make_folder("/proc/77");  // Runs.
  machine.tree.write(machine.home + "/rein-x/cgroup.procs", "");
  ControlGuard guard(SysfsRoot(machine.tree.path(), machine.calls), nullptr);
  create(machine, guard);
  DOCTEST_CHECK_FALSE(machine.tree.exists(machine.home + "/rein-999"));
  DOCTEST_CHECK(machine.tree.exists(machine.home + "/rein-998"));
  DOCTEST_CHECK(machine.tree.exists(machine.home + "/rein-77"));
  DOCTEST_CHECK(machine.tree.exists(machine.home + "/rein-x"));
}

DOCTEST_TEST_CASE("a quota that the kernel refuses names path and value") {
  MachineV1 machine;
  ControlGuard guard(SysfsRoot(machine.tree.path(), machine.calls), nullptr);
  auto control = create(machine, guard);
  machine.tree.remove(machine.group + "/cpu.cfs_quota_us");
  DOCTEST_CHECK_THROWS_WITH_AS(
      control_of(control).set(0),
      (machine.tree.root().resolve(machine.group + "/cpu.cfs_quota_us").string() +
       ": cannot write '5000': No such file or directory")
          .c_str(),
      Error);
}

DOCTEST_TEST_CASE(
    "a level finer than a microsecond, or above the number of CPUs, was read back as another") {
  // 3333.33 us twice, with 4 and 8 on two CPUs.
  const BandwidthSpec spec{.name = "cpu", .levels_cpus = {0.333333, 0.333334, 4, 8}};
  const auto check = [&spec](auto& machine) {
    ControlGuard guard(SysfsRoot(machine.tree.path(), machine.calls), nullptr);
    auto control = create(machine, guard, spec);
    DOCTEST_REQUIRE(is_control(control));
    for (std::size_t level = 0; level < spec.levels_cpus.size(); ++level) {
      control_of(control).set(level);
      DOCTEST_CHECK(control_of(control).granted() == spec.levels_cpus[level]);
    }
    machine.tree.write(machine.home + "/cgroup.procs", "");
  };
  MachineV1 one;
  check(one);
  MachineV2 two;
  check(two);
}

DOCTEST_TEST_CASE("a period of accounting that somebody else had changed was not seen") {
  MachineV1 one;
  ControlGuard guard_of_one(SysfsRoot(one.tree.path(), one.calls), nullptr);
  auto first = create(one, guard_of_one);
  control_of(first).set(0);
  one.tree.write(one.group + "/cpu.cfs_period_us", "100000\n");
  DOCTEST_CHECK(control_of(first).granted() == 0.05);
  control_of(first).set(0);
  DOCTEST_CHECK(one.tree.read(one.group + "/cpu.cfs_period_us") == "10000");
  DOCTEST_CHECK(control_of(first).granted() == 0.5);
  one.tree.write(one.home + "/cgroup.procs", "");

  MachineV2 two;
  ControlGuard guard_of_two(SysfsRoot(two.tree.path(), two.calls), nullptr);
  auto second = create(two, guard_of_two);
  control_of(second).set(0);
  two.tree.write(two.group + "/cpu.max", "5000 100000\n");
  DOCTEST_CHECK(control_of(second).granted() == 0.05);
  for (const char* garbage : {"5000\n", "5000 0\n", "many 10000\n", "\n"}) {
    two.tree.write(two.group + "/cpu.max", garbage);
    DOCTEST_CHECK_FALSE(control_of(second).granted());
  }
  two.tree.write(two.home + "/cgroup.procs", "");
}

DOCTEST_TEST_CASE("a control group is limited by its own quota, within the one that it had") {
  const BandwidthSpec spec{.name = "cpu", .levels_cpus = {0.5, 1, 2}};
  const auto check = [&spec](auto& machine, const std::string& file, const std::string& found,
                             const std::string& half) {
    const SysfsRoot root(machine.tree.path(), machine.calls);
    const auto plan = plan_bandwidth(root, spec, 4, Subject::group(machine.home));
    DOCTEST_REQUIRE(plan.index() == 0);
    DOCTEST_CHECK(std::get<BandwidthPlan>(plan).spec.levels_cpus ==
                  std::vector<double>{0.5, 1, 1.5});
    {
      ControlGuard guard(root, fail);
      auto control = BandwidthControl::create(root, std::get<BandwidthPlan>(plan), guard);
      DOCTEST_REQUIRE(is_control(control));
      control_of(control).set(0);
      DOCTEST_CHECK(machine.tree.read(machine.home + file) == half);
      DOCTEST_CHECK(control_of(control).granted() == 0.5);
      // No limit of ours is the one that somebody else had set.
      control_of(control).set(2);
      DOCTEST_CHECK(machine.tree.read(machine.home + file) == found);
      DOCTEST_CHECK(control_of(control).granted() == 1.5);
      control_of(control).set(0);
    }
    DOCTEST_CHECK(machine.tree.read(machine.home + file) == found);
    DOCTEST_CHECK(machine.tree.read(machine.home + "/cgroup.procs") == "100\n");
  };
  MachineV1 one;
  one.tree.write(one.home + "/cpu.cfs_quota_us", "150000\n");
  one.tree.write(one.home + "/cpu.cfs_period_us", "100000\n");
  check(one, "/cpu.cfs_quota_us", "150000", "50000");
  MachineV2 two;
  two.tree.write(two.home + "/cpu.max", "150000 100000\n");
  check(two, "/cpu.max", "150000 100000", "5000 10000");
}

DOCTEST_TEST_CASE("what stands in the way of limiting another subject is told") {
  MachineV2 machine;
  const SysfsRoot root(machine.tree.path(), machine.calls);
  const auto told = [&root](const Subject& subject) {
    const auto plan = plan_bandwidth(root, kSpec, 2, subject);
    return plan.index() == 1 ? std::get<Missing>(plan).line() : "";
  };
  DOCTEST_CHECK(told(Subject::process(77)) ==
                "/proc/77/cgroup: does not exist: there is no such process; name one that runs");
  DOCTEST_CHECK(told(Subject::group("/elsewhere/app")) ==
                "/elsewhere/app: is no group of a hierarchy that limits CPU time; name one below " +
                    kV2);
  DOCTEST_CHECK(
      told(Subject::group(kV2 + "/app")).starts_with(kV2 + "/app/cpu.max: does not exist"));
  // Its processes are in several groups, and none would find back.
  machine.tree.write("/proc/200/cgroup", "0::/user.slice/session.scope\n");
  machine.tree.write("/proc/200/stat", "200 (x) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 5 0\n");
  machine.tree.make_folder("/proc/200/task/200");
  machine.tree.write("/proc/200/task/200/children", "201 ");
  machine.tree.write("/proc/201/cgroup", "0::/user.slice/other.scope\n");
  machine.tree.write("/proc/201/stat", "201 (x) S 200 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 5 0\n");
  machine.tree.make_folder("/proc/201/task/201");
  const auto plan = plan_bandwidth(root, kSpec, 2, Subject::process(200));
  DOCTEST_REQUIRE(plan.index() == 0);
  ControlGuard guard(root, nullptr);
  const auto created = BandwidthControl::create(root, std::get<BandwidthPlan>(plan), guard);
  DOCTEST_REQUIRE(created.index() == 1);
  DOCTEST_CHECK(std::get<Missing>(created).reason.find(
                    "process 200 with its children: thread 201 is in " + kV2 +
                    "/user.slice/other.scope, expected all to be in " + machine.home) !=
                std::string::npos);
}

DOCTEST_TEST_CASE("the real kernel limits another process and its children, and takes them back") {
  const SysfsRoot root;
  test::OtherProcess other;
  const pid_t child = other.fork_child();
  const auto group_of = [&root](pid_t process) {
    return root.try_read(fmt::format("/proc/{}/cgroup", process)).value_or("");
  };
  const std::string before = group_of(other.pid());
  const auto plan = plan_bandwidth(root, kSpec, 2, Subject::process(other.pid()));
  if (const auto* missing = std::get_if<Missing>(&plan)) {
    DOCTEST_MESSAGE("skipped: " << missing->line());
    return;
  }
  {
    ControlGuard guard(root, fail);
    auto created = BandwidthControl::create(root, std::get<BandwidthPlan>(plan), guard);
    if (const auto* missing = std::get_if<Missing>(&created)) {
      DOCTEST_MESSAGE("skipped: " << missing->line());
      return;
    }
    const std::string name = fmt::format("rein-{}-{}", getpid(), other.pid());
    const pid_t later = other.fork_child();
    for (const pid_t process : {other.pid(), child, later}) {
      DOCTEST_CHECK(group_of(process).find(name) != std::string::npos);
    }
    DOCTEST_CHECK(group_of(getpid()).find(name) == std::string::npos);
    for (std::size_t level = 0; level < kSpec.levels_cpus.size(); ++level) {
      control_of(created).set(level);
      DOCTEST_CHECK(control_of(created).granted() == kSpec.levels_cpus[level]);
    }
  }
  DOCTEST_CHECK(group_of(other.pid()) == before);
  DOCTEST_CHECK(group_of(child) == before);
}

DOCTEST_TEST_CASE("the real kernel limits a control group, and has its quota again in the end") {
  const SysfsRoot root;
  const auto own = find_cpu_cgroup(root);
  if (const auto* missing = std::get_if<Missing>(&own)) {
    DOCTEST_MESSAGE("skipped: " << missing->line());
    return;
  }
  test::OtherProcess other;
  const std::string group =
      fmt::format("{}/rein-test-{}", std::get<CpuCgroup>(own).parents.front(), getpid());
  if (root.calls().make_directory(root.resolve(group).c_str()) != 0) {
    DOCTEST_MESSAGE("skipped: no control group can be made in "
                    << std::get<CpuCgroup>(own).parents.front());
    return;
  }
  const auto plan = plan_bandwidth(root, kSpec, 2, Subject::group(group));
  if (const auto* missing = std::get_if<Missing>(&plan)) {
    DOCTEST_MESSAGE("skipped: " << missing->line());
  } else {
    root.write(group + "/cgroup.procs", std::to_string(other.pid()));
    const CpuCgroup cgroup = std::get<BandwidthPlan>(plan).cgroup;
    const std::string before = root.read(cgroup.quota_file());
    ThreadList list(root, Subject::group(group));
    std::vector<int> threads;
    DOCTEST_CHECK(list.read(threads) == 0);
    DOCTEST_CHECK(threads == std::vector<int>{other.pid()});
    {
      ControlGuard guard(root, fail);
      auto created = BandwidthControl::create(root, std::get<BandwidthPlan>(plan), guard);
      DOCTEST_REQUIRE(is_control(created));
      for (std::size_t level = 0; level < kSpec.levels_cpus.size(); ++level) {
        control_of(created).set(level);
        DOCTEST_CHECK(control_of(created).granted() == kSpec.levels_cpus[level]);
      }
      control_of(created).set(0);
      DOCTEST_CHECK(root.read(cgroup.quota_file()) != before);
    }
    DOCTEST_CHECK(root.read(cgroup.quota_file()) == before);
  }
  other.end();
  DOCTEST_CHECK(rmdir(root.resolve(group).c_str()) == 0);
}

DOCTEST_TEST_CASE("the real kernel takes a limit and is given everything back") {
  const SysfsRoot root;
  const std::string before = root.read("/proc/self/cgroup");
  {
    ControlGuard guard(root, fail);
    auto control = create(root, guard);
    if (const auto* missing = std::get_if<Missing>(&control)) {
      DOCTEST_MESSAGE("skipped: " << missing->line());
      return;
    }
    DOCTEST_CHECK(root.read("/proc/self/cgroup").find("rein-" + std::to_string(getpid())) !=
                  std::string::npos);
    DOCTEST_CHECK_NOTHROW(control_of(control).set(0));
    DOCTEST_CHECK_NOTHROW(control_of(control).set(2));
  }
  DOCTEST_CHECK(root.read("/proc/self/cgroup") == before);
}

}  // namespace rein
