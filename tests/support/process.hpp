#pragma once

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
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
    argv.reserve(arguments.size() + 1);
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

/// A program under test in a terminal of its own, which it controls. Killed in the end if it still
/// runs.
class TerminalProcess {
 public:
  explicit TerminalProcess(const std::vector<std::string>& arguments, unsigned short columns = 80,
                           const char* terminal = "xterm") {
    std::vector<char*> argv;
    argv.reserve(arguments.size() + 1);
    for (const auto& argument : arguments) {
      argv.push_back(const_cast<char*>(argument.c_str()));
    }
    argv.push_back(nullptr);
    const winsize size{.ws_row = 24, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
    pid_ = forkpty(&terminal_, nullptr, nullptr, &size);
    if (pid_ == 0) {
      setenv("TERM", terminal, 1);
      execv(argv[0], argv.data());
      _exit(127);
    }
  }
  ~TerminalProcess() {
    hang_up();
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
  }
  TerminalProcess(const TerminalProcess&) = delete;
  TerminalProcess& operator=(const TerminalProcess&) = delete;

  /// Reads until it has shown this. @return false if it ended before.
  bool shows(const std::string& text) {
    while (shown_.find(text) == std::string::npos) {
      if (!read_more()) {
        return false;
      }
    }
    return true;
  }
  void resize(unsigned short columns) const {
    const winsize size{.ws_row = 24, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
    ioctl(terminal_, TIOCSWINSZ, &size);
  }
  void send(int signal) const { kill(pid_, signal); }
  /// As Ctrl-C, Ctrl-S and so on.
  void type(char key) const { [[maybe_unused]] const auto written = write(terminal_, &key, 1); }
  /// The window is closed, or the connection lost.
  void hang_up() {
    if (terminal_ >= 0) {
      close(terminal_);
      terminal_ = -1;
    }
  }
  /// All that it has shown until its end.
  const std::string& read_all() {
    while (read_more()) {
    }
    return shown_;
  }
  /// As Process::wait().
  int wait() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  bool read_more() {
    char text[4096];
    const ssize_t count = read(terminal_, text, sizeof text);
    if (count <= 0) {
      return count < 0 && errno == EINTR;
    }
    shown_.append(text, static_cast<std::size_t>(count));
    return true;
  }

  pid_t pid_ = -1;
  int terminal_ = -1;
  std::string shown_;
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
