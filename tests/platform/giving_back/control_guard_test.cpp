#include "platform/giving_back/control_guard.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <functional>
#include <new>
#include <string>
#include <vector>

#include "common/error.hpp"
#include "common/printable.hpp"
#include "platform/giving_back/machine_lock.hpp"
#include "platform/giving_back/state_file.hpp"
#include "support/faulty_calls.hpp"
#include "support/sanitized.hpp"
#include "support/temporary_tree.hpp"

namespace rein {

namespace {

void fail(const std::string& line) { DOCTEST_FAIL(line); }

constexpr int kThrew = 99;

/// What `work` does in a process of its own. @return as of waitpid().
int in_child(const std::function<void()>& work) {
  const pid_t child = fork();
  if (child == 0) {
    try {
      work();
    } catch (...) {
      _exit(kThrew);  // What goes on from here would run the rest of the tests twice.
    }
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

/// The lock is free when the guardian has finished.
void wait_for_guardian(const test::TemporaryTree& tree) { const MachineLock lock(tree.root()); }

const std::string kState = "/var/lib/rein/state";

}  // namespace

DOCTEST_TEST_CASE("what was noted is put back in reverse order when the guard ends") {
  const test::TemporaryTree tree;
  std::vector<int> order;
  {
    ControlGuard guard(tree.root(), fail);
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
    ControlGuard guard(tree.root(), fail);
    guard.save("/sys/governor");
    tree.root().write("/sys/governor", "userspace");
    throw Error("stop");
  } catch (const Error&) {
  }
  DOCTEST_CHECK(tree.read("/sys/governor") == "ondemand");
}

DOCTEST_TEST_CASE("what was not changed is not written") {
  const test::TemporaryTree tree;
  test::FaultyCalls calls;
  tree.write("/sys/governor", "ondemand\n");
  {
    ControlGuard guard(SysfsRoot(tree.path(), calls), fail);
    guard.save("/sys/governor");
  }
  DOCTEST_CHECK(calls.num_writes == 0);
}

DOCTEST_TEST_CASE("what cannot be put back is reported, and the rest is put back") {
  const test::TemporaryTree tree;
  tree.write("/sys/first", "1");
  tree.write("/sys/second", "2");
  tree.write("/sys/third", "3");
  test::FaultyCalls calls;
  std::vector<std::string> problems;
  {
    ControlGuard guard(SysfsRoot(tree.path(), calls),
                       [&problems](const std::string& line) { problems.push_back(line); });
    for (const char* file : {"/sys/first", "/sys/second", "/sys/third"}) {
      guard.save(file);
      tree.write(file, "10");
    }
    calls.write_errors["/sys/second"] = EBUSY;
    calls.open_errors["/sys/third"] = ENODEV;
  }
  DOCTEST_CHECK(tree.read("/sys/first") == "1");
  const std::string sys = (tree.path() / "sys").string();
  DOCTEST_CHECK(problems ==
                std::vector<std::string>{
                    "not restored: " + sys + "/third: expected '3': No such device",
                    "not restored: " + sys + "/second: expected '2': Device or resource busy"});
}

DOCTEST_TEST_CASE("what cannot be saved is not to be changed") {
  const test::TemporaryTree tree;
  ControlGuard guard(tree.root(), fail);
  DOCTEST_CHECK_THROWS_AS(guard.save("/sys/none"), Error);
}

DOCTEST_TEST_CASE("putting back twice does nothing the second time") {
  const test::TemporaryTree tree;
  int count = 0;
  ControlGuard guard(tree.root(), fail);
  guard.on_restore([&count] { ++count; });
  guard.restore();
  guard.restore();
  DOCTEST_CHECK(count == 1);
}

DOCTEST_TEST_CASE("a part can be put back before the rest") {
  const test::TemporaryTree tree;
  tree.write("/sys/first", "1");
  tree.write("/sys/second", "2");
  ControlGuard guard(tree.root(), fail);
  guard.save("/sys/first");
  const std::size_t mark = guard.mark();
  guard.save("/sys/second");
  tree.write("/sys/first", "10");
  tree.write("/sys/second", "20");
  DOCTEST_CHECK(guard.restore_part(mark, guard.mark()));
  DOCTEST_CHECK(tree.read("/sys/first") == "10");
  DOCTEST_CHECK(tree.read("/sys/second") == "2");
}

DOCTEST_TEST_CASE("a state file is there while something is to be put back, and gone afterwards") {
  const test::TemporaryTree tree;
  tree.write("/sys/governor", "ondemand\n");
  {
    ControlGuard guard(tree.root(), fail, ControlGuard::Reach::kMachine);
    guard.save("/sys/governor");
    guard.remove_group("/sys/fs/cgroup/rein-1", "/sys/fs/cgroup");
    guard.restore_by_writing("/sys/lock", "0");
    const std::string text = tree.read(kState);
    const std::string sys = (tree.path() / "sys").string();
    DOCTEST_CHECK(text.starts_with("rein-state 1 " + std::to_string(getpid()) + " "));
    DOCTEST_CHECK(text.find("\nvalue " + sys + "/governor\tondemand\n") != std::string::npos);
    DOCTEST_CHECK(text.find("\ngroup " + sys + "/fs/cgroup/rein-1\t" + sys + "/fs/cgroup\n") !=
                  std::string::npos);
    DOCTEST_CHECK(text.ends_with("\nwrite " + sys + "/lock\t0\n"));
    tree.write("/sys/lock", "1");
  }
  DOCTEST_CHECK_FALSE(tree.exists(kState));
  DOCTEST_CHECK(tree.read("/sys/lock") == "0");
}

DOCTEST_TEST_CASE("after SIGKILL, abort and a crash the guardian puts everything back") {
  for (const int signal : {SIGKILL, SIGABRT, SIGSEGV, SIGTERM}) {
    DOCTEST_CAPTURE(signal);
    const test::TemporaryTree tree;
    tree.write("/sys/governor", "ondemand\n");
    tree.write("/sys/min", "1\n");
    const int status = in_child([&] {
      std::signal(signal, SIG_DFL);
      ControlGuard guard(tree.root(), nullptr, ControlGuard::Reach::kMachine);
      guard.save("/sys/governor");
      guard.save("/sys/min");
      tree.root().write("/sys/governor", "userspace");
      tree.root().write("/sys/min", "2");
      kill(0 + getpid(), signal);
    });
    DOCTEST_CHECK(WIFSIGNALED(status));
    wait_for_guardian(tree);
    DOCTEST_CHECK(tree.read("/sys/governor") == "ondemand");
    DOCTEST_CHECK(tree.read("/sys/min") == "1");
    DOCTEST_CHECK_FALSE(tree.exists(kState));
  }
}

DOCTEST_TEST_CASE("what ends a whole process group does not end the guardian") {
  const test::TemporaryTree tree;
  tree.write("/sys/governor", "ondemand\n");
  in_child([&] {
    setpgid(0, 0);
    ControlGuard guard(tree.root(), nullptr, ControlGuard::Reach::kMachine);
    guard.save("/sys/governor");
    tree.root().write("/sys/governor", "userspace");
    // To all of the group, as a terminal and a shell do.
    kill(0, SIGKILL);
  });
  wait_for_guardian(tree);
  DOCTEST_CHECK(tree.read("/sys/governor") == "ondemand");
}

DOCTEST_TEST_CASE("a run that was killed but not waited for does not keep the next one out") {
  const test::TemporaryTree tree;
  const pid_t child = fork();
  if (child == 0) {
    const ControlGuard guard(tree.root(), nullptr, ControlGuard::Reach::kMachine);
    raise(SIGKILL);
  }
  siginfo_t ended{};
  DOCTEST_REQUIRE(waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT) == 0);
  DOCTEST_CHECK_NOTHROW(ControlGuard(tree.root(), fail, ControlGuard::Reach::kMachine));
  waitpid(child, nullptr, 0);
}

DOCTEST_TEST_CASE("a second run is told who the first is however often it asks") {
  const test::TemporaryTree tree;
  const ControlGuard guard(tree.root(), fail, ControlGuard::Reach::kMachine);
  for (int attempt = 0; attempt < 20; ++attempt) {
    DOCTEST_CHECK_THROWS_WITH_AS(MachineLock(tree.root()),
                                 ("this machine is managed by another run, process " +
                                  std::to_string(getpid()) + ": wait for its end, or end it")
                                     .c_str(),
                                 Error);
  }
}

DOCTEST_TEST_CASE("a second run on the same machine is refused, and one elsewhere is not") {
  const test::TemporaryTree tree;
  const test::TemporaryTree other;
  const ControlGuard guard(tree.root(), fail, ControlGuard::Reach::kMachine);
  DOCTEST_CHECK_THROWS_WITH_AS(ControlGuard(tree.root(), fail, ControlGuard::Reach::kMachine),
                               ("this machine is managed by another run, process " +
                                std::to_string(getpid()) + ": wait for its end, or end it")
                                   .c_str(),
                               Error);
  DOCTEST_CHECK_NOTHROW(ControlGuard(other.root(), fail, ControlGuard::Reach::kMachine));
  DOCTEST_CHECK_THROWS_AS(restore_leftover(tree.root(), tree.root().resolve(kState)), Error);
}

namespace {

/// A run whose guardian was killed as well: the state file is all that is left.
struct Leftover {
  explicit Leftover(const std::string& boot = "boot-1") {
    tree.write("/proc/sys/kernel/random/boot_id", "boot-1\n");
    tree.write("/sys/governor", "userspace\n");
    write("rein-state 1 4711 " + boot + "\nvalue " + sys() + "/governor\tondemand\n");
  }
  void write(const std::string& text) const {
    tree.write(kState, text);
    chmod(state().c_str(), 0600);
  }
  std::string sys() const { return (tree.path() / "sys").string(); }
  std::filesystem::path state() const { return tree.root().resolve(kState); }

