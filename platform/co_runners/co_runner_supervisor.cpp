#include "platform/co_runners/co_runner_supervisor.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>
#include <ctime>
#include <initializer_list>

#include "platform/co_runners/co_runner_group.hpp"
#include "platform/kernel/descriptors.hpp"
#include "platform/kernel/folder_entries.hpp"

namespace rein {

namespace {

constexpr std::int64_t kGraceMs = 300;    ///< Between SIGTERM and SIGKILL.
constexpr std::int64_t kKillMs = 2000;    ///< For what SIGKILL does not end at once.
constexpr std::int64_t kKillRoundMs = 5;  ///< Between two rounds of SIGKILL.
constexpr std::int64_t kHangMs = 500;     ///< What a supervisor may take beyond these.
constexpr int kConnection = 3;            ///< Where supervisor and keeper have it.
constexpr int kGroup = 4;                 ///< The same of the control group.

std::int64_t now_ms() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000 + time.tv_nsec / 1'000'000;
}

/// The number at the start of `text`, or -1.
pid_t leading_number(const char* text) {
  if (*text < '0' || *text > '9') {
    return -1;
  }
  pid_t number = 0;
  for (; *text >= '0' && *text <= '9'; ++text) {
    number = number * 10 + (*text - '0');
  }
  return number;
}

/// The parent of the process whose directory of /proc has this name, or -1.
pid_t parent_of(int proc, const char* name) {
  char path[32];
  if (strlen(name) + sizeof("/stat") > sizeof(path)) {
    return -1;
  }
  stpcpy(stpcpy(path, name), "/stat");
  const int file = openat(proc, path, O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    return -1;
  }
  char text[256];
  const ssize_t count = read(file, text, sizeof(text) - 1);
  close(file);
  if (count <= 0) {
    return -1;
  }
  text[count] = '\0';
  // Behind the name, which is at most 64 bytes long and may hold anything: ") S 123".
  const char* name_end = strrchr(text, ')');
  return name_end != nullptr && strlen(name_end) > 4 ? leading_number(name_end + 4) : -1;
}

sigset_t end_of_child() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGCHLD);
  return signals;
}

/// All that has become a child of this process: those whose parent dies do too.
class Children {
 public:
  /// @pre SIGCHLD is blocked.
  explicit Children(const CoRunnerGroup* group) : group_(group) {
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    const sigset_t signals = end_of_child();
    ends_ = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  }

  /// Readable when one has ended. For poll().
  int descriptor() const { return ends_; }

  /// Collects those that have ended. @return whether there are others.
  template <typename Ended>
  bool reap(const Ended& ended) {
    signalfd_siginfo ignored;
    while (read(ends_, &ignored, sizeof(ignored)) > 0) {
    }
    int status = 0;
    pid_t child = 0;
    while ((child = waitpid(-1, &status, WNOHANG)) > 0) {
      ended(child, status);
    }
    return child == 0;
  }
  bool reap() {
    return reap([](pid_t /*child*/, int /*status*/) {});
  }

  void wait_for_one(std::int64_t patience_ms) const {
    pollfd source{ends_, POLLIN, 0};
    poll(&source, 1, static_cast<int>(patience_ms > 0 ? patience_ms : 0));
  }

  /// All of /proc is looked through, as not every kernel lists a process's children.
  static void signal_all(int signal) {
    const pid_t self = getpid();
    const int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    visit_entries(proc, [&](const dirent64& entry) {
      const pid_t process = leading_number(entry.d_name);
      if (process > 0 && parent_of(proc, entry.d_name) == self) {
        kill(process, signal);
      }
    });
    close(proc);
  }

  /// @return false if some are left that SIGKILL does not end.
  bool kill_all() {
    // The children of those that die become ours, and die in the next round.
    const std::int64_t end = now_ms() + kKillMs;
    while (now_ms() < end) {
      if (group_ != nullptr) {
        group_->kill_all();
      }
      signal_all(SIGKILL);
      wait_for_one(kKillRoundMs);
      if (!reap()) {
        return true;
      }
    }
    return false;
  }

 private:
  const CoRunnerGroup* group_;
  int ends_ = -1;  ///< A signalfd of SIGCHLD.
};

