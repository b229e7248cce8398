#include "platform/giving_back/machine_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>
#include <functional>
#include <optional>
#include <sstream>
#include <thread>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/folder.hpp"
#include "platform/kernel/kernel_file.hpp"

namespace rein {

namespace {

constexpr Duration kPatience = std::chrono::seconds(2);
constexpr Duration kPause = std::chrono::milliseconds(10);
constexpr const char* kRootsFolder = "/run/rein";
constexpr const char* kRootsFile = "lock";

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

/// Who made the lock; process 0 if nobody did.
ucred maker_of(const Address& address) {
  const int descriptor = make_socket();
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (connect(descriptor, address.get(), address.size) == 0) {
    getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size);
  }
  close(descriptor);
  return credentials;
}

/// Whether it runs: one that has ended but was not waited for does not. What cannot be seen runs.
bool is_running(pid_t process) {
  if (process <= 0 || (kill(process, 0) != 0 && errno != EPERM)) {
    return false;
  }
  const std::string status =
      SysfsRoot().try_read(fmt::format("/proc/{}/stat", process)).value_or("");
  // Behind the name, which may hold anything.
  return !std::string_view(status).substr(status.rfind(')') + 1).starts_with(" Z");
}

std::string user_of(uid_t user) {
  const passwd* entry = getpwuid(user);
  return entry == nullptr ? fmt::format("user {}", user)
                          : fmt::format("user {} ({})", user, entry->pw_name);
}

[[noreturn]] void refuse(pid_t process) {
  if (process != 0 && is_running(process)) {
    throw Error(fmt::format(
        "this machine is managed by another run, process {}: wait for its end, or end it",
        process));
  }
  throw Error(
      fmt::format("this machine is still being given back by the guardian of {}, or managed by a "
                  "run that cannot be seen from here: try again",
                  process == 0 ? "a run" : fmt::format("process {}", process)));
}

/// Calls `take` until it returns true, as long as the holder is a guardian that may soon be done.
template <typename Take, typename Holder>
void take_patiently(const Take& take, const Holder& holder) {
  const SteadyClock clock;
  const TimePoint end = clock.now() + kPatience;
  pid_t process = 0;
  while (!take()) {
    process = process == 0 ? holder() : process;
    if ((process != 0 && is_running(process)) || clock.now() >= end) {
      refuse(process);
    }
    std::this_thread::sleep_for(kPause);
  }
}

/// What stands for good in the way of a file in /run: one that can only be read, or is no folder.
bool is_of_the_place(int error) {
  return error == EROFS || error == EACCES || error == EPERM || error == ENOTDIR ||
         error == ELOOP || error == EEXIST || error == ENOENT;
}

[[noreturn]] void fail(int error) {
  throw Error(fmt::format("this machine cannot be locked: {}", std::strerror(error)));
}

/// @return a descriptor of root's file, or -1 where none can be made, as in a container that can
///         only be read.
int open_roots_file(const SysfsRoot& root) {
  try {
    const Folder folder(root.resolve(kRootsFolder), Folder::IfMissing::kMakeOurs);
    struct stat status {};
    if (fstat(folder.descriptor(), &status) != 0 || status.st_uid != 0 ||
        (status.st_mode & 022) != 0) {
      return -1;
    }
    const int descriptor = openat(folder.descriptor(), kRootsFile,
                                  O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (descriptor < 0 && !is_of_the_place(errno)) {
      fail(errno);
    }
    if (descriptor >= 0 && (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode) ||
                            status.st_uid != 0 || (status.st_mode & 077) != 0)) {
      close(descriptor);
      return -1;
    }
    return descriptor;
  } catch (const FolderError& error) {
    // Who took another lock because he is short of descriptors would be a second run.
    if (!is_of_the_place(error.reason())) {
      throw;
    }
    return -1;
  }
}

/// @return whether it was free.
bool take_file(int descriptor) {
  if (flock(descriptor, LOCK_EX | LOCK_NB) == 0) {
    return true;
  }
  if (errno != EWOULDBLOCK && errno != EINTR) {
    fail(errno);
  }
  return false;
}

/// As it noted itself in its file.
pid_t read_holder(int descriptor) {
  std::array<char, 32> text{};
  const ssize_t count = pread(descriptor, text.data(), text.size(), 0);
  const auto process =
      parse_count(trim({text.data(), static_cast<std::size_t>(count < 0 ? 0 : count)}));
  return process && *process <= INT_MAX ? static_cast<pid_t>(*process) : 0;
}

void note_holder(int descriptor) {
  const std::string text = fmt::format("{:<10}\n", getpid());
  // Only a message has need of it.
  [[maybe_unused]] const ssize_t ignored = pwrite(descriptor, text.data(), text.size(), 0);
}

/// The process that holds root's lock, for those who may not open the file; nothing if none does.
std::optional<pid_t> roots_holder(const SysfsRoot& root) {
  struct stat status {};
  const auto file = root.resolve(kRootsFolder) / kRootsFile;
  if (stat(file.c_str(), &status) != 0 || status.st_uid != 0) {
    return std::nullopt;
  }
  const std::string wanted =
      fmt::format("{:02x}:{:02x}:{}", major(status.st_dev), minor(status.st_dev), status.st_ino);
  const SysfsRoot here;
  const std::string text = here.exists("/proc/locks") ? here.read("/proc/locks") : "";
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    // number: FLOCK ADVISORY WRITE process device:inode start end
    const auto words = split_words(line);
    if (words.size() >= 6 && words[1] == "FLOCK" && words[3] == "WRITE" && words[5] == wanted) {
      return static_cast<pid_t>(parse_integer(words[4]).value_or(0));
    }
  }
  return std::nullopt;
}

/// Holds the socket's name. @return whether it was free.
bool take_name(int descriptor, const Address& address) {
  if (bind(descriptor, address.get(), address.size) != 0) {
    if (errno == EADDRINUSE) {
      return false;
    }
    fail(errno);
  }
  // Nobody is answered: each that asks who we are stays in the queue.
  listen(descriptor, SOMAXCONN);
  return true;
}

}  // namespace

MachineLock::MachineLock(const SysfsRoot& root) {
  const Address address(root);
  const bool is_root = geteuid() == 0;
  descriptor_ = is_root ? open_roots_file(root) : -1;
  try {
    if (descriptor_ >= 0) {
      take_patiently([this] { return take_file(descriptor_); },
                     [this] { return read_holder(descriptor_); });
      note_holder(descriptor_);
    } else {
      descriptor_ = make_socket();
      take_patiently(
          [&] {
            // Root is not kept out by others, not even where it can have no file.
            return !roots_holder(root) &&
                   (take_name(descriptor_, address) || (is_root && maker_of(address).uid != 0));
          },
          [&] { return roots_holder(root).value_or(maker_of(address).pid); });
    }
    if (const ucred other = maker_of(address); is_root && other.pid != 0 && other.uid != 0) {
      notice_ = fmt::format(
          "process {} of {} says that it manages this machine too: each undoes what the other "
          "sets, so end one of them",
          other.pid, user_of(other.uid));
    }
  } catch (...) {
    if (descriptor_ >= 0) {
      close(descriptor_);
    }
    throw;
  }
}

MachineLock::~MachineLock() { close(descriptor_); }

}  // namespace rein
