#pragma once

#include <sys/types.h>

#include "platform/giving_back/state_file.hpp"

namespace rein {

/// A small process that puts back what the state file says when this one ends without doing so:
/// killed by SIGKILL or for want of memory, crashed, aborted. It ends what co-runners have left,
/// too.
///
/// It has a session of its own and ignores the signals that end a terminal's or a service's
/// processes. It is killed last for want of memory where we have the right to ask for that.
class Guardian {
 public:
  /// Forks. `lock` is a descriptor that the guardian keeps open until it has finished.
  /// @throws Error if there is no such process within 10 s, with the reason.
  Guardian(const SysfsRoot& root, const StateFile& state, int lock);
  /// Nothing is left to put back: ends the guardian, by force if it has not within 10 s.
  ~Guardian();
  /// This process cannot put everything back: when it ends, its guardian will.
  void take_over();
  Guardian(const Guardian&) = delete;
  Guardian& operator=(const Guardian&) = delete;

  pid_t process() const { return process_; }

 private:
  void collect();

  int connection_ = -1;  ///< -1: it has taken over.
  pid_t process_ = -1;
};

}  // namespace rein
