#include "platform/giving_back/guardian.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <initializer_list>
#include <utility>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "platform/co_runners/co_runner_group.hpp"
#include "platform/kernel/descriptors.hpp"

namespace rein {

namespace {

constexpr int kPatienceMs = 2000;
constexpr int kSupervisorsMs = 1000;  ///< For co-runners that are being ended.
constexpr int kReadyMs = 10'000;      ///< For a machine that is short of everything.

/// What the child needs. Everything in it is made before the fork, since nothing can be allocated
/// after it.
struct Watch {
  const SysfsRoot& root;
  int connection;
  int parent;  ///< As of pidfd_open(), or -1 on a kernel before 5.3.
  int state;
  int folder;  ///< That the state file is in, or -1 if it is in memory.
  int lock;
  const char* state_name;
  const CoRunnerLeftovers& leftovers;
};

void say(std::initializer_list<std::string_view> parts) {
  for (const auto part : parts) {
    // Who cannot be told is not told.
    [[maybe_unused]] const ssize_t ignored = write(STDERR_FILENO, part.data(), part.size());
  }
}

class GuardianListener final : public RestorationListener {
 public:
  void restored(const Restoration&) override {}
  void failed(const Restoration& restoration, int error) override {
    say({"rein: not restored: ", restoration.path, ": expected '", restoration.text,
         "': ", error == 0 ? "the kernel says another" : strerrordesc_np(error), "\n"});
  }
};

/// Closes all but what is needed, which gets the first numbers. @return 0 or an error.
int tidy_up(Watch& watch) {
  const std::array<int*, 5> needed{&watch.connection, &watch.parent, &watch.state, &watch.folder,
                                   &watch.lock};
  const int first = STDERR_FILENO + 1;
  const int behind = first + static_cast<int>(needed.size());
  for (int* descriptor : needed) {
    if (*descriptor < 0) {
      continue;
    }
    const int moved = fcntl(*descriptor, F_DUPFD_CLOEXEC, behind);
    if (moved < 0) {
      // The limit is what the number may be, too.
      return errno == EINVAL ? EMFILE : errno;
    }
    *descriptor = moved;
  }
  int place = first;
  for (int* descriptor : needed) {
    if (*descriptor >= 0) {
      *descriptor = dup3(*descriptor, place++, O_CLOEXEC);
    }
  }
  close_descriptors_from(place);
  close(STDIN_FILENO);
  close(STDOUT_FILENO);
  fill_standard_descriptors();
  return 0;
}

void be_hard_to_kill() {
  setsid();
  prctl(PR_SET_NAME, "rein-guardian");
  for (const int signal :
       {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2, SIGTSTP, SIGXFSZ}) {
    std::signal(signal, SIG_IGN);
  }
  const int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (file >= 0) {
    [[maybe_unused]] const ssize_t ignored = write(file, "-1000", 5);
    close(file);
  }
  [[maybe_unused]] const int ignored = chdir("/");
}

/// @return whether the parent ended without a word.
bool wait_for_the_end(const Watch& watch) {
  std::array<pollfd, 2> ends{{{watch.connection, POLLIN, 0}, {watch.parent, POLLIN, 0}}};
  while (poll(ends.data(), ends.size(), -1) <= 0) {
  }
  char word = 0;
  if (recv(watch.connection, &word, 1, MSG_DONTWAIT) == 1) {
    return false;
  }
  // Its descriptors are closed before it leaves its control group.
  pollfd end{watch.parent, POLLIN, 0};
  [[maybe_unused]] const int ignored = poll(&end, 1, watch.parent < 0 ? 0 : kPatienceMs);
  return true;
}

/// Puts everything back. @return whether nothing is left to do.
bool give_back(const Watch& watch) {
  static std::array<char, StateFile::kMostBytes> text;
  const ssize_t count = pread(watch.state, text.data(), text.size(), 0);
  GuardianListener listener;
  if (count < 0 || !restore(watch.root, {text.data(), static_cast<std::size_t>(count)}, listener)) {
    say(
        {"rein: the run ended before it could give everything back, and neither could its "
         "guardian: try `rein restore`\n"});
    return false;
  }
  const int error = watch.folder < 0 ? 0 : remove_from(watch.folder, watch.state_name, watch.state);
  say({"rein: the run ended before it could give everything back; its guardian has done it\n"});
  if (error != 0) {
    say({"rein: the state file cannot be removed: ", strerrordesc_np(error), "\n"});
  }
  return error == 0;
}

/// @return an exit status.
int guard(Watch& watch) {
  const int first = watch.connection;
  const int error = tidy_up(watch);
  if (error == 0) {
    be_hard_to_kill();
  }
  // What ends the parent's process group from now on does not end this.
  [[maybe_unused]] const ssize_t ignored =
      send(error == 0 ? watch.connection : first, &error, sizeof(error), MSG_NOSIGNAL);
  if (error != 0 || !wait_for_the_end(watch)) {
    return error == 0 ? 0 : 1;
  }
  const bool all_well = give_back(watch);
  watch.leftovers.end(kSupervisorsMs);
  return all_well ? 0 : 1;
}

/// Waits for a word of the guardian, or for its end. @return false if there is none within the
/// time.
bool wait_for(int connection) {
  const SteadyClock clock;
  const TimePoint end = clock.now() + std::chrono::milliseconds(kReadyMs);
  pollfd source{connection, POLLIN, 0};
  int found = 0;
  do {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - clock.now()).count();
    found = poll(&source, 1, static_cast<int>(std::max<decltype(left)>(left, 0)));
  } while (found < 0 && (errno == EINTR || errno == EAGAIN));
  return found > 0;
}

[[noreturn]] void fail(const std::string& what, int error) {
  throw Error(fmt::format("guardian: cannot be {}: {}", what, std::strerror(error)));
}

}  // namespace