  test::TemporaryTree tree;
};

}  // namespace

DOCTEST_TEST_CASE("what a killed guardian left is put back on demand") {
  const Leftover leftover;
  const auto changed = restore_leftover(leftover.tree.root(), leftover.state());
  DOCTEST_REQUIRE(changed);
  DOCTEST_CHECK(*changed == std::vector<std::string>{leftover.sys() + "/governor"});
  DOCTEST_CHECK(leftover.tree.read("/sys/governor") == "ondemand");
  DOCTEST_CHECK_FALSE(leftover.tree.exists(kState));
  DOCTEST_CHECK_FALSE(restore_leftover(leftover.tree.root(), leftover.state()));
}

DOCTEST_TEST_CASE("after a power cut it is put back on demand as well") {
  const Leftover leftover("boot-0");
  DOCTEST_CHECK(restore_leftover(leftover.tree.root(), leftover.state()));
  DOCTEST_CHECK(leftover.tree.read("/sys/governor") == "ondemand");
}

DOCTEST_TEST_CASE("the next run puts back what was left, so that it saves what was there before") {
  const Leftover leftover;
  std::vector<std::string> lines;
  {
    ControlGuard guard(
        leftover.tree.root(), [&lines](const std::string& line) { lines.push_back(line); },
        ControlGuard::Reach::kMachine);
    DOCTEST_CHECK(leftover.tree.read("/sys/governor") == "ondemand");
    guard.save("/sys/governor");
    leftover.tree.root().write("/sys/governor", "userspace");
  }
  DOCTEST_CHECK(leftover.tree.read("/sys/governor") == "ondemand");
  DOCTEST_CHECK(lines ==
                std::vector<std::string>{leftover.state().string() +
                                         ": a run before had left 1 settings changed: put back"});
}

DOCTEST_TEST_CASE("the next run after a restart of the machine leaves alone what was set since") {
  const Leftover leftover("boot-0");
  const ControlGuard guard(leftover.tree.root(), fail, ControlGuard::Reach::kMachine);
  DOCTEST_CHECK(leftover.tree.read("/sys/governor") == "userspace\n");
}

DOCTEST_TEST_CASE("what cannot be put back keeps its state file and stops the next run") {
  const Leftover leftover;
  test::FaultyCalls calls;
  calls.write_errors["/sys/governor"] = EACCES;
  const SysfsRoot root(leftover.tree.path(), calls);
  const std::string message =
      leftover.state().string() +
      ": what process 4711 had changed cannot all be put back: not restored: " + leftover.sys() +
      "/governor: expected 'ondemand': Permission denied; `rein restore --discard` leaves it at "
      "that";
  DOCTEST_CHECK_THROWS_WITH_AS(restore_leftover(root, leftover.state()), message.c_str(), Error);
  DOCTEST_CHECK_THROWS_WITH_AS(ControlGuard(root, fail, ControlGuard::Reach::kMachine),
                               message.c_str(), Error);
  DOCTEST_CHECK(leftover.tree.exists(kState));
}

DOCTEST_TEST_CASE("a guard that cannot put everything back leaves its state file") {
  const test::TemporaryTree tree;
  tree.write("/sys/governor", "ondemand");
  test::FaultyCalls calls;
  {
    ControlGuard guard(SysfsRoot(tree.path(), calls), nullptr, ControlGuard::Reach::kMachine);
    guard.save("/sys/governor");
    tree.write("/sys/governor", "userspace");
    calls.write_errors["/sys/governor"] = EBUSY;
  }
  DOCTEST_CHECK(tree.exists(kState));
  DOCTEST_CHECK(restore_leftover(tree.root(), tree.root().resolve(kState)));
  DOCTEST_CHECK(tree.read("/sys/governor") == "ondemand");
}

DOCTEST_TEST_CASE("a damaged state file is refused in one line with its place and the way out") {
  const Leftover leftover;
  leftover.tree.write("/etc/rein-1/cgroup.procs", "precious\n");
  const std::string file = leftover.state().string();
  const std::string head = "rein-state 1 4711 boot-1\n";
  const std::string sys = leftover.sys();
  const std::string etc = (leftover.tree.path() / "etc").string();
  const std::string first = ":1: expected 'rein-state 1', a process id and a boot id, found '";
  const std::string third =
      ":3: expected 'value', 'write', 'group' or 'cpus', a path, a tab and a text, found '";
  const std::string second = ":2: expected a path below " + sys + "/, found '";
  struct Case {
    std::string text;
    std::string where;
    std::string found;
  };
  const std::string good = "value " + sys + "/governor\tx\n";
  const std::vector<Case> cases{
      {"garbage\n", first, "garbage"},
      {"rein-state 2 4711 boot-1\n", first, "rein-state 2 4711 boot-1"},
      {"\x1b[2Jgarbage\n", first, "\x1b[2Jgarbage"},
      {head + good + "value nonsense\n", third, "value nonsense"},
      {head + "value /etc/passwd\tx\n", second, "value /etc/passwd\tx"},
      {head + "value " + sys + "/../etc/passwd\tx\n", second, "value " + sys + "/../etc/passwd\tx"},
      {head + "value " + sys + "\tx\n", second, "value " + sys + "\tx"},
      // Root would empty, and write into, any file of that name.
      {head + "group " + sys + "/rein-1\t" + etc + "/rein-1\n", second,
       "group " + sys + "/rein-1\t" + etc + "/rein-1"},
      {head + "group " + etc + "/rein-1\t" + sys + "/home\n", second,
       "group " + etc + "/rein-1\t" + sys + "/home"},
      {head + "group " + sys + "/rein-1\t" + sys + "/a/../../etc/rein-1\n", second,
       "group " + sys + "/rein-1\t" + sys + "/a/../../etc/rein-1"},
      {head + "group " + sys + "/user.slice\t" + sys + "\n", second,
       "group " + sys + "/user.slice\t" + sys},
  };
  for (const auto& each : cases) {
    DOCTEST_CAPTURE(each.text);
    leftover.write(each.text);
    DOCTEST_CHECK_THROWS_WITH_AS(
        restore_leftover(leftover.tree.root(), leftover.state()),
        (file + each.where + printable(each.found) + "'; `rein restore --discard` drops it")
            .c_str(),
        ConfigError);
  }
  DOCTEST_CHECK(leftover.tree.read("/sys/governor") == "userspace\n");
  DOCTEST_CHECK(leftover.tree.read("/etc/rein-1/cgroup.procs") == "precious\n");
  DOCTEST_CHECK(leftover.tree.exists(kState));
}

DOCTEST_TEST_CASE("a spoilt state file is dropped when asked for and locks nobody out for good") {
  const Leftover leftover;
  leftover.write("rein-state 1 4711 boot-1\nvalue /etc/passwd\tx\n\x1b]0;title\a\xC2\x9B");
  DOCTEST_CHECK_THROWS_AS(ControlGuard(leftover.tree.root(), fail, ControlGuard::Reach::kMachine),
                          ConfigError);
  const auto said = discard_leftover(leftover.tree.root(), leftover.state());
  DOCTEST_REQUIRE(said);
  DOCTEST_CHECK(*said ==
                "rein-state 1 4711 boot-1\nvalue /etc/passwd\\tx\n\\x1b]0;title\\x07\\xc2\\x9b");
  DOCTEST_CHECK_NOTHROW(ControlGuard(leftover.tree.root(), fail, ControlGuard::Reach::kMachine));
  DOCTEST_CHECK_FALSE(discard_leftover(leftover.tree.root(), leftover.state()));
}

DOCTEST_TEST_CASE("a state file that others may write, or that is something else, is refused") {
  const Leftover leftover;
  const auto refused = [&](const std::string& why) {
    DOCTEST_CHECK_THROWS_WITH_AS(
        restore_leftover(leftover.tree.root(), leftover.state()),
        (leftover.state().string() + ": " + why + "; `rein restore --discard` drops it").c_str(),
        ConfigError);
  };
  chmod(leftover.state().c_str(), 0666);
  refused("expected a file that only you or root can write, found owner " +
          std::to_string(geteuid()) + " and mode 666");
  chmod(leftover.state().c_str(), 0600);

  const auto other = leftover.tree.path() / "other";
  std::filesystem::create_hard_link(leftover.state(), other);
  refused("expected a file of one name, found hard links to it");
  std::filesystem::remove(leftover.state());
  std::filesystem::create_symlink(other, leftover.state());
  refused("expected a file, found a symbolic link");
  std::filesystem::remove(leftover.state());
  mkfifo(leftover.state().c_str(), 0600);
  refused("expected a file, found something else");
  DOCTEST_CHECK(discard_leftover(leftover.tree.root(), leftover.state()) == "");
  leftover.write("");
  std::filesystem::resize_file(leftover.state(), 2'000'000'000);
  refused("expected at most 1048576 bytes, found 2000000000");
  if (geteuid() == 0) {
    leftover.write("rein-state 1 4711 boot-1\n");
    DOCTEST_REQUIRE(chown(leftover.state().c_str(), 65534, 65534) == 0);
    refused("expected a file that only you or root can write, found owner 65534 and mode 600");
  }
}

DOCTEST_TEST_CASE("what restore would refuse is neither noted nor changed") {
  const test::TemporaryTree tree;
  tree.write("/sys/lines", "one\ntwo\n");
  tree.write("/etc/setting", "1\n");
  tree.write("/proc/self/mountinfo",
             "30 24 0:27 / /mnt/groups rw - cgroup2 cgroup2 rw\n"
             "31 24 0:28 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n");
  ControlGuard guard(tree.root(), fail, ControlGuard::Reach::kMachine);
  DOCTEST_CHECK_THROWS_AS(guard.save("/etc/setting"), Error);
  DOCTEST_CHECK_THROWS_AS(guard.save("/sys/lines"), Error);
  DOCTEST_CHECK_THROWS_AS(guard.restore_by_writing("/sys/../etc/setting", "1"), Error);
  DOCTEST_CHECK_THROWS_AS(guard.remove_group("/mnt/elsewhere/rein-1", "/mnt/groups"), Error);
  DOCTEST_CHECK_THROWS_AS(guard.remove_group("/mnt/groups/machine.slice", "/mnt/groups"), Error);
  DOCTEST_CHECK(guard.mark() == 0);
  // A hierarchy that is mounted elsewhere than usual is one like any other, for both sides.
  guard.remove_group("/mnt/groups/rein-1", "/mnt/groups");
  guard.remove_group("/sys/fs/cgroup/cpu/rein-1", "/sys/fs/cgroup/cpu/user");
  DOCTEST_CHECK(StateFile::read(tree.root().resolve(kState), tree.root()));
}

DOCTEST_TEST_CASE("a state file that was cut off names only what had been changed") {
  const Leftover leftover;
  leftover.tree.write("/sys/other", "5\n");
  leftover.write("rein-state 1 4711 boot-1\nvalue " + leftover.sys() +
                 "/governor\tondemand\nvalue " + leftover.sys() + "/other\t1");
  DOCTEST_CHECK(restore_leftover(leftover.tree.root(), leftover.state()));
  DOCTEST_CHECK(leftover.tree.read("/sys/governor") == "ondemand");
  DOCTEST_CHECK(leftover.tree.read("/sys/other") == "5\n");
  leftover.write("rein-st");
  DOCTEST_CHECK_FALSE(restore_leftover(leftover.tree.root(), leftover.state()));
}

DOCTEST_TEST_CASE("where no state file can be made, the guardian still puts everything back") {
  const test::TemporaryTree tree;
  tree.write("/var/lib/rein", "a file, not a folder");
  tree.write("/sys/governor", "ondemand\n");
  in_child([&] {
    ControlGuard guard(tree.root(), nullptr, ControlGuard::Reach::kMachine);
    guard.save("/sys/governor");
    tree.root().write("/sys/governor", "userspace");
    raise(SIGKILL);
  });
  wait_for_guardian(tree);
  DOCTEST_CHECK(tree.read("/sys/governor") == "ondemand");
}

DOCTEST_TEST_CASE("a file that took the state file's place is not removed with it") {
  const std::string other = "somebody else's\n";
  const auto swap_in = [&](const test::TemporaryTree& tree) {
    std::filesystem::rename(tree.root().resolve(kState), tree.path() / "moved");
    tree.write(kState, other);
  };
  {
    const test::TemporaryTree tree;
    std::vector<std::string> lines;
    {
      const ControlGuard guard(
          tree.root(), [&lines](const std::string& line) { lines.push_back(line); },
          ControlGuard::Reach::kMachine);
      swap_in(tree);
    }
    DOCTEST_CHECK(tree.read(kState) == other);
    DOCTEST_CHECK(lines ==
                  std::vector<std::string>{"the state file cannot be removed: Stale file handle"});
  }
  const test::TemporaryTree tree;
  tree.write("/sys/governor", "ondemand\n");
  in_child([&] {
    ControlGuard guard(tree.root(), nullptr, ControlGuard::Reach::kMachine);
    guard.save("/sys/governor");
    tree.root().write("/sys/governor", "userspace");
    swap_in(tree);
    raise(SIGKILL);
  });
  wait_for_guardian(tree);
  DOCTEST_CHECK(tree.read("/sys/governor") == "ondemand");
  DOCTEST_CHECK(tree.read(kState) == other);
}

DOCTEST_TEST_CASE("a folder that others may write holds no state file, and that is said once") {
  const test::TemporaryTree tree;
  const auto folder = tree.root().resolve("/var/lib/rein");
  tree.make_folder("/var/lib/rein");
  chmod(folder.c_str(), 0777);
  std::vector<std::string> lines;
  {
    ControlGuard guard(
        tree.root(), [&lines](const std::string& line) { lines.push_back(line); },
        ControlGuard::Reach::kMachine);
    tree.write("/sys/governor", "ondemand\n");
    guard.save("/sys/governor");
    DOCTEST_CHECK_FALSE(tree.exists(kState));
  }
  DOCTEST_CHECK(lines ==
                std::vector<std::string>{
                    folder.string() +
                    ": expected a folder that only you or root can write, found owner " +
                    std::to_string(geteuid()) +
                    " and mode 777: what this run changes is noted in memory only: its guardian "
                    "gives it back if the run is killed, but after that of both, or a power cut, "
                    "nothing can"});
}

DOCTEST_TEST_CASE("whatever the umask, the state file's folder is made so that it can be used") {
  for (const mode_t mask : {0000U, 0002U, 0077U}) {
    DOCTEST_CAPTURE(mask);
    const test::TemporaryTree tree;
    const mode_t before = umask(mask);
    {
      const ControlGuard guard(tree.root(), fail, ControlGuard::Reach::kMachine);
      umask(before);
      DOCTEST_CHECK(tree.exists(kState));
    }
  }
}

DOCTEST_TEST_CASE("a state file in a folder that others may write is not believed") {
  const Leftover leftover;
  const auto folder = leftover.state().parent_path();
  chmod(folder.c_str(), 01777);
  DOCTEST_CHECK_THROWS_WITH_AS(
      restore_leftover(leftover.tree.root(), leftover.state()),
      (leftover.state().string() + ": " + folder.string() +
       ": expected a folder that only you or root can write, found owner " +
       std::to_string(geteuid()) + " and mode 1777; `rein restore --discard` drops it")
          .c_str(),
      ConfigError);
  DOCTEST_CHECK(leftover.tree.read("/sys/governor") == "userspace\n");
  DOCTEST_CHECK(discard_leftover(leftover.tree.root(), leftover.state()));
  DOCTEST_CHECK_FALSE(leftover.tree.exists(kState));
}

DOCTEST_TEST_CASE("nothing is noted that would make the state file too long to be read back") {
  const test::TemporaryTree tree;
  const std::string text(4000, 'x');
  const std::string path = (tree.path() / "sys/setting").string();
  StateFile state(tree.root().resolve(kState), tree.root());
  std::size_t count = 0;
  try {
    for (; count < 1000; ++count) {
      state.add({.kind = Restoration::Kind::kValue, .path = path, .text = text});
    }
  } catch (const Error& error) {
    DOCTEST_CHECK(std::string(error.what()).ends_with("cannot be written: File too large"));
  }
  DOCTEST_CHECK(count > 200);
  DOCTEST_CHECK(count < 1000);
  const auto leftover = StateFile::read(tree.root().resolve(kState), tree.root());
  DOCTEST_REQUIRE(leftover);
  DOCTEST_CHECK(std::ranges::count(leftover->lines, '\n') == static_cast<std::ptrdiff_t>(count));
}

DOCTEST_TEST_CASE("the guardian puts back what the first line of the longest state file says") {
  const test::TemporaryTree tree;
  tree.write("/sys/governor", "ondemand\n");
  tree.write("/sys/setting", std::string(4000, 'x'));
  in_child([&] {
    ControlGuard guard(tree.root(), nullptr, ControlGuard::Reach::kMachine);
    try {
      while (true) {
        guard.save("/sys/setting");
      }
    } catch (const Error&) {
    }
    guard.save("/sys/governor");
    tree.root().write("/sys/governor", "userspace");
    raise(SIGKILL);
  });
  wait_for_guardian(tree);
  DOCTEST_CHECK(tree.read("/sys/governor") == "ondemand");
  DOCTEST_CHECK_FALSE(tree.exists(kState));
}

DOCTEST_TEST_CASE("a disk that is full in the middle of a line spoils none of the others") {
  const test::TemporaryTree tree;
  const int status = in_child([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    StateFile state(tree.root().resolve(kState), tree.root());
    const std::string first = (tree.path() / "sys/first").string();
    const std::string second = (tree.path() / "sys/second").string();
    state.add({.kind = Restoration::Kind::kValue, .path = first, .text = "1"});
    const auto full = std::filesystem::file_size(tree.root().resolve(kState)) + first.size() + 12;
    const rlimit limit{full, RLIM_INFINITY};
    setrlimit(RLIMIT_FSIZE, &limit);
    try {
      state.add({.kind = Restoration::Kind::kValue, .path = second, .text = std::string(50, '2')});
      _exit(1);
    } catch (const Error& error) {
      if (!std::string(error.what()).ends_with("cannot be written: File too large")) {
        _exit(2);
      }
    }
    state.add({.kind = Restoration::Kind::kValue, .path = first, .text = "3"});
  });
  DOCTEST_CHECK(status == 0);
  const auto leftover = StateFile::read(tree.root().resolve(kState), tree.root());
  DOCTEST_REQUIRE(leftover);
  const std::string line = "value " + (tree.path() / "sys/first").string() + "\t";
  DOCTEST_CHECK(leftover->lines == line + "1\n" + line + "3\n");
}

DOCTEST_TEST_CASE(
    "a run that may open too few files for a guardian is refused, and leaves nothing") {
  if (test::is_skipped_when_sanitized()) {
    return;
  }
  const test::TemporaryTree tree;
  const int first_free = dup(STDIN_FILENO);
  close(first_free);
  bool is_had = false;
  for (int more = 0; more < 20 && !is_had; ++more) {
    DOCTEST_CAPTURE(more);
    const int status = in_child([&] {
      alarm(60);
      rlimit before{};
      getrlimit(RLIMIT_NOFILE, &before);
      const rlimit few{static_cast<rlim_t>(first_free + more), before.rlim_max};
      setrlimit(RLIMIT_NOFILE, &few);
      try {
        const ControlGuard guard(tree.root(), nullptr, ControlGuard::Reach::kMachine);
      } catch (const std::exception& error) {
        _exit(std::string(error.what()).find("Too many open files") != std::string::npos ? 1 : 2);
      }
    });
    DOCTEST_REQUIRE(WIFEXITED(status));
    DOCTEST_CHECK(WEXITSTATUS(status) <= 1);
    is_had = WEXITSTATUS(status) == 0;
    DOCTEST_CHECK_FALSE(tree.exists(kState));
  }
  DOCTEST_CHECK(is_had);
}

DOCTEST_TEST_CASE("what a run cannot put back for want of memory its guardian does") {
  const test::TemporaryTree tree;
  tree.write("/sys/governor", "ondemand\n");
  const int status = in_child([&] {
    test::FaultyCalls calls;
    {
      ControlGuard guard(
          SysfsRoot(tree.path(), calls), [](const std::string&) { throw std::bad_alloc(); },
          ControlGuard::Reach::kMachine);
      guard.save("/sys/governor");
      tree.root().write("/sys/governor", "userspace");
      calls.write_errors["/sys/governor"] = EBUSY;  // Not in the guardian.
    }
  });
  DOCTEST_CHECK(status == 0);
  wait_for_guardian(tree);
  DOCTEST_CHECK(tree.read("/sys/governor") == "ondemand");
  DOCTEST_CHECK_FALSE(tree.exists(kState));
}

DOCTEST_TEST_CASE("a user who meets what root's run left is told that root has to put it back") {
  if (geteuid() != 0) {
    DOCTEST_MESSAGE("SKIPPED: only root can be two users");
    return;
  }
  const Leftover leftover;
  chmod(leftover.tree.path().c_str(), 0755);
  const auto said_to_nobody = [&] {
    std::array<int, 2> ends{};
    DOCTEST_REQUIRE(pipe(ends.data()) == 0);
    in_child([&] {
      if (setresuid(65534, 65534, 65534) == 0) {
        try {
          StateFile::read(leftover.state(), leftover.tree.root());
        } catch (const ConfigError& error) {
          [[maybe_unused]] const ssize_t ignored =
              write(ends[1], error.what(), std::strlen(error.what()));
        }
      }
    });
    close(ends[1]);
    std::string said(4096, '\0');
    said.resize(
        static_cast<std::size_t>(std::max<ssize_t>(read(ends[0], said.data(), said.size()), 0)));
    close(ends[0]);
    return said;
  };
  const std::string file = leftover.state().string();
  DOCTEST_CHECK(said_to_nobody() ==
                file +
                    ": a run of root has left settings of this machine changed, and only root "
                    "can put them back: `rein restore` has to be run as root");
  leftover.write("nonsense\n");
  chmod(leftover.state().c_str(), 0644);
  DOCTEST_CHECK(said_to_nobody() ==
                file +
                    ":1: expected 'rein-state 1', a process id and a boot id, found 'nonsense'; "
                    "`rein restore --discard`, run as root, drops it");
}

}  // namespace rein
