#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "platform/board/board.hpp"
#include "platform/kernel/cpu_set.hpp"

namespace rein {

class SysfsRoot;

/// As the names of cpufreq's directories begin.
inline constexpr std::string_view kPolicyPrefix = "policy";

/// A directory of cpufreq with CPUs that are ours.
struct CpuPolicy {
  std::string name;
  std::string path;  ///< As a board file has it.
  CpuList cpus;
  bool listed = false;           ///< Or the driver takes any frequency.
  std::vector<double> opps_mhz;  ///< All.
  std::string driver;
  std::string governors;
  std::string core;       ///< What tells one kind of core from another; the same for those alike.
  double capacity = 0.0;  ///< As the scheduler has it; 0 if it is not told.

  double top_mhz() const { return opps_mhz.empty() ? 0.0 : opps_mhz.back(); }
};

/// Of the CPUs that are ours, in the kernel's order. Before Linux 4.3 they are the CPUs' own.
std::vector<CpuPolicy> find_policies(const SysfsRoot& root, const CpuList& ours);

/// A domain for each kind of policy, with a handful of operating points. PCs and servers have a
/// policy for each CPU, too many to be set one by one. Alike are those of the same driver,
/// governors and kind of core with the same list of frequencies, or, where the driver takes any,
/// with highest ones that are 5 % apart at most from one to the next and 20 % in all, as cores
/// differ by their quality; and those of the threads of one core.
std::vector<DomainSpec> join_alike(const SysfsRoot& root, const std::vector<CpuPolicy>& policies);

/// The CPUs that share a core with this one, and itself.
CpuList siblings_of(const SysfsRoot& root, int cpu);

}  // namespace rein
