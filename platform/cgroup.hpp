#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "platform/sensor.hpp"

namespace rein {

class SysfsRoot;

/// Where this process is in the hierarchy of control groups that limits CPU time.
struct CpuCgroup {
  int version = 2;  ///< 1: cpu.cfs_quota_us; 2: cpu.max.
  std::string own;  ///< The kernel path of the group that this process is in.
  /// Where a group for this process may be made, best first. Version 2 lets no process be in a
  /// group that hands controllers down, so beside the own group is a choice as well as below it.
  std::vector<std::string> parents;
};

/// Finds it by /proc/self/mountinfo and /proc/self/cgroup, or says what is missing.
std::variant<CpuCgroup, Missing> find_cpu_cgroup(const SysfsRoot& root);

/// Where hierarchies of control groups are mounted, of whatever controllers: kernel paths.
std::vector<std::string> cgroup_mounts(const SysfsRoot& root);

/// What stands in the way of making a group and moving into it, as far as can be told without
/// trying; nothing if nothing does.
std::optional<Missing> cgroup_obstacle(const SysfsRoot& root, const CpuCgroup& cgroup);

}  // namespace rein
