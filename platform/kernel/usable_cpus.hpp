#pragma once

#include "platform/kernel/cpu_set.hpp"

namespace rein {

class SysfsRoot;

/// The CPUs that this process may run on as it was started: the outer limit, which nothing widens.
///
/// The kernel's own answer where it is our machine's: `online` is no measure, as a container may
/// see it numbered anew. Below a root that is not, what /proc/self/status and the group's cpuset
/// say of those that are online; without either all that are. @throws Error if there are none.
CpuList allowed_cpus(const SysfsRoot& root);

/// Those that the kernel keeps free of what is not put there by name (`isolcpus`).
CpuList isolated_cpus(const SysfsRoot& root);

/// Those for what names no CPUs: allowed, and not isolated unless all of them are.
CpuList default_cpus(const SysfsRoot& root);

/// Those that a board file may name: allowed, and the isolated ones, which nobody is started on by
/// default, unless this process was started on fewer than that default.
CpuList nameable_cpus(const SysfsRoot& root);

/// Whether a CPU is online, by its own file if it has one.
bool is_online(const SysfsRoot& root, int cpu);

}  // namespace rein
