#include "platform/co_runners/co_runner_process.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include "common/error.hpp"
#include "platform/kernel/sysfs_root.hpp"
#include "platform/kernel/system_calls.hpp"
#include "support/real_process.hpp"
#include "support/temporary_tree.hpp"

namespace rein {

using test::kDaemonise;
using test::kTellAndStay;
using test::PidPipe;
using test::shell;
using test::status_line;
using test::wait_running;
using test::wait_until;
using test::Watch;

DOCTEST_TEST_CASE("a co-runner runs when started, is gone when stopped, and can start again") {
  const PidPipe pipe;
  CoRunnerProcess process(shell(kTellAndStay, pipe));
  DOCTEST_CHECK_FALSE(process.running());
  for (int round = 0; round < 3; ++round) {
    process.start();
    process.start();  // Nothing happens.
    const Watch watch(pipe.next());
    DOCTEST_CHECK(wait_running(process));
    DOCTEST_CHECK_FALSE(process.exit_status());
    process.stop();
    DOCTEST_CHECK_FALSE(process.running());
    DOCTEST_CHECK(watch.wait_gone());
    DOCTEST_CHECK(wait_until(process, [&process] { return !process.stopping(); }));
    DOCTEST_CHECK(process.trouble().empty());
  }
}

DOCTEST_TEST_CASE("started right after it was stopped, a co-runner runs") {
  const PidPipe pipe;
  CoRunnerProcess process(shell(kTellAndStay, pipe));
  process.start();
  const Watch first(pipe.next());
  process.stop();
  process.start();
  const Watch second(pipe.next());
  DOCTEST_CHECK(first.is_gone());
  DOCTEST_CHECK(wait_running(process));
  DOCTEST_CHECK_FALSE(second.is_gone());
}

DOCTEST_TEST_CASE("nothing of a co-runner survives its destructor, a daemon neither") {
  const PidPipe pipe;
  std::optional<Watch> daemon;
  {
    CoRunnerProcess process(shell(kDaemonise, pipe));
    process.start();
    daemon.emplace(pipe.next());
    DOCTEST_CHECK_FALSE(daemon->is_gone());
  }
  DOCTEST_CHECK(daemon->is_gone());
}

DOCTEST_TEST_CASE("a daemon is stopped too, after its command has ended") {
  const PidPipe pipe;
  CoRunnerProcess process(shell(
      "setsid sh -c 'trap \"\" TERM; echo $$ > \"$0\"; while :; do sleep 1000; done' \"$0\" &",
      pipe));
  process.start();
  const Watch daemon(pipe.next());
  DOCTEST_CHECK(wait_until(process, [&process] { return process.exit_status() == 0; }));
  DOCTEST_CHECK_FALSE(daemon.is_gone());
  process.stop();
  DOCTEST_CHECK(daemon.wait_gone());
}

DOCTEST_TEST_CASE("nothing of a co-runner survives a SIGKILL of its owner") {
  const PidPipe pipe;
  const pid_t owner = fork();
  if (owner == 0) {
    CoRunnerProcess process(shell(kDaemonise, pipe));
    process.start();
    while (true) {
      pause();
    }
  }
  const Watch daemon(pipe.next());
  DOCTEST_CHECK_FALSE(daemon.is_gone());
  kill(owner, SIGKILL);
  DOCTEST_CHECK(waitpid(owner, nullptr, 0) == owner);
  DOCTEST_CHECK(daemon.wait_gone());
}

DOCTEST_TEST_CASE("a Ctrl-C to the foreground group ends neither supervisor nor command") {
  const PidPipe pipe;
  CoRunnerProcess process(shell(kTellAndStay, pipe));
  process.start();
  const pid_t command = pipe.next();
  const Watch watch(command);
  DOCTEST_CHECK(wait_running(process));
  DOCTEST_CHECK(getpgid(command) == command);
  DOCTEST_CHECK(getsid(command) != getsid(0));
  // The supervisor is the command's parent.
  const pid_t supervisor = std::stoi(status_line(command, "PPid"));
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    DOCTEST_CHECK(kill(supervisor, signal) == 0);
  }
  process.stop();  // It still obeys.
  DOCTEST_CHECK(watch.wait_gone());
  DOCTEST_CHECK(wait_until(process, [&process] { return !process.stopping(); }));
  DOCTEST_CHECK(process.trouble().empty());
}

DOCTEST_TEST_CASE("a command that ends by itself tells its exit status") {
  const PidPipe pipe;
  CoRunnerProcess good(shell("exit 0", pipe));
  good.start();
  DOCTEST_CHECK(wait_until(good, [&good] { return good.exit_status().has_value(); }));
  DOCTEST_CHECK(good.exit_status() == 0);
  DOCTEST_CHECK(good.trouble().empty());
  DOCTEST_CHECK_FALSE(good.running());

  CoRunnerProcess bad(shell("exit 3", pipe));
  bad.start();
  DOCTEST_CHECK(wait_until(bad, [&bad] { return bad.exit_status().has_value(); }));
  DOCTEST_CHECK(bad.trouble() == "ended with exit status 3");

  CoRunnerProcess killed(shell("kill -9 $$", pipe));
  killed.start();
  DOCTEST_CHECK(wait_until(killed, [&killed] { return killed.exit_status().has_value(); }));
  DOCTEST_CHECK(killed.exit_status() == 128 + SIGKILL);
}

