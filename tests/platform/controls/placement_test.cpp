#include "platform/controls/placement.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <future>
#include <thread>

#include "common/error.hpp"
#include "platform/fake_calls.hpp"
#include "platform/giving_back/control_guard.hpp"
#include "platform/kernel/thread_list.hpp"
#include "support/few_descriptors.hpp"
#include "support/other_process.hpp"
#include "support/sanitized.hpp"
#include "support/temporary_tree.hpp"

namespace rein {

namespace {

struct Machine {
  Machine() {
    for (const int thread : {100, 101}) {
      add_thread(thread);
    }
    calls.cpus_of[101] = {1};
  }
  void add_thread(int thread) {
    tree.make_folder("/proc/self/task/" + std::to_string(thread));
    calls.cpus_of[thread] = {0, 1};
  }

  SysfsRoot root() { return SysfsRoot(tree.path(), calls); }

  test::TemporaryTree tree;
  test::FakeCalls calls;
  std::vector<Place> places{{.name = "two", .cpus = {2}},
                            {.name = "three", .cpus = {3}},
                            {.name = "both", .cpus = {2, 3}, .threads = 2},
                            {.name = "part", .cpus = {3, 9}},
                            {.name = "none", .cpus = {9}}};
};

void fail(const std::string& line) { DOCTEST_FAIL(line); }

}  // namespace

DOCTEST_TEST_CASE("places on a machine that tells of no CPUs ended a probe") {
  const test::TemporaryTree tree;
  std::vector<Place> places{{.name = "all", .cpus = {0, 1}}};
  const auto missing = Placement::leave_out_unusable(tree.root(), places);
  DOCTEST_CHECK(places.empty());
  DOCTEST_REQUIRE(missing.size() == 1);
  DOCTEST_CHECK(missing.front().reason ==
                "the CPUs 0-1 of the place all are offline, none can be used");
}

DOCTEST_TEST_CASE(
    "a process without descriptors was told that the CPUs of its places are offline") {
  if (test::is_skipped_when_sanitized()) {
    return;
  }
  Machine machine;
  auto places = machine.places;
  {
    const test::FewDescriptors none;
    DOCTEST_CHECK_THROWS_AS(Placement::leave_out_unusable(machine.root(), places), ResourceError);
  }
  DOCTEST_CHECK(places.size() == machine.places.size());
  ControlGuard guard(machine.root(), fail);
  Placement placement(machine.root(), "dnn", machine.places, guard);
  placement.set(0);
  // In a run the list of threads is open. Another subject's is not: that is a refusal, which is
  // tried again.
  machine.tree.write("/sys/fs/cgroup/app/tasks", "101\n");
  Placement of_group(machine.root(), "dnn", machine.places, guard,
                     Subject::group("/sys/fs/cgroup/app"));
  {
    const test::FewDescriptors none;
    DOCTEST_CHECK_NOTHROW(placement.set(1));
    DOCTEST_CHECK(of_group.available());
    DOCTEST_CHECK_THROWS_AS(of_group.set(0), Error);
    DOCTEST_CHECK_FALSE(of_group.granted());
  }
  DOCTEST_CHECK(placement.granted() == 1.0);
  of_group.set(0);
  DOCTEST_CHECK(of_group.granted() == 1.0);
}

DOCTEST_TEST_CASE("a place moves every thread, and each gets its own CPUs back") {
  Machine machine;
  {
    ControlGuard guard(machine.root(), fail);
    Placement placement(machine.root(), "dnn", machine.places, guard);
    placement.set(2);
    DOCTEST_CHECK(machine.calls.cpus_of[100] == CpuList{2, 3});
    DOCTEST_CHECK(machine.calls.cpus_of[101] == CpuList{2, 3});
  }
  DOCTEST_CHECK(machine.calls.cpus_of[100] == CpuList{0, 1});
  DOCTEST_CHECK(machine.calls.cpus_of[101] == CpuList{1});
}

DOCTEST_TEST_CASE("a thread that came later is given the main thread's CPUs in the end") {
  Machine machine;
  {
    ControlGuard guard(machine.root(), fail);
    Placement placement(machine.root(), "dnn", machine.places, guard);
    placement.set(0);
    machine.add_thread(102);
    placement.set(1);
    DOCTEST_CHECK(machine.calls.cpus_of[102] == CpuList{3});
  }
  DOCTEST_CHECK(machine.calls.cpus_of[102] == CpuList{0, 1});
}

DOCTEST_TEST_CASE("a thread that ends between listing and moving is no trouble") {
  Machine machine;
  ControlGuard guard(machine.root(), fail);
  Placement placement(machine.root(), "dnn", machine.places, guard);
  machine.calls.cpus_of.erase(101);
  DOCTEST_CHECK_NOTHROW(placement.set(0));
  DOCTEST_CHECK(machine.calls.cpus_of[100] == CpuList{2});
}

DOCTEST_TEST_CASE("CPUs that the kernel refuses or grants only in part are an error") {
  Machine machine;
  ControlGuard guard(machine.root(), fail);
  Placement placement(machine.root(), "dnn", machine.places, guard);
  DOCTEST_CHECK_THROWS_WITH_AS(placement.set(3),
                               "sched_setaffinity: expected CPUs 3,9, found 3 granted", Error);
  DOCTEST_CHECK_THROWS_WITH_AS(
      placement.set(4), "sched_setaffinity: cannot move thread 100 to CPUs 9: Invalid argument",
      Error);
  machine.calls.affinity_error = EPERM;
  DOCTEST_CHECK_THROWS_WITH_AS(
      placement.set(0),
      "sched_setaffinity: cannot move thread 100 to CPUs 2: Operation not permitted", Error);
  machine.calls.affinity_error = 0;
}

DOCTEST_TEST_CASE("the place in force is read back") {
  Machine machine;
  ControlGuard guard(machine.root(), fail);
  Placement placement(machine.root(), "dnn", machine.places, guard);
  DOCTEST_CHECK(placement.control().name == "mapping.dnn");
  DOCTEST_CHECK(placement.granted() == std::nullopt);  // CPUs of no place.
  DOCTEST_CHECK(placement.granted_level() == std::nullopt);
  placement.set(2);
  DOCTEST_CHECK(placement.granted() == 2.0);
  DOCTEST_CHECK(placement.granted_level() == std::size_t{2});
}

DOCTEST_TEST_CASE("a thread that was given a part of its place is still in that place") {
  Machine machine;
  ControlGuard guard(machine.root(), fail);
  Placement placement(machine.root(), "dnn", machine.places, guard);
  placement.set(2);
  machine.calls.cpus_of[100] = {2};  // As the network's threads do with theirs.
  DOCTEST_CHECK(placement.granted() == 2.0);
  machine.calls.cpus_of[100] = {0};  // Somebody else moved it.
  DOCTEST_CHECK(placement.granted() == std::nullopt);
}

DOCTEST_TEST_CASE("a place takes CPUs offline that no other place leaves so, and all come back") {
  Machine machine;
  const auto online = [&machine](int cpu) {
    return machine.tree.root().read("/sys/devices/system/cpu/cpu" + std::to_string(cpu) +
                                    "/online");
  };
  machine.tree.write("/sys/devices/system/cpu/online", "0-3\n");
  machine.calls.cpus_of[100] = {0, 1, 2, 3};
  for (const char* cpu : {"1", "2", "3"}) {
    machine.tree.write(std::string("/sys/devices/system/cpu/cpu") + cpu + "/online", "1\n");
  }
  machine.places = {{.name = "big", .cpus = {2, 3}, .threads = 2, .offline = {1}},
                    {.name = "little", .cpus = {0, 1}, .threads = 2, .offline = {2, 3}},
                    {.name = "all", .cpus = {0, 1, 2, 3}, .threads = 4}};
  auto places = machine.places;
  DOCTEST_CHECK(Placement::leave_out_unusable(machine.root(), places).empty());
  DOCTEST_CHECK(places.size() == 3);
  {
    ControlGuard guard(machine.root(), fail);
    Placement placement(machine.root(), "dnn", machine.places, guard);
    placement.set(0);
    DOCTEST_CHECK(online(1) == "0");
    DOCTEST_CHECK(online(2) == "1");
    placement.set(1);
    DOCTEST_CHECK(online(1) == "1");
    DOCTEST_CHECK(online(2) == "0");
    DOCTEST_CHECK(online(3) == "0");
    machine.calls.written.clear();
    placement.set(1);
    DOCTEST_CHECK(machine.calls.written.empty());
  }
  for (const int cpu : {1, 2, 3}) {
    DOCTEST_CHECK(online(cpu) == "1");
  }
}

DOCTEST_TEST_CASE("what stands in the way of places is told, of one reason in one line") {
  Machine machine;
  machine.calls.cpus_of[100] = {0, 1, 2};
  machine.tree.write("/sys/devices/system/cpu/online", "0-2\n");
  auto places = machine.places;
  const auto missing = Placement::leave_out_unusable(machine.root(), places);
  DOCTEST_REQUIRE(missing.size() == 1);
  DOCTEST_CHECK(
      missing[0].line() ==
      "/sys/devices/system/cpu/online: the CPUs 3,9 of the places three, both, part, none "
      "are offline, only 0-2 can be used; bring them online, or take what names them out "
      "of the board file");
  DOCTEST_REQUIRE(places.size() == 1);
  DOCTEST_CHECK(places[0].name == "two");

  places = {{.name = "rest", .cpus = {1}, .offline = {0}}};
  DOCTEST_CHECK(Placement::leave_out_unusable(machine.root(), places).at(0).line() ==
                "/sys/devices/system/cpu/cpu0/online: cannot be written, but the place rest takes "
                "the CPU offline; run as root; some CPUs, often the first, cannot go offline at "
                "all");
  DOCTEST_CHECK(places.empty());
}

DOCTEST_TEST_CASE("what this process was started on was widened to all that is online") {
  Machine machine;
  machine.tree.write("/sys/devices/system/cpu/online", "0-3\n");
  machine.calls.cpus_of[100] = {2};
  auto places = machine.places;
  const auto missing = Placement::leave_out_unusable(machine.root(), places);
  DOCTEST_REQUIRE(places.size() == 1);
  DOCTEST_CHECK(places[0].name == "two");
  DOCTEST_CHECK(missing.at(0).path == "sched_getaffinity");
  DOCTEST_CHECK(missing[0].reason ==
                "the CPUs 3,9 of the places three, both, part, none are not ours, only 2 can be "
                "used");
}

DOCTEST_TEST_CASE(
    "a place of isolated CPUs, which nobody is started on by default, is for a board "
    "file") {
  Machine machine;
  machine.tree.write("/sys/devices/system/cpu/online", "0-3\n");
  machine.tree.write("/sys/devices/system/cpu/isolated", "2-3\n");
  machine.calls.cpus_of[100] = {0, 1};
  auto places = machine.places;
  Placement::leave_out_unusable(machine.root(), places);
  DOCTEST_CHECK(places.size() == 3);
  // Somebody chose CPU 0 for this process: that is the limit.
  machine.calls.cpus_of[100] = {0};
  places = machine.places;
  Placement::leave_out_unusable(machine.root(), places);
  DOCTEST_CHECK(places.empty());
}

DOCTEST_TEST_CASE("after a refusal the threads were left on a part of the place that was refused") {
  Machine machine;
  ControlGuard guard(machine.root(), fail);
  Placement placement(machine.root(), "dnn", machine.places, guard);
  DOCTEST_CHECK_THROWS_AS(placement.set(3), Error);
  DOCTEST_CHECK(machine.calls.cpus_of[100] == CpuList{0, 1});
  DOCTEST_CHECK(machine.calls.cpus_of[101] == CpuList{1});
  placement.set(2);
  DOCTEST_CHECK_THROWS_AS(placement.set(3), Error);
  DOCTEST_CHECK(machine.calls.cpus_of[100] == CpuList{2, 3});
  DOCTEST_CHECK(placement.granted() == 2.0);
}

DOCTEST_TEST_CASE("threads that cannot be listed are an error") {
  const test::TemporaryTree tree;
  test::FakeCalls calls;
  const SysfsRoot root(tree.path(), calls);
  ControlGuard guard(root, fail);
  DOCTEST_CHECK_THROWS_AS(Placement(root, "dnn", {}, guard), Error);
}

DOCTEST_TEST_CASE("the threads of this very process are moved and given back") {
  SystemCalls& calls = SystemCalls::kernel();
  const CpuList before = calls.affinity(0).value();
  std::promise<int> id;
  std::promise<void> end;
  std::thread other([&] {
    id.set_value(gettid());
    end.get_future().wait();
  });
  const int other_id = id.get_future().get();
  {
    ControlGuard guard(SysfsRoot(), fail);
    Placement placement(SysfsRoot(), "dnn", {{.name = "last", .cpus = {before.back()}}}, guard);
    placement.set(0);
    DOCTEST_CHECK(calls.affinity(0) == CpuList{before.back()});
    DOCTEST_CHECK(calls.affinity(other_id) == CpuList{before.back()});
  }
  DOCTEST_CHECK(calls.affinity(0) == before);
  DOCTEST_CHECK(calls.affinity(other_id) == before);
  end.set_value();
  other.join();
}

DOCTEST_TEST_CASE("another process is moved with its threads and children, and given back") {
  const SysfsRoot root;
  const auto cpus = *root.calls().affinity(getpid());
  if (cpus.size() < 2) {
    DOCTEST_MESSAGE("skipped: one CPU is no choice");
    return;
  }
  const CpuList first{cpus[0]};
  const CpuList second{cpus[1]};
  test::OtherProcess other;
  const Subject subject = Subject::process(other.pid());
  other.start_thread();
  const pid_t child = other.fork_child();
  root.calls().set_affinity(child, second);
  ThreadList list(root, subject);
  const auto are_on = [&](const CpuList& wanted) {
    std::vector<int> threads;
    list.read(threads);
    return threads.size() > 2 && std::ranges::all_of(threads, [&](int thread) {
             return root.calls().affinity(thread) == wanted;
           });
  };
  {
    ControlGuard guard(root, fail);
    Placement placement(root, "dnn", {{.name = "a", .cpus = first}, {.name = "b", .cpus = second}},
                        guard, subject);
    DOCTEST_CHECK(placement.available());
    placement.set(0);
    DOCTEST_CHECK(are_on(first));
    DOCTEST_CHECK(placement.granted() == 1.0);
    DOCTEST_CHECK(root.calls().affinity(getpid()) == cpus);
    // What comes later has its parent's; what leaves its place is seen.
    other.start_thread();
    DOCTEST_CHECK(are_on(first));
    root.calls().set_affinity(child, cpus);
    DOCTEST_CHECK_FALSE(placement.granted());
    placement.set(1);
    DOCTEST_CHECK(are_on(second));
  }
  DOCTEST_CHECK(root.calls().affinity(other.pid()) == cpus);
  DOCTEST_CHECK(root.calls().affinity(child) == second);
}

DOCTEST_TEST_CASE("a process that ends is no trouble for its place") {
  const SysfsRoot root;
  const auto cpus = *root.calls().affinity(getpid());
  test::OtherProcess other;
  ControlGuard guard(root, fail);
  Placement placement(root, "dnn", {{.name = "all", .cpus = cpus}}, guard,
                      Subject::process(other.pid()));
  placement.set(0);
  other.end();
  DOCTEST_CHECK_FALSE(placement.available());
  placement.set(0);
  DOCTEST_CHECK_FALSE(placement.granted());
}

DOCTEST_TEST_CASE("a control group is placed by its threads, and may be empty for a while") {
  Machine machine;
  const std::string group = "/sys/fs/cgroup/app";
  machine.tree.write("/sys/devices/system/cpu/online", "0-3\n");
  ControlGuard guard(machine.root(), fail);
  Placement placement(machine.root(), "dnn", machine.places, guard, Subject::group(group));
  DOCTEST_CHECK_FALSE(placement.available());
  machine.tree.write(group + "/cgroup.threads", "300\n");
  machine.tree.write(group + "/below/cgroup.threads", "301\n");
  machine.calls.cpus_of[300] = machine.calls.cpus_of[301] = {0};
  DOCTEST_CHECK(placement.available());
  placement.set(2);
  DOCTEST_CHECK(machine.calls.cpus_of[300] == CpuList{2, 3});
  DOCTEST_CHECK(machine.calls.cpus_of[301] == CpuList{2, 3});
  DOCTEST_CHECK(machine.calls.cpus_of[100] == CpuList{0, 1});
  DOCTEST_CHECK(placement.granted() == 2.0);
  // A part of the place is in it; elsewhere is not.
  machine.calls.cpus_of[301] = {3};
  DOCTEST_CHECK(placement.granted() == 2.0);
  machine.calls.cpus_of[301] = {0, 3};
  DOCTEST_CHECK_FALSE(placement.granted());
}

}  // namespace rein