Guardian::Guardian(const SysfsRoot& root, const StateFile& state, int lock) {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    fail("connected", errno);
  }
  const StateFile::Held& held = state.held();
  const CoRunnerLeftovers leftovers(root);
  const long parent = syscall(SYS_pidfd_open, getpid(), 0);
  int reason = parent < 0 ? errno : 0;
  Watch watch{.root = root,
              .connection = ends[1],
              .parent = static_cast<int>(parent),
              .state = held.descriptor,
              .folder = held.folder ? held.folder->descriptor() : -1,
              .lock = lock,
              .state_name = held.name.c_str(),
              .leftovers = leftovers};
  // An older kernel has none, and some containers refuse what they do not know.
  if (reason != EMFILE && reason != ENFILE && reason != ENOMEM) {
    process_ = fork();
    reason = process_ < 0 ? errno : 0;
  }
  if (process_ == 0) {
    _exit(guard(watch));
  }
  close(ends[1]);
  if (watch.parent >= 0) {
    close(watch.parent);
  }
  connection_ = ends[0];
  if (process_ < 0) {
    close(connection_);
    fail("forked", reason);
  }
  const char* problem = nullptr;
  if (!wait_for(connection_)) {
    problem = "it does not answer";
  } else if (recv(connection_, &reason, sizeof(reason), MSG_DONTWAIT) != sizeof(reason)) {
    problem = "it has ended at once, as for want of memory";
  } else if (reason != 0) {
    problem = std::strerror(reason);
  }
  if (problem != nullptr) {
    kill(process_, SIGKILL);
    collect();
    throw Error(fmt::format("guardian: cannot be started: {}", problem));
  }
}

Guardian::~Guardian() {
  if (connection_ < 0) {
    return;
  }
  [[maybe_unused]] const ssize_t ignored = send(connection_, "d", 1, MSG_NOSIGNAL);
  // Its end of the connection goes with it.
  if (!wait_for(connection_)) {
    kill(process_, SIGKILL);
  }
  collect();
}

void Guardian::take_over() { close(std::exchange(connection_, -1)); }

void Guardian::collect() {
  while (waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
  }
  close(connection_);
}

}  // namespace rein
