#include "platform/co_runners/co_runner_group.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "platform/co_runners/co_runner_process.hpp"
#include "platform/giving_back/guardian.hpp"
#include "platform/giving_back/state_file.hpp"
#include "platform/kernel/sysfs_root.hpp"
#include "support/real_process.hpp"
#include "support/temporary_tree.hpp"

namespace rein {

using test::Family;
using test::fork_owner;
using test::kill_and_wait;
using test::kTellAndDaemonise;
using test::Parents;
using test::PidPipe;
using test::shell;
using test::status_line;
using test::usable_parents;
using test::wait_to_be_killed;
using test::wait_until;
using test::Watch;

namespace {

/// The groups below `parent` of the process.
int count_groups(const std::filesystem::path& parent, pid_t owner) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(parent)) {
    count += entry.path().filename().string().starts_with(fmt::format("rein-co-runner-{}-", owner))
                 ? 1
                 : 0;
  }
  return count;
}

void write_machine(const test::TemporaryTree& tree, const std::string& mounts,
                   const std::string& groups) {
  tree.write("/proc/self/mountinfo", mounts);
  tree.write("/proc/self/cgroup", groups);
}

constexpr const char* kUnified = "30 24 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";

}  // namespace

DOCTEST_TEST_CASE("what a co-runner detached outlived a SIGKILL of its supervisor") {
  auto parents = usable_parents();
  parents.emplace_back();  // Without a group too.
  for (const auto& each : parents) {
    const PidPipe pipe;
    CoRunnerProcess process(shell(kTellAndDaemonise, pipe), each);
    process.start();
    const Family family = Family::of(pipe);
    DOCTEST_CHECK_FALSE(family.daemon.is_gone());
    DOCTEST_CHECK(kill(family.supervisor, SIGKILL) == 0);
    DOCTEST_CHECK(family.daemon.wait_gone());
    DOCTEST_CHECK(family.command.wait_gone());
    DOCTEST_CHECK(wait_until(process, [&process] { return !process.trouble().empty(); }));
    DOCTEST_CHECK(process.trouble() == "its supervisor is gone");
    DOCTEST_CHECK_FALSE(process.running());
    DOCTEST_CHECK((each.empty() || count_groups(each.front(), getpid()) == 0));
  }
}

DOCTEST_TEST_CASE("what a co-runner detached outlived a SIGKILL of owner and supervisor") {
  auto parents = usable_parents();
  parents.emplace_back();
  for (const auto& each : parents) {
    const PidPipe pipe;
    const pid_t owner = fork_owner([&] {
      CoRunnerProcess process(shell(kTellAndDaemonise, pipe), each);
      process.start();
      wait_to_be_killed();
    });
    const Family family = Family::of(pipe);
    const Watch keeper(family.keeper);
    kill(family.supervisor, SIGKILL);
    kill_and_wait(owner);
    DOCTEST_CHECK(family.daemon.wait_gone());
    DOCTEST_CHECK(keeper.wait_gone());
    DOCTEST_CHECK((each.empty() || count_groups(each.front(), owner) == 0));
  }
}

DOCTEST_TEST_CASE("a supervisor whose keeper was killed does its work") {
  const PidPipe pipe;
  CoRunnerProcess process(shell(kTellAndDaemonise, pipe));
  process.start();
  const Family family = Family::of(pipe);
  kill(family.keeper, SIGKILL);
  process.stop();
  DOCTEST_CHECK(family.daemon.wait_gone());
  DOCTEST_CHECK(wait_until(process, [&process] { return !process.stopping(); }));
  process.start();
  DOCTEST_CHECK_FALSE(Watch(pipe.next()).is_gone());
  DOCTEST_CHECK(process.trouble().empty());
}

DOCTEST_TEST_CASE("a supervisor that hangs kept its co-runner alive") {
  const PidPipe pipe;
  const pid_t owner = fork_owner([&] {
    CoRunnerProcess process(shell(kTellAndDaemonise, pipe));
    process.start();
    wait_to_be_killed();
  });
  const Family family = Family::of(pipe);
  const Watch supervisor(family.supervisor);
  kill(family.supervisor, SIGSTOP);
  kill_and_wait(owner);
  DOCTEST_CHECK(supervisor.wait_gone());
  DOCTEST_CHECK(family.daemon.wait_gone());
}

DOCTEST_TEST_CASE("with supervisor and keeper killed, the owner kills what is in the group") {
  for (const auto& each : usable_parents()) {
    DOCTEST_CAPTURE(each.front());
    const PidPipe pipe;
    {
      CoRunnerProcess process(shell(kTellAndDaemonise, pipe), each);
      process.start();
      const Family family = Family::of(pipe);
      DOCTEST_CHECK(count_groups(each.front(), getpid()) == 1);
      family.kill_supervisor_and_keeper();
      DOCTEST_CHECK_FALSE(family.daemon.is_gone());
      DOCTEST_CHECK(wait_until(process, [&process] { return !process.trouble().empty(); }));
      DOCTEST_CHECK(process.trouble() == "its supervisor is gone");
      DOCTEST_CHECK(family.daemon.wait_gone());
    }
    DOCTEST_CHECK(count_groups(each.front(), getpid()) == 0);
  }
}

