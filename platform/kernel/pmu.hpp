#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "platform/kernel/cpu_set.hpp"

namespace rein {

class SysfsRoot;

/// A unit that counts events, as the kernel lists it in /sys/bus/event_source/devices.
struct Pmu {
  std::string name;  ///< "armv7_cortex_a15".
  std::string path;
  std::uint32_t type = 0;  ///< As of perf_event_attr.
  CpuList cpus;            ///< Of a core's: those that have it; of another's: which to ask.
};

/// Those of cores, in the order of their first CPU.
std::vector<Pmu> find_core_pmus(const SysfsRoot& root);
/// The one of that name, if it is there.
std::optional<Pmu> find_pmu(const SysfsRoot& root, const std::string& name);

/// What perf_event_attr must hold to count an event.
struct PmuEvent {
  std::uint64_t config = 0;
  std::uint64_t config1 = 0;
  std::uint64_t config2 = 0;
};

/// The first of the names that the unit lists, put together as its `format` says.
std::optional<PmuEvent> find_event(const SysfsRoot& root, const Pmu& pmu,
                                   std::span<const char* const> names);

}  // namespace rein
