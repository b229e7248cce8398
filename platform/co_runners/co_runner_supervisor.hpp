#pragma once

#include <sched.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>

namespace rein {

class CoRunnerGroup;

/// What the owner sends: a datagram each. The end of the connection means "stop and exit".
struct SupervisorOrder {
  enum class Kind : std::uint32_t { kStart, kStop };
  Kind kind;
  std::uint32_t generation;  ///< Comes back in the events that it leads to.
};

/// What the supervisor sends back.
struct SupervisorEvent {
  enum class Kind : std::uint32_t {
    kStarted,     ///< The command runs.
    kForkFailed,  ///< These four: `value` is errno.
    kPinFailed,
    kUserFailed,
    kExecFailed,
    kEnded,    ///< By itself; `value` as waitpid() gives it.
    kStopped,  ///< `value` is 0, or 1 if there are processes that could not be killed.
  };
  Kind kind;
  std::uint32_t generation;
  std::int32_t value;
};

/// What is to be run and how. Made before the fork, as nothing can be allocated after it.
struct SupervisorPlan {
  int connection = -1;
  const char* path = nullptr;
  char* const* argv = nullptr;
  char* const* environment = nullptr;
  std::size_t num_cpus = 0;  ///< 0: not pinned.
  cpu_set_t cpus{};
  bool drops_user = false;
  uid_t user = 0;
  gid_t group = 0;
  const gid_t* groups = nullptr;
  std::size_t num_groups = 0;
  const char* home = nullptr;       ///< Where another user works who may not enter our folder.
  CoRunnerGroup* cgroup = nullptr;  ///< That the command is put into; null: none could be made.
};

/// The life of a forked process and of its child, the keeper and the supervisor. The supervisor
/// starts and stops the command as ordered, and when the connection ends kills all that came of it.
/// The keeper does that if the supervisor is killed or hangs. The connection ends for the owner
/// when both have. Makes async-signal-safe calls only.
[[noreturn]] void supervise(SupervisorPlan plan);

}  // namespace rein
