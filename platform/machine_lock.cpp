#include "platform/machine_lock.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <thread>

#include "common/clock.hpp"
#include "common/error.hpp"

namespace rein {

namespace {

constexpr Duration kPatience = std::chrono::seconds(2);
constexpr Duration kPause = std::chrono::milliseconds(10);

/// In the abstract name space: a zero byte, then the name.
struct Address {
  sockaddr_un socket{};
  socklen_t size = 0;

  explicit Address(const SysfsRoot& root) {
    std::error_code ignored;
    const auto path = std::filesystem::weakly_canonical(root.root(), ignored).string();
    const std::string name = fmt::format("rein-{:016x}", std::hash<std::string>{}(path));
    socket.sun_family = AF_UNIX;
    name.copy(socket.sun_path + 1, sizeof socket.sun_path - 1);
    size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&socket); }
};

int make_socket() {
  const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) {
    throw Error(fmt::format("socket: cannot be made: {}", std::strerror(errno)));
  }
  return descriptor;
}

/// The process that made the lock; 0 if it cannot be told.
pid_t maker_of(const Address& address) {
  const int descriptor = make_socket();
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (connect(descriptor, address.get(), address.size) == 0) {
    getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size);
  }
  close(descriptor);
  return credentials.pid;
}

/// Whether it runs: one that has ended but was not waited for does not.
bool is_running(pid_t process) {
  const auto status = SysfsRoot().try_read(fmt::format("/proc/{}/stat", process));
  return status && status->find(") Z ") == std::string::npos;
}

std::string refusal(pid_t process, int reason) {
  if (reason != EADDRINUSE || process == 0) {
    return fmt::format("this machine cannot be locked: {}", std::strerror(reason));
  }
  return is_running(process)
             ? fmt::format(
                   "this machine is managed by another run, process {}: wait for its end, "
                   "or end it",
                   process)
             : fmt::format(
                   "this machine is still being given back by the guardian of process {}, "
                   "which was killed: try again",
                   process);
}

}  // namespace

MachineLock::MachineLock(const SysfsRoot& root) : descriptor_(make_socket()) {
  const Address address(root);
  const SteadyClock clock;
  const TimePoint end = clock.now() + kPatience;
  pid_t process = 0;
  while (bind(descriptor_, address.get(), address.size) != 0) {
    const int reason = errno;
    process = process == 0 ? maker_of(address) : process;
    if (reason != EADDRINUSE || is_running(process) || clock.now() >= end) {
      close(descriptor_);
      throw Error(refusal(process, reason));
    }
    std::this_thread::sleep_for(kPause);
  }
  // Nobody is answered: each that asks who we are stays in the queue.
  listen(descriptor_, SOMAXCONN);
}

MachineLock::~MachineLock() { close(descriptor_); }

}  // namespace rein