/// Waits for the supervisor's end, and then ends what it has left.
class Keeper {
 public:
  Keeper(const SupervisorPlan& plan, pid_t supervisor)
      : group_(plan.cgroup), supervisor_(supervisor), children_(plan.cgroup) {}

  [[noreturn]] void run() {
    prctl(PR_SET_NAME, "rein-keeper");
    wait_for_supervisor();
    const bool clean = !children_.reap() || children_.kill_all();
    if (group_ != nullptr) {
      group_->end();
    }
    _exit(clean ? 0 : 1);
  }

 private:
  /// Or for its end to be overdue, after that of the owner.
  void wait_for_supervisor() {
    std::int64_t last = -1;
    bool runs = true;
    while (runs && (last < 0 || now_ms() < last)) {
      pollfd sources[] = {{children_.descriptor(), POLLIN, 0}, {kConnection, POLLRDHUP, 0}};
      const auto left = std::max<std::int64_t>(last - now_ms(), 0);
      poll(sources, last < 0 ? 2 : 1, last < 0 ? -1 : static_cast<int>(left));
      if (last < 0 && sources[1].revents != 0) {
        last = now_ms() + kGraceMs + kKillMs + kHangMs;
      }
      children_.reap([&](pid_t child, int /*status*/) { runs = runs && child != supervisor_; });
    }
  }

  const CoRunnerGroup* group_;
  pid_t supervisor_;
  Children children_;
};

class Supervisor {
 public:
  explicit Supervisor(const SupervisorPlan& plan) : plan_(plan), children_(plan.cgroup) {}

  [[noreturn]] void run() {
    while (true) {
      pollfd sources[] = {{kConnection, POLLIN, 0}, {children_.descriptor(), POLLIN, 0}};
      poll(sources, 2, -1);
      if (sources[1].revents != 0) {
        reap(/*tell_of_command=*/true);
      }
      if (sources[0].revents != 0) {
        obey();
      }
    }
  }

 private:
  void tell(SupervisorEvent::Kind kind, int value) const {
    const SupervisorEvent event{kind, generation_, value};
    send(kConnection, &event, sizeof(event), MSG_NOSIGNAL | MSG_DONTWAIT);
  }

  void obey() {
    SupervisorOrder order{};
    const ssize_t count = recv(kConnection, &order, sizeof(order), MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
      return;
    }
    const bool clean = stop();
    if (count != sizeof(order)) {
      if (plan_.cgroup != nullptr) {
        plan_.cgroup->end();
      }
      _exit(clean ? 0 : 1);
    }
    generation_ = order.generation;
    if (order.kind == SupervisorOrder::Kind::kStart) {
      start();
    } else {
      tell(SupervisorEvent::Kind::kStopped, clean ? 0 : 1);
    }
  }

  void start() {
    // The child reports here what went wrong; a successful exec closes it.
    int report[2];
    if (pipe2(report, O_CLOEXEC) != 0) {
      tell(SupervisorEvent::Kind::kForkFailed, errno);
      return;
    }
    const pid_t self = getpid();
    const pid_t child = fork();
    if (child == 0) {
      become_command(self, report[1]);
    }
    const int fork_error = errno;
    close(report[1]);
    SupervisorEvent problem{};
    if (child < 0) {
      tell(SupervisorEvent::Kind::kForkFailed, fork_error);
    } else if (read(report[0], &problem, sizeof(problem)) == sizeof(problem)) {
      waitpid(child, nullptr, 0);
      tell(problem.kind, problem.value);
    } else {
      command_ = child;
      tell(SupervisorEvent::Kind::kStarted, 0);
    }
    close(report[0]);
  }

