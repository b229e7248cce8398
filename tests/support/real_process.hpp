#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "platform/co_runners/co_runner_group.hpp"
#include "platform/co_runners/co_runner_process.hpp"
#include "platform/kernel/sysfs_root.hpp"
#include "support/temporary_tree.hpp"

// Real processes. Nothing sleeps for its result: a command tells its process id through a FIFO, a
// pidfd tells its end, and each wait is bounded.
namespace rein::test {

constexpr int kPatienceMs = 20'000;

inline bool wait_readable(int descriptor) {
  pollfd source{descriptor, POLLIN, 0};
  return poll(&source, 1, kPatienceMs) == 1;
}

/// Through which commands of any user tell their process ids, a line each.
class PidPipe {
 public:
  PidPipe() {
    chmod(tree_.path().c_str(), 0755);
    mkfifo(path().c_str(), 0666);
    chmod(path().c_str(), 0666);
    descriptor_ = open(path().c_str(), O_RDWR | O_CLOEXEC);
  }
  ~PidPipe() { close(descriptor_); }
  PidPipe(const PidPipe&) = delete;
  PidPipe& operator=(const PidPipe&) = delete;

  std::string path() const { return (tree_.path() / "pids").string(); }
  pid_t next() const { return std::stoi(next_line()); }
  std::string next_line() const {
    std::string text;
    char c = 0;
    while (wait_readable(descriptor_) && read(descriptor_, &c, 1) == 1 && c != '\n') {
      text += c;
    }
    DOCTEST_REQUIRE_FALSE(text.empty());
    return text;
  }

 private:
  TemporaryTree tree_;
  int descriptor_ = -1;
};

/// A process that is watched.
class Watch {
 public:
  explicit Watch(pid_t process)
      : descriptor_(static_cast<int>(syscall(SYS_pidfd_open, process, 0))) {
    DOCTEST_REQUIRE(descriptor_ >= 0);
  }
  ~Watch() { close(descriptor_); }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  bool wait_gone() const { return wait_readable(descriptor_); }
  bool is_gone() const {
    pollfd source{descriptor_, POLLIN, 0};
    return poll(&source, 1, 0) == 1;
  }

 private:
  int descriptor_;
};

/// Waits for news until `reached`.
inline bool wait_until(CoRunnerProcess& process, const std::function<bool()>& reached) {
  while (!reached()) {
    if (!wait_readable(process.descriptor())) {
      return false;
    }
  }
  return true;
}

inline bool wait_running(CoRunnerProcess& process) {
  return wait_until(process, [&process] { return process.running(); });
}

inline CoRunnerCommand shell(const std::string& script, const PidPipe& pipe) {
  return {.name = "shell", .argv = {"sh", "-c", script, pipe.path()}, .cpus = {}, .user = {}};
}

inline const std::string kTellAndStay = "echo $$ > \"$0\"; exec sleep 1000";
/// The grandchild is in a session of its own, has lost its parent, and does not heed SIGTERM.
inline const std::string kDaemonise =
    "(setsid sh -c 'trap \"\" TERM; echo $$ > \"$0\"; while :; do sleep 1000; done' \"$0\" &); "
    "exec sleep 1000";

/// What /proc/PROCESS/status says of `key`.
inline std::string status_line(pid_t process, const std::string& key) {
  const std::string status = SysfsRoot().read("/proc/" + std::to_string(process) + "/status");
  const std::size_t begin = status.find("\n" + key + ":\t") + key.size() + 3;
  return status.substr(begin, status.find('\n', begin) - begin);
}

/// Folders that control groups may be made in.
using Parents = std::vector<std::filesystem::path>;

inline const std::string kTellAndDaemonise = "echo $$ > \"$0\"; " + kDaemonise;

/// Each hierarchy alone in which a group can be made on this machine.
inline std::vector<Parents> usable_parents() {
  std::vector<Parents> usable;
  for (const auto& parent : CoRunnerGroup::parents(SysfsRoot())) {
    if (CoRunnerGroup::make({parent})) {
      usable.push_back({parent});
    }
  }
  if (usable.empty()) {
    DOCTEST_MESSAGE("SKIPPED: there is no hierarchy of control groups to make a group in");
  }
  return usable;
}

/// The processes of a co-runner that has detached a part of itself.
struct Family {
  Watch command;
  Watch daemon;
  pid_t supervisor;
  pid_t keeper;

  /// @pre kTellAndDaemonise has been started.
  static Family of(const PidPipe& pipe) {
    const pid_t command = pipe.next();
    const pid_t supervisor = std::stoi(status_line(command, "PPid"));
    const pid_t keeper = std::stoi(status_line(supervisor, "PPid"));
    return {Watch(command), Watch(pipe.next()), supervisor, keeper};
  }

  /// The keeper first, as it would act on the supervisor's end.
  void kill_supervisor_and_keeper() const {
    const Watch watches[] = {Watch(keeper), Watch(supervisor)};
    for (const pid_t process : {keeper, supervisor}) {
      DOCTEST_CHECK(kill(process, SIGKILL) == 0);
    }
    DOCTEST_CHECK(watches[1].wait_gone());
    DOCTEST_CHECK(watches[0].wait_gone());
  }
};

/// Runs in a process of its own, which then waits to be killed.
inline pid_t fork_owner(const std::function<void()>& begin) {
  const pid_t owner = fork();
  if (owner == 0) {
    begin();
    _exit(1);
  }
  return owner;
}

inline void kill_and_wait(pid_t child) {
  kill(child, SIGKILL);
  DOCTEST_CHECK(waitpid(child, nullptr, 0) == child);
}

[[noreturn]] inline void wait_to_be_killed() {
  while (true) {
    pause();
  }
}

}  // namespace rein::test
