#pragma once

#include "platform/kernel/cpu_set.hpp"

namespace rein {

class SysfsRoot;

/// The CPUs for what names none: those that this process was started on, but for the isolated
/// (`isolcpus`) unless all of them are. @throws Error if there are none.
CpuList default_cpus(const SysfsRoot& root);

/// Those that a board file may name: that this process was started on, and the isolated ones, which
/// nobody is started on by default, unless it was started on fewer than that default. @throws Error
/// if there are none.
CpuList nameable_cpus(const SysfsRoot& root);

/// Whether a CPU is online, by its own file if it has one.
bool is_online(const SysfsRoot& root, int cpu);

}  // namespace rein
