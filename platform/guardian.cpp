#include "platform/guardian.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>
#include <initializer_list>

#include "common/error.hpp"
#include "platform/co_runner_group.hpp"
#include "platform/descriptors.hpp"

namespace rein {

namespace {

constexpr int kPatienceMs = 2000;
constexpr int kSupervisorsMs = 1000;        ///< For co-runners that are being ended.
constexpr std::size_t kMostText = 262'144;  ///< Some thousand settings.

/// What the child needs. Everything in it is made before the fork, since nothing can be allocated
/// after it.
struct Watch {
  SystemCalls& calls;
  int connection;
  int parent;  ///< As of pidfd_open(), or -1 on a kernel before 5.3.
  int state;
  int lock;
  std::array<char, PATH_MAX> state_path;  ///< Empty if it is in memory.
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

/// Closes all but what is needed, which gets the first numbers.
void tidy_up(Watch& watch) {
  const std::array<int*, 4> needed{&watch.connection, &watch.parent, &watch.state, &watch.lock};
  const int first = STDERR_FILENO + 1;
  const int behind = first + static_cast<int>(needed.size());
  for (int* descriptor : needed) {
    *descriptor = fcntl(*descriptor, F_DUPFD_CLOEXEC, behind);
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
}

void be_hard_to_kill() {
  setsid();
  prctl(PR_SET_NAME, "rein-guardian");
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2, SIGTSTP}) {
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
  while (poll(ends.data(), ends.size(), -1) < 0 && errno == EINTR) {
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

[[noreturn]] void guard(Watch& watch) {
  tidy_up(watch);
  be_hard_to_kill();
  [[maybe_unused]] const ssize_t ignored = send(watch.connection, "r", 1, MSG_NOSIGNAL);
  if (wait_for_the_end(watch)) {
    static std::array<char, kMostText> text;
    const ssize_t count = pread(watch.state, text.data(), text.size(), 0);
    GuardianListener listener;
    if (count < 0 ||
        !restore(watch.calls, {text.data(), static_cast<std::size_t>(count)}, listener)) {
      say(
          {"rein: the run ended before it could give everything back, and neither could its "
           "guardian: try `rein restore`\n"});
      watch.leftovers.end(kSupervisorsMs);
      _exit(1);
    }
    if (watch.state_path[0] != '\0') {
      unlink(watch.state_path.data());
    }
    say({"rein: the run ended before it could give everything back; its guardian has done it\n"});
    watch.leftovers.end(kSupervisorsMs);
  }
  _exit(0);
}

}  // namespace

Guardian::Guardian(const SysfsRoot& root, const StateFile& state, int lock) {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw Error(fmt::format("guardian: cannot be connected: {}", std::strerror(errno)));
  }
  const CoRunnerLeftovers leftovers(root);
  Watch watch{.calls = root.calls(),
              .connection = ends[1],
              .parent = static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0)),
              .state = state.descriptor(),
              .lock = lock,
              .state_path = {},
              .leftovers = leftovers};
  state.path().string().copy(watch.state_path.data(), watch.state_path.size() - 1);
  process_ = fork();
  if (process_ == 0) {
    guard(watch);
  }
  const int reason = errno;
  close(ends[1]);
  if (watch.parent >= 0) {
    close(watch.parent);
  }
  connection_ = ends[0];
  if (process_ < 0) {
    close(connection_);
    throw Error(fmt::format("guardian: cannot be forked: {}", std::strerror(reason)));
  }
  // What ends this process group from now on does not end the guardian.
  char ready = 0;
  while (recv(connection_, &ready, 1, 0) < 0 && errno == EINTR) {
  }
}

Guardian::~Guardian() {
  [[maybe_unused]] const ssize_t ignored = send(connection_, "d", 1, MSG_NOSIGNAL);
  while (waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
  }
  close(connection_);
}

}  // namespace rein
