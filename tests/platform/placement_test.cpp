#include "platform/placement.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <future>
#include <thread>

#include "common/error.hpp"
#include "platform/control_guard.hpp"
#include "platform/fake_calls.hpp"
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

  test::TemporaryTree tree;
  test::FakeCalls calls;
};

}  // namespace

DOCTEST_TEST_CASE("a place moves every thread, and each gets its own CPUs back") {
  Machine machine;
  {
    ControlGuard guard(nullptr);
    Placement placement(machine.tree.root(), machine.calls, guard);
    placement.set({2, 3});
    DOCTEST_CHECK(machine.calls.cpus_of[100] == CpuList{2, 3});
    DOCTEST_CHECK(machine.calls.cpus_of[101] == CpuList{2, 3});
  }
  DOCTEST_CHECK(machine.calls.cpus_of[100] == CpuList{0, 1});
  DOCTEST_CHECK(machine.calls.cpus_of[101] == CpuList{1});
}

DOCTEST_TEST_CASE("a thread that came later is given the main thread's CPUs in the end") {
  Machine machine;
  {
    ControlGuard guard(nullptr);
    Placement placement(machine.tree.root(), machine.calls, guard);
    placement.set({2});
    machine.add_thread(102);
    placement.set({3});
    DOCTEST_CHECK(machine.calls.cpus_of[102] == CpuList{3});
  }
  DOCTEST_CHECK(machine.calls.cpus_of[102] == CpuList{0, 1});
}

DOCTEST_TEST_CASE("a thread that ends between listing and moving is no trouble") {
  Machine machine;
  ControlGuard guard([](const std::string& problem) { DOCTEST_FAIL(problem); });
  Placement placement(machine.tree.root(), machine.calls, guard);
  machine.calls.cpus_of.erase(101);
  DOCTEST_CHECK_NOTHROW(placement.set({2}));
  DOCTEST_CHECK(machine.calls.cpus_of[100] == CpuList{2});
}

DOCTEST_TEST_CASE("CPUs that the kernel refuses or grants only in part are an error") {
  Machine machine;
  ControlGuard guard(nullptr);
  Placement placement(machine.tree.root(), machine.calls, guard);
  DOCTEST_CHECK_THROWS_WITH_AS(placement.set({3, 9}),
                               "sched_setaffinity: expected CPUs 3,9, found 3 granted", Error);
  DOCTEST_CHECK_THROWS_WITH_AS(
      placement.set({9}), "sched_setaffinity: cannot move thread 100 to CPUs 9: Invalid argument",
      Error);
  machine.calls.affinity_error = EPERM;
  DOCTEST_CHECK_THROWS_WITH_AS(
      placement.set({1}),
      "sched_setaffinity: cannot move thread 100 to CPUs 1: Operation not permitted", Error);
  machine.calls.affinity_error = 0;
}

DOCTEST_TEST_CASE("threads that cannot be listed are an error") {
  const test::TemporaryTree tree;
  test::FakeCalls calls;
  ControlGuard guard(nullptr);
  DOCTEST_CHECK_THROWS_AS(Placement(tree.root(), calls, guard), Error);
}

DOCTEST_TEST_CASE("the threads of this very process are moved and given back") {
  SystemCalls calls;
  const CpuList before = calls.affinity(0).value();
  std::promise<int> id;
  std::promise<void> end;
  std::thread other([&] {
    id.set_value(gettid());
    end.get_future().wait();
  });
  const int other_id = id.get_future().get();
  {
    ControlGuard guard(nullptr);
    Placement placement(SysfsRoot(), calls, guard);
    placement.set({before.back()});
    DOCTEST_CHECK(calls.affinity(0) == CpuList{before.back()});
    DOCTEST_CHECK(calls.affinity(other_id) == CpuList{before.back()});
  }
  DOCTEST_CHECK(calls.affinity(0) == before);
  DOCTEST_CHECK(calls.affinity(other_id) == before);
  end.set_value();
  other.join();
}

}  // namespace rein
