#pragma once

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <ctime>
#include <future>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace rein::test {

/// Another process that does what it is told, with its threads and children. Nothing of it outlives
/// this.
class OtherProcess {
 public:
  OtherProcess() {
    DOCTEST_REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends_) == 0);
    pid_ = fork();
    if (pid_ == 0) {
      setpgid(0, 0);
      close(ends_[0]);
      Served(ends_[1]).serve();
    }
    setpgid(pid_, pid_);
    close(ends_[1]);
  }
  ~OtherProcess() {
    end();
    close(ends_[0]);
  }
  OtherProcess(const OtherProcess&) = delete;
  OtherProcess& operator=(const OtherProcess&) = delete;

  pid_t pid() const { return pid_; }
  /// Kills it and all that came of it.
  void end() {
    if (!std::exchange(ended_, true)) {
      kill(-pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
  }

  void start_thread() const { tell('t'); }
  void end_thread() const { tell('e'); }
  /// @return the child's process id.
  pid_t fork_child() const { return tell('f'); }
  /// The child forks another one and ends. @return the other one's process id.
  pid_t fork_orphan() const { return tell('o'); }
  /// The child that came last, until it is gone.
  void kill_child() const { tell('k'); }
  /// Uses so much CPU time, and no more.
  void work() const { tell('w'); }
  static constexpr double kWorkS = 0.03;

 private:
  class Served {
   public:
    explicit Served(int end) : end_(end) {}
    [[noreturn]] void serve() {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      char command = 0;
      while (read(end_, &command, 1) == 1) {
        const pid_t answer = obey(command);
        if (write(end_, &answer, sizeof(answer)) != sizeof(answer)) {
          break;
        }
      }
      _exit(0);
    }

   private:
    struct Stay {
      std::promise<void> end;
      std::thread thread;
    };
    pid_t obey(char command) {
      switch (command) {
        case 't': {
          auto& stay = stays_.emplace_back(std::make_unique<Stay>());
          std::promise<void> began;
          stay->thread = std::thread([&stay = *stay, &began] {
            began.set_value();
            stay.end.get_future().wait();
          });
          began.get_future().wait();
          return 0;
        }
        case 'e':
          stays_.back()->end.set_value();
          stays_.back()->thread.join();
          stays_.pop_back();
          return 0;
        case 'f':
          return child_ = fork_pausing();
        case 'o':
          return fork_orphan();
        case 'k':
          kill(child_, SIGKILL);
          waitpid(child_, nullptr, 0);
          return 0;
        case 'w':
          work();
          return 0;
        default:
          return -1;
      }
    }
    static pid_t fork_pausing() {
      const pid_t child = fork();
      while (child == 0) {
        pause();
      }
      return child;
    }
    static pid_t fork_orphan() {
      int ends[2];
      pid_t orphan = -1;
      if (pipe(ends) != 0) {
        return -1;
      }
      const pid_t child = fork();
      if (child == 0) {
        orphan = fork_pausing();
        _exit(write(ends[1], &orphan, sizeof(orphan)) == sizeof(orphan) ? 0 : 1);
      }
      const ssize_t count = read(ends[0], &orphan, sizeof(orphan));
      waitpid(child, nullptr, 0);
      close(ends[0]);
      close(ends[1]);
      return count == sizeof(orphan) ? orphan : -1;
    }
    static double cpu_time_s() {
      timespec time{};
      clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
      return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
    }
    static void work() {
      const double end_s = cpu_time_s() + kWorkS;
      while (cpu_time_s() < end_s) {
      }
    }

    int end_;
    std::vector<std::unique_ptr<Stay>> stays_;
    pid_t child_ = -1;
  };

  pid_t tell(char command) const {
    constexpr int kPatienceMs = 20'000;
    DOCTEST_REQUIRE(write(ends_[0], &command, 1) == 1);
    pollfd source{ends_[0], POLLIN, 0};
    pid_t answer = -1;
    DOCTEST_REQUIRE(poll(&source, 1, kPatienceMs) == 1);
    DOCTEST_REQUIRE(read(ends_[0], &answer, sizeof(answer)) == sizeof(answer));
    return answer;
  }

  int ends_[2] = {-1, -1};
  pid_t pid_ = -1;
  bool ended_ = false;
};

}  // namespace rein::test
