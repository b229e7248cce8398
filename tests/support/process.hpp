#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/files.hpp"
#include "support/temporary_folder.hpp"

namespace rein {

/// A program under test, with its output in files. Killed in the end if it still runs.
class Process {
 public:
  /// @param largest_file  bytes that it may write to one file; more fails with EFBIG.
  explicit Process(const std::vector<std::string>& arguments,
                   std::optional<rlim_t> largest_file = std::nullopt) {
    std::vector<char*> argv;
    for (const auto& argument : arguments) {
      argv.push_back(const_cast<char*>(argument.c_str()));
    }
    argv.push_back(nullptr);
    const std::string out = (folder_.path() / "out").string();
    const std::string err = (folder_.path() / "err").string();
    pid_ = fork();
    if (pid_ == 0) {
      dup2(open(out.c_str(), O_WRONLY | O_CREAT, 0600), STDOUT_FILENO);
      dup2(open(err.c_str(), O_WRONLY | O_CREAT, 0600), STDERR_FILENO);
      if (largest_file) {
        signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{*largest_file, *largest_file};
        setrlimit(RLIMIT_FSIZE, &limit);
      }
      execv(argv[0], argv.data());
      _exit(127);
    }
  }
  ~Process() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  void send(int signal) const { kill(pid_, signal); }

  /// The exit status, 128 + the signal if it was killed.
  int wait() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  std::string output() const { return read_file(folder_.path() / "out"); }
  std::string errors() const { return read_file(folder_.path() / "err"); }

 private:
  TemporaryFolder folder_;
  pid_t pid_ = -1;
};

/// Waits until a process that need not be our child has ended, or 20 s at most.
inline bool wait_until_gone(pid_t pid) {
  const int descriptor = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (descriptor < 0) {
    return errno == ESRCH;
  }
  pollfd waiting{.fd = descriptor, .events = POLLIN, .revents = 0};
  const bool ended = poll(&waiting, 1, 20'000) == 1;
  close(descriptor);
  return ended;
}

}  // namespace rein
