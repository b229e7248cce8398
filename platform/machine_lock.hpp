#pragma once

#include "platform/sysfs_root.hpp"

namespace rein {

/// One run at a time manages a machine. Held by a socket's name, which no file system, user or
/// crash can leave behind: it goes with the last process that has the descriptor, the guardian too.
/// Containers with a network of their own do not see each other's.
class MachineLock {
 public:
  /// Waits up to 2 s for the guardian of a run that was killed just now.
  /// @throws Error naming the process that holds it.
  explicit MachineLock(const SysfsRoot& root);
  ~MachineLock();
  MachineLock(const MachineLock&) = delete;
  MachineLock& operator=(const MachineLock&) = delete;

  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

}  // namespace rein