DOCTEST_TEST_CASE("with the owner killed too, who comes next ends what is in the group") {
  for (const auto& each : usable_parents()) {
    DOCTEST_CAPTURE(each.front());
    const PidPipe pipe;
    const pid_t owner = fork_owner([&] {
      CoRunnerProcess process(shell(kTellAndDaemonise, pipe), each);
      process.start();
      wait_to_be_killed();
    });
    const Family family = Family::of(pipe);
    kill_and_wait(owner);
    family.kill_supervisor_and_keeper();
    CoRunnerLeftovers(SysfsRoot()).end();
    DOCTEST_CHECK(family.daemon.wait_gone());
    DOCTEST_CHECK(count_groups(each.front(), owner) == 0);
  }
}

DOCTEST_TEST_CASE("with all but the guardian killed, it ends what is in the group") {
  for (const auto& each : usable_parents()) {
    DOCTEST_CAPTURE(each.front());
    const PidPipe pipe;
    const test::TemporaryTree tree;
    const pid_t owner = fork_owner([&] {
      const StateFile state(tree.path() / "state", tree.root());
      const Guardian guardian(SysfsRoot(), state, -1);
      CoRunnerProcess process(shell(kTellAndDaemonise, pipe), each);
      process.start();
      wait_to_be_killed();
    });
    const Family family = Family::of(pipe);
    family.kill_supervisor_and_keeper();
    DOCTEST_CHECK_FALSE(family.daemon.is_gone());
    kill_and_wait(owner);
    DOCTEST_CHECK(family.daemon.wait_gone());
  }
}

DOCTEST_TEST_CASE("the group of a run that lives is left alone") {
  for (const auto& each : usable_parents()) {
    const PidPipe pipe;
    CoRunnerProcess process(shell(kTellAndDaemonise, pipe), each);
    process.start();
    const Family family = Family::of(pipe);
    const CoRunnerLeftovers leftovers{SysfsRoot()};
    DOCTEST_CHECK(leftovers.end().attended == 1);
    DOCTEST_CHECK_FALSE(family.daemon.is_gone());
    DOCTEST_CHECK(count_groups(each.front(), getpid()) == 1);
    DOCTEST_CHECK(test::wait_running(process));
  }
}

DOCTEST_TEST_CASE("a co-runner is in its group when it starts, another user's too") {
  for (const auto& each : usable_parents()) {
    for (const bool as_another : {false, true}) {
      if (as_another && geteuid() != 0) {
        DOCTEST_MESSAGE("SKIPPED: only root can run as somebody else");
        continue;
      }
      const PidPipe pipe;
      auto command = shell("grep -c rein-co-runner- /proc/self/cgroup > \"$0\"", pipe);
      command.user = as_another ? std::optional<std::string>("nobody") : std::nullopt;
      CoRunnerProcess process(command, each);
      for (int round = 0; round < 2; ++round) {
        process.start();
        DOCTEST_CHECK(pipe.next_line() == "1");
        process.stop();
      }
    }
    DOCTEST_CHECK(count_groups(each.front(), getpid()) == 0);
  }
}

DOCTEST_TEST_CASE("groups that a co-runner made below its own stayed") {
  for (const auto& each : usable_parents()) {
    const PidPipe pipe;
    {
      CoRunnerProcess process(
          {.name = "shell",
           .argv = {"sh", "-c",
                    "g=\"$1\"/$(grep -o 'rein-co-runner-.*' /proc/self/cgroup)/inner; "
                    "mkdir -p $g/most && echo 0 > $g/most/cgroup.procs; "
                    "echo $$ > \"$0\"; trap '' TERM; while :; do sleep 1000; "
                    "done",
                    pipe.path(), each.front()},
           .cpus = {},
           .user = {}},
          each);
      process.start();
      const Watch command(pipe.next());
      DOCTEST_CHECK(std::filesystem::exists(process.group()->path() / "inner" / "most"));
    }
    DOCTEST_CHECK(count_groups(each.front(), getpid()) == 0);
  }
}

DOCTEST_TEST_CASE("a co-runner that forks all the time is ended as a whole") {
  for (const auto& each : usable_parents()) {
    DOCTEST_CAPTURE(each.front());
    const PidPipe pipe;
    const pid_t owner = fork_owner([&] {
      CoRunnerProcess process(
          shell("trap '' TERM; echo $$ > \"$0\"; f() { while :; do (setsid sleep 0.01 &); done; }; "
                "f & f & f",
                pipe),
          each);
      process.start();
      wait_to_be_killed();
    });
    const pid_t command = pipe.next();
    const Watch supervisor(std::stoi(status_line(command, "PPid")));
    const Watch watch(command);
    kill_and_wait(owner);
    DOCTEST_CHECK(watch.wait_gone());
    DOCTEST_CHECK(supervisor.wait_gone());
  }
}

