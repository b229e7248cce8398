#pragma once

#include <cstddef>
#include <string>
#include <variant>

#include "platform/board.hpp"
#include "platform/cgroup.hpp"
#include "platform/sysfs_root.hpp"

namespace rein {

class ControlGuard;
class SystemCalls;

/// Limits the CPU time of this process by a control group of its own, `rein-<process id>`.
///
/// Work limiting, not DVFS: within each period all threads together run for the quota, then wait.
/// Processes that were forked before stay outside; those forked later are inside.
class BandwidthControl {
 public:
  /// Removes empty groups of dead runs, makes a group, moves this process into it without a limit,
  /// and leaves with `guard` how to undo that. Or says why it cannot be; then nothing is changed.
  /// `calls` must outlive this and `guard`.
  static std::variant<BandwidthControl, Missing> create(const SysfsRoot& root, SystemCalls& calls,
                                                        const BandwidthSpec& spec,
                                                        std::size_t num_cpus, ControlGuard& guard);

  /// Limits to so many CPUs' worth of time; no limit from the machine's number of CPUs on.
  /// @throws Error naming path and value, if the kernel refuses or does not say it back.
  void set_cpus(double cpus);

 private:
  BandwidthControl(const SysfsRoot& root, int version, std::string group, double period_ms,
                   std::size_t num_cpus);

  SysfsRoot root_;
  int version_;
  std::string group_;
  long period_us_;
  double num_cpus_;
};

}  // namespace rein
