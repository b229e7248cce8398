#pragma once

#include <string>

#include "platform/kernel/sysfs_root.hpp"

namespace rein {

/// One run at a time manages a machine.
///
/// Root holds a lock on a file in /run/rein that nobody else can open, so that no user can keep
/// root out. Other users see in /proc/locks that it is held; among themselves the lock is a
/// socket's name, which any of them can hold. Both go with the last process that has the
/// descriptor, the guardian too: no crash leaves them behind.
class MachineLock {
 public:
  /// Waits up to 2 s for the guardian of a run that was killed just now.
  /// @throws Error naming the process that holds it.
  explicit MachineLock(const SysfsRoot& root);
  ~MachineLock();
  MachineLock(const MachineLock&) = delete;
  MachineLock& operator=(const MachineLock&) = delete;

  int descriptor() const { return descriptor_; }
  /// For root's log: another user says that he manages this machine too; empty if none does.
  const std::string& notice() const { return notice_; }

 private:
  int descriptor_ = -1;
  std::string notice_;
};

}  // namespace rein
