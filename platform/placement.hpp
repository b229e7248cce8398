#pragma once

#include "platform/cpu_set.hpp"
#include "platform/sysfs_root.hpp"

namespace rein {

class ControlGuard;
class SystemCalls;

/// Where this process runs: the CPUs of all its threads.
///
/// Every thread is set, since those of a library's pool keep the CPUs that they were born with.
class Placement {
 public:
  /// Saves the CPUs of every thread; threads that come later are given the main thread's.
  /// `calls` must outlive this and `guard`. @throws Error if the threads cannot be listed.
  Placement(const SysfsRoot& root, SystemCalls& calls, ControlGuard& guard);

  /// Moves all threads to `cpus`; those that end meanwhile are no trouble.
  /// @throws Error naming the CPUs, if the kernel refuses or grants only some of them.
  void set(const CpuList& cpus);

 private:
  SysfsRoot root_;
  SystemCalls& calls_;
};

}  // namespace rein
