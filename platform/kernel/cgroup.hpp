#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "platform/kernel/cpu_set.hpp"
#include "platform/kernel/missing.hpp"

namespace rein {

class SysfsRoot;

/// Where this process is in the hierarchy of control groups that limits CPU time.
struct CpuCgroup {
  int version = 2;    ///< 1: cpu.cfs_quota_us; 2: cpu.max.
  std::string own;    ///< The kernel path of the group that this process is in.
  std::string mount;  ///< Of the hierarchy: the uppermost group that is seen from here.
  /// Where a group for this process may be made, best first. Version 2 lets no process be in a
  /// group that hands controllers down, so beside the own group is a choice as well as below it.
  std::vector<std::string> parents;
};

/// Finds it by /proc/self/mountinfo and /proc/self/cgroup, with those parents in which a group can
/// be made as far as can be told without trying; or says what is missing.
std::variant<CpuCgroup, Missing> find_cpu_cgroup(const SysfsRoot& root);

/// Where hierarchies of control groups are mounted, of whatever controllers: kernel paths.
std::vector<std::string> cgroup_mounts(const SysfsRoot& root);

/// A hierarchy of control groups that is mounted here, and where this process is in it.
struct CgroupHierarchy {
  int version = 2;
  std::vector<std::string> controllers;  ///< Of version 1; `name=...` where it has none.
  std::string mount;  ///< The kernel path of the uppermost group that is seen from here.
  std::string own;    ///< That of the group that this process is in.
};
std::vector<CgroupHierarchy> cgroup_hierarchies(const SysfsRoot& root);

/// The lowest limit of this group and those above it, and the file that sets it.
struct CpuLimit {
  double cpus = 0.0;
  std::string path;
};
std::optional<CpuLimit> cpu_limit(const SysfsRoot& root, const CpuCgroup& cgroup);

/// The CPUs that the cpuset of this process's group leaves it; nothing if none is told.
std::optional<CpuList> cpuset_cpus(const SysfsRoot& root);

}  // namespace rein
