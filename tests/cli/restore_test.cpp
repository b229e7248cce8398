#include <doctest/doctest.h>
#include <sys/stat.h>

#include <string>
#include <vector>

#include "platform/co_runners/co_runner_process.hpp"
#include "support/process.hpp"
#include "support/real_process.hpp"
#include "support/temporary_tree.hpp"

namespace rein {
namespace {

/// What a run left that was killed together with its guardian.
struct Leftover {
  Leftover() {
    tree.write("/sys/governor", "userspace\n");
    write("rein-state 1 4711 boot\nvalue " + governor() + "\tondemand\n");
  }
  void write(const std::string& text) const {
    tree.write("/var/lib/rein/state", text);
    chmod(state().c_str(), 0600);
  }
  std::string governor() const { return tree.root().resolve("/sys/governor").string(); }
  std::string state() const { return tree.root().resolve("/var/lib/rein/state").string(); }
  std::vector<std::string> command() const {
    return {REIN_PROGRAM, "restore", "--sysfs-root", tree.path().string()};
  }

  test::TemporaryTree tree;
};

DOCTEST_TEST_CASE("restore puts back what a killed run left, and then has nothing to do") {
  const Leftover leftover;
  Process first(leftover.command());
  DOCTEST_CHECK(first.wait() == 0);
  DOCTEST_CHECK(first.output() == leftover.governor() + "\n1 settings put back\n");
  DOCTEST_CHECK(leftover.tree.read("/sys/governor") == "ondemand");
  Process second(leftover.command());
  DOCTEST_CHECK(second.wait() == 0);
  DOCTEST_CHECK(second.output() == "nothing to restore: there is no " + leftover.state() + "\n");
}

DOCTEST_TEST_CASE("a state file that is damaged or missing ends restore with status 3") {
  const Leftover leftover;
  leftover.write("nonsense\n");
  Process damaged(leftover.command());
  DOCTEST_CHECK(damaged.wait() == 3);
  DOCTEST_CHECK(damaged.errors() ==
                "rein: " + leftover.state() +
                    ":1: expected 'rein-state 1', a process id and a boot id, found 'nonsense'; "
                    "`rein restore --discard` drops it\n");
  auto command = leftover.command();
  command.insert(command.end(), {"--state", "/nowhere/state"});
  Process missing(command);
  DOCTEST_CHECK(missing.wait() == 3);
  DOCTEST_CHECK(missing.errors() == "rein: /nowhere/state: expected a state file, found none\n");
}

DOCTEST_TEST_CASE("a setting that is gone ends restore with status 1, and the state file stays") {
  const Leftover leftover;
  leftover.tree.remove("/sys/governor");
  Process process(leftover.command());
  DOCTEST_CHECK(process.wait() == 1);
  DOCTEST_CHECK(process.errors().find("not restored: " + leftover.governor() +
                                      ": expected 'ondemand': No such file or directory") !=
                std::string::npos);
  DOCTEST_CHECK(leftover.tree.exists("/var/lib/rein/state"));
}

DOCTEST_TEST_CASE("a spoilt state file is shown and dropped with --discard, and nothing put back") {
  const Leftover leftover;
  leftover.write("rein-state 1 4711 boot\nvalue /etc/passwd\tx\n");
  auto command = leftover.command();
  command.emplace_back("--discard");
  Process first(command);
  DOCTEST_CHECK(first.wait() == 0);
  DOCTEST_CHECK(first.output() == "rein-state 1 4711 boot\nvalue /etc/passwd\\tx\n" +
                                      leftover.state() + ": discarded; nothing was put back\n");
  DOCTEST_CHECK(leftover.tree.read("/sys/governor") == "userspace\n");
  Process second(command);
  DOCTEST_CHECK(second.wait() == 0);
  DOCTEST_CHECK(second.output() == "nothing to discard: there is no " + leftover.state() + "\n");
}

DOCTEST_TEST_CASE("restore ends what a co-runner detached whose keepers were killed with the run") {
  const test::TemporaryTree tree;
  const std::string state = (tree.path() / "state").string();
  for (const auto& parents : test::usable_parents()) {
    const test::PidPipe pipe;
    const pid_t owner = test::fork_owner([&] {
      CoRunnerProcess process(test::shell(test::kTellAndDaemonise, pipe), parents);
      process.start();
      test::wait_to_be_killed();
    });
    const auto family = test::Family::of(pipe);
    test::kill_and_wait(owner);
    family.kill_supervisor_and_keeper();
    tree.write("/state", "rein-state 1 4711 boot\n");
    chmod(state.c_str(), 0600);
    // Of this machine, whose lock somebody may have: then the settings are refused, and that alone.
    Process restore({REIN_PROGRAM, "restore", "--state", state});
    restore.wait();
    DOCTEST_CHECK(family.daemon.wait_gone());
  }
}

DOCTEST_TEST_CASE("there is nothing to discard where not even the folder is") {
  const test::TemporaryTree tree;
  Process process({REIN_PROGRAM, "restore", "--discard", "--sysfs-root", tree.path().string()});
  DOCTEST_CHECK(process.wait() == 0);
  DOCTEST_CHECK(process.output() == "nothing to discard: there is no " +
                                        tree.root().resolve("/var/lib/rein/state").string() + "\n");
}

}  // namespace
}  // namespace rein