  /// In the child: everything up to exec.
  [[noreturn]] void become_command(pid_t supervisor, int report) const {
    const auto fail = [report](SupervisorEvent::Kind kind, int error) {
      const SupervisorEvent problem{kind, 0, error};
      [[maybe_unused]] const ssize_t count = write(report, &problem, sizeof(problem));
      _exit(127);
    };
    setpgid(0, 0);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE}) {
      ::signal(signal, SIG_DFL);
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);

    // While we have the right to.
    if (plan_.cgroup != nullptr) {
      plan_.cgroup->enter();
    }
    if (plan_.num_cpus > 0) {
      // The kernel drops CPUs that it has not, without a word.
      cpu_set_t granted;
      if (sched_setaffinity(0, sizeof(plan_.cpus), &plan_.cpus) != 0) {
        fail(SupervisorEvent::Kind::kPinFailed, errno);
      }
      if (sched_getaffinity(0, sizeof(granted), &granted) != 0 ||
          !CPU_EQUAL(&granted, &plan_.cpus) ||
          static_cast<std::size_t>(CPU_COUNT(&granted)) != plan_.num_cpus) {
        fail(SupervisorEvent::Kind::kPinFailed, EINVAL);
      }
    }
    if (plan_.drops_user && (setgroups(plan_.num_groups, plan_.groups) != 0 ||
                             setgid(plan_.group) != 0 || setuid(plan_.user) != 0)) {
      fail(SupervisorEvent::Kind::kUserFailed, errno);
    }
    if (plan_.drops_user) {
      enter_folder();
    }
    // What gained rights could not be killed.
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    // After setuid, which clears it.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != supervisor) {
      _exit(127);
    }
    execve(plan_.path, plan_.argv, plan_.environment);
    fail(SupervisorEvent::Kind::kExecFailed, errno);
    _exit(127);
  }

  /// Ours if the user may enter it, or else his home, or else the root.
  void enter_folder() const {
    // Through the whole path, as a folder that we are in opens without a look at those above it.
    char folder[PATH_MAX];
    if (getcwd(folder, sizeof(folder)) != nullptr && chdir(folder) == 0) {
      return;
    }
    if (chdir(plan_.home) != 0) {
      [[maybe_unused]] const int ignored = chdir("/");
    }
  }

  /// Collects what has ended. @return whether there are children left.
  bool reap(bool tell_of_command) {
    return children_.reap([&](pid_t child, int status) {
      if (child == command_) {
        command_ = -1;
        if (tell_of_command) {
          tell(SupervisorEvent::Kind::kEnded, status);
        }
      }
    });
  }

  /// Ends the command and all that came of it. @return false if something is left.
  bool stop() {
    if (!reap(/*tell_of_command=*/false)) {
      return true;
    }
    if (command_ > 0) {
      kill(-command_, SIGTERM);
    }
    Children::signal_all(SIGTERM);
    const std::int64_t grace_end = now_ms() + kGraceMs;
    while (now_ms() < grace_end) {
      children_.wait_for_one(grace_end - now_ms());
      if (!reap(/*tell_of_command=*/false)) {
        return true;
      }
    }
    command_ = -1;
    return children_.kill_all();
  }

  SupervisorPlan plan_;
  Children children_;
  pid_t command_ = -1;
  std::uint32_t generation_ = 0;
};

/// Lets go of all that was the owner's.
void come_loose(const SupervisorPlan& plan) {
  // Ctrl-C goes to the whole foreground group; the owner decides what becomes of us.
  setsid();
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE}) {
    ::signal(signal, SIG_IGN);
  }
  ::signal(SIGCHLD, SIG_DFL);
  const sigset_t blocked = end_of_child();
  sigprocmask(SIG_SETMASK, &blocked, nullptr);
  prctl(PR_SET_NAME, "rein-co-runner");

  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  // Above the descriptors to be overwritten, then down to their places.
  const int connection = fcntl(plan.connection, F_DUPFD_CLOEXEC, kGroup + 1);
  const int group =
      plan.cgroup == nullptr ? -1 : fcntl(plan.cgroup->descriptor(), F_DUPFD_CLOEXEC, kGroup + 1);
  for (int descriptor = 0; descriptor < kConnection; ++descriptor) {
    dup2(null, descriptor);
  }
  dup3(connection, kConnection, O_CLOEXEC);
  close(kGroup);
  if (plan.cgroup != nullptr) {
    dup3(group, kGroup, O_CLOEXEC);
    plan.cgroup->use_descriptor(kGroup);
  }
  close_descriptors_from(kGroup + 1);
}

}  // namespace

void supervise(SupervisorPlan plan) {
  come_loose(plan);
  const pid_t supervisor = fork();
  if (supervisor > 0) {
    Keeper(plan, supervisor).run();
  }
  if (supervisor == 0) {
    setsid();
  }
  // Where there can be no more processes, without a keeper.
  Supervisor(plan).run();
}

}  // namespace rein