DOCTEST_TEST_CASE("without control groups nothing is made, and a co-runner runs as before") {
  const test::TemporaryTree tree;
  const PidPipe pipe;
  {
    CoRunnerProcess process(shell(kTellAndDaemonise, pipe),
                            {tree.path(), tree.path() / "none", "/proc"});
    DOCTEST_CHECK(process.group() == nullptr);
    process.start();
    const Family family = Family::of(pipe);
    process.stop();
    DOCTEST_CHECK(family.daemon.wait_gone());
  }
  DOCTEST_CHECK(std::filesystem::is_empty(tree.path()));
}

DOCTEST_TEST_CASE("groups of co-runners are where none divides CPU time, memory or I/O") {
  const test::TemporaryTree tree;
  const auto in_tree = [&tree](const Parents& paths) {
    Parents parents;
    for (const auto& path : paths) {
      parents.push_back(tree.root().resolve(path));
    }
    return parents;
  };
  DOCTEST_SUBCASE("version 1 and 2") {
    write_machine(tree,
                  "30 24 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
                  "31 24 0:27 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
                  "32 24 0:28 / /sys/fs/cgroup/freezer rw - cgroup cgroup rw,freezer\n"
                  "33 24 0:29 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n"
                  "34 24 0:30 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
                  "5:cpu,cpuacct:/user\n4:pids:/user\n3:freezer:/\n1:name=systemd:/user/1\n"
                  "0::/user/1\n");
    tree.write("/sys/fs/cgroup/unified/user/1/cgroup.events", "populated 1\n");
    DOCTEST_CHECK(CoRunnerGroup::parents(tree.root()) ==
                  in_tree({"/sys/fs/cgroup/unified/user/1", "/sys/fs/cgroup/freezer",
                           "/sys/fs/cgroup/pids/user", "/sys/fs/cgroup/systemd/user/1"}));
  }
  DOCTEST_SUBCASE("all controllers in one hierarchy") {
    write_machine(tree, "30 24 0:26 / /cgroup rw - cgroup none rw,cpu,memory,freezer\n",
                  "1:cpu,memory,freezer:/\n");
    DOCTEST_CHECK(CoRunnerGroup::parents(tree.root()).empty());
  }
  DOCTEST_SUBCASE("in a group of version 2, which has processes and so hands nothing down") {
    write_machine(tree, kUnified, "0::/user.slice/session-3.scope\n");
    tree.write("/sys/fs/cgroup/user.slice/session-3.scope/cgroup.events", "populated 1\n");
    tree.write("/sys/fs/cgroup/user.slice/session-3.scope/cgroup.controllers", "cpu memory\n");
    tree.write("/sys/fs/cgroup/user.slice/session-3.scope/cgroup.subtree_control", "\n");
    DOCTEST_CHECK(CoRunnerGroup::parents(tree.root()) ==
                  in_tree({"/sys/fs/cgroup/user.slice/session-3.scope"}));
  }
  DOCTEST_SUBCASE("at the top of version 2, which can hand the controller cpu down at any time") {
    write_machine(tree, kUnified, "0::/\n");
    tree.write("/sys/fs/cgroup/cgroup.controllers", "cpu memory pids\n");
    tree.write("/sys/fs/cgroup/cgroup.subtree_control", "\n");
    DOCTEST_CHECK(CoRunnerGroup::parents(tree.root()).empty());
  }
  DOCTEST_SUBCASE("no control groups") {
    DOCTEST_CHECK(CoRunnerGroup::parents(tree.root()).empty());
  }
}

DOCTEST_TEST_CASE("below a tree nothing of this machine is ended") {
  const test::TemporaryTree tree;
  write_machine(tree, kUnified, "0::/\n");
  tree.make_folder("/sys/fs/cgroup/rein-co-runner-1-0");
  tree.make_folder(fmt::format("/proc/self/task/{}", getpid()));
  const auto ended = CoRunnerLeftovers(tree.root()).end();
  DOCTEST_CHECK(ended.line().empty());
  DOCTEST_CHECK(tree.exists("/sys/fs/cgroup/rein-co-runner-1-0"));
}

DOCTEST_TEST_CASE("what was left of co-runners is told in a line") {
  using Ended = CoRunnerLeftovers::Ended;
  DOCTEST_CHECK(Ended{}.line().empty());
  DOCTEST_CHECK(Ended{.attended = 3}.line().empty());
  DOCTEST_CHECK(Ended{.processes = 1}.line() ==
                "co-runners of a run that was killed had left 1 process: ended");
  DOCTEST_CHECK(Ended{.processes = 2, .stuck = 1}.line() ==
                "co-runners of a run that was killed had left 2 processes: ended; co-runners of a "
                "run that was killed have left 1 control group with processes that cannot be "
                "ended");
}

}  // namespace rein