DOCTEST_TEST_CASE("a pinned co-runner runs on its CPUs only") {
  const PidPipe pipe;
  SystemCalls calls;
  const int cpu = calls.affinity(0).value().back();
  CoRunnerCommand command = shell(kTellAndStay, pipe);
  command.cpus = {cpu};
  CoRunnerProcess process(command);
  process.start();
  DOCTEST_CHECK(status_line(pipe.next(), "Cpus_allowed_list") == std::to_string(cpu));
}

DOCTEST_TEST_CASE("pinning to a CPU that there is not is told, even beside one that there is") {
  const PidPipe pipe;
  SystemCalls calls;
  for (const CpuList& cpus :
       {CpuList{1023}, CpuList{calls.affinity(0).value().front(), 1023}, CpuList{5000}}) {
    CoRunnerCommand command = shell(kTellAndStay, pipe);
    command.cpus = cpus;
    CoRunnerProcess process(command);
    process.start();
    DOCTEST_CHECK(wait_until(process, [&process] { return !process.trouble().empty(); }));
    DOCTEST_CHECK(process.trouble() ==
                  "cannot be pinned to CPUs " + format_cpu_list(cpus) + ": Invalid argument");
    DOCTEST_CHECK_FALSE(process.running());
  }
}

DOCTEST_TEST_CASE("a co-runner of another user has that user's rights and can gain no others") {
  if (geteuid() != 0) {
    DOCTEST_MESSAGE("skipped: only root can run as somebody else");
    return;
  }
  const PidPipe pipe;
  CoRunnerCommand command = shell(kTellAndStay, pipe);
  command.user = "nobody";
  CoRunnerProcess process(command);
  process.start();
  const pid_t id = pipe.next();
  const std::string uids = status_line(id, "Uid");
  DOCTEST_CHECK(uids.find("0\t") != 0);
  DOCTEST_CHECK(status_line(id, "NoNewPrivs") == "1");
  const Watch watch(id);
  process.stop();
  DOCTEST_CHECK(watch.wait_gone());
}

DOCTEST_TEST_CASE("a co-runner of another user kept root's environment and closed folder") {
  if (geteuid() != 0) {
    DOCTEST_MESSAGE("skipped: only root can run as somebody else");
    return;
  }
  const PidPipe pipe;
  const test::TemporaryTree closed;
  chmod(closed.path().c_str(), 0700);
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(closed.path());
  setenv("REIN_TEST_SECRET", "ours", 1);
  CoRunnerCommand command =
      shell("echo $USER $LOGNAME ${REIN_TEST_SECRET:-none} $(pwd) > \"$0\"; exit 0", pipe);
  command.user = "nobody";
  CoRunnerProcess process(command);
  process.start();
  const std::string told = pipe.next_line();
  std::filesystem::current_path(before);
  unsetenv("REIN_TEST_SECRET");
  DOCTEST_CHECK(told.starts_with("nobody nobody none /"));
  DOCTEST_CHECK(told.find(closed.path().string()) == std::string::npos);
}

DOCTEST_TEST_CASE("the command inherits none of our descriptors, and its output goes nowhere") {
  const PidPipe pipe;
  const int ours = open("/dev/null", O_RDONLY);  // Without O_CLOEXEC.
  DOCTEST_REQUIRE(ours > 2);
  // A subshell tells, so that the pipe is none of the shell's own descriptors.
  CoRunnerProcess process(shell(
      "(echo $(ls /proc/$$/fd) $(readlink /proc/$$/fd/0 /proc/$$/fd/1 /proc/$$/fd/2)) > \"$0\"; "
      "exit 0",
      pipe));
  process.start();
  DOCTEST_CHECK(pipe.next_line() == "0 1 2 /dev/null /dev/null /dev/null");
  close(ours);
}

DOCTEST_TEST_CASE("a command or user that there is not is an error at once") {
  const CoRunnerCommand nothing{.name = "x", .argv = {"no-such-command"}, .cpus = {}, .user = {}};
  DOCTEST_CHECK_THROWS_WITH_AS(
      CoRunnerProcess{nothing},
      "co-runner x: expected a command that can be run, found 'no-such-command'", Error);
  const CoRunnerCommand nobody{.name = "x", .argv = {"sh"}, .cpus = {}, .user = "no-such-user"};
  DOCTEST_CHECK_THROWS_WITH_AS(CoRunnerProcess{nobody},
                               "co-runner x: expected a user of this machine, found 'no-such-user'",
                               Error);
}

DOCTEST_TEST_CASE("a command that the kernel cannot run tells why") {
  const test::TemporaryTree tree;
  tree.write("/broken", "#!/no/such/interpreter\n");
  const std::string path = (tree.path() / "broken").string();
  chmod(path.c_str(), 0755);
  CoRunnerProcess process({.name = "x", .argv = {path}, .cpus = {}, .user = {}});
  process.start();
  DOCTEST_CHECK(wait_until(process, [&process] { return !process.trouble().empty(); }));
  DOCTEST_CHECK(process.trouble() == "cannot run '" + path + "': No such file or directory");
}

DOCTEST_TEST_CASE("a command is found in PATH or by its path") {
  DOCTEST_CHECK(CoRunnerProcess::resolve_command("sh").value().is_absolute());
  DOCTEST_CHECK(CoRunnerProcess::resolve_command("/bin/sh").value() == "/bin/sh");
  DOCTEST_CHECK(CoRunnerProcess::resolve_command("no-such-command") == std::nullopt);
  DOCTEST_CHECK(CoRunnerProcess::resolve_command("/etc") == std::nullopt);
  DOCTEST_CHECK(CoRunnerProcess::resolve_command("") == std::nullopt);
}

}  // namespace rein
