#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <functional>
#include <string>

#include "platform/co_runner_process.hpp"
#include "platform/sysfs_root.hpp"
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

}  // namespace rein::test
