#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "platform/kernel/cpu_set.hpp"
#include "platform/kernel/missing.hpp"
#include "platform/kernel/subject.hpp"

namespace rein {

class SysfsRoot;

/// As the names of all groups that we make begin.
inline constexpr std::string_view kOwnGroupPrefix = "rein-";
/// More groups in groups than that are not looked into.
inline constexpr int kMostGroupLevels = 32;

/// Where a subject is in the hierarchy of control groups that limits CPU time.
struct CpuCgroup {
  int version = 2;    ///< 1: cpu.cfs_quota_us; 2: cpu.max.
  std::string own;    ///< The kernel path of the group that it is in, or that it is.
  std::string mount;  ///< Of the hierarchy: the uppermost group that is seen from here.
  /// Where a group for it may be made, best first. Version 2 lets no process be in a group that
  /// hands controllers down, so beside the own group is a choice as well as below it. None for a
  /// subject that is a group.
  std::vector<std::string> parents;

  std::string quota_file() const;   ///< Of `own`.
  std::string period_file() const;  ///< The same; of version 1.
};

/// Finds it by /proc/self/mountinfo and the subject's /proc/PROCESS/cgroup, with those parents in
/// which a group can be made as far as can be told without trying; or says what is missing.
std::variant<CpuCgroup, Missing> find_cpu_cgroup(const SysfsRoot& root,
                                                 const Subject& subject = {});
/// The kernel path of the group of the same hierarchy that a thread is in; nothing if it has ended.
std::optional<std::string> cpu_group_of(const SysfsRoot& root, const CpuCgroup& cgroup, int thread);

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
