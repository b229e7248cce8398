#pragma once

#include <string>
#include <vector>

#include "common/clock.hpp"
#include "platform/board.hpp"
#include "platform/platform.hpp"
#include "platform/sensor.hpp"
#include "platform/sysfs_root.hpp"

namespace rein {

/// A control that a LinuxPlatform on this machine would offer, beside the mapping.
struct ProbedControl {
  std::string name;
  std::string mechanism;  ///< "cpufreq", "cgroup v1", "cgroup v2".
  std::string path;
};

/// What a machine offers.
struct ProbeReport {
  Board board;
  std::vector<ProbedControl> controls;
  std::vector<Signal> signals;
  std::vector<Reading> readings;  ///< One for each signal.
  std::vector<Missing> missing;   ///< What is not there, or needs more rights.
};

/// Looks without changing anything. Takes two samples `kProbeInterval` apart on `clock`, for what
/// is a rate. Below a root that is not this machine's, there are no counters.
/// @throws Error if there are not even CPUs.
ProbeReport probe(const SysfsRoot& root, Clock& clock);
constexpr Duration kProbeInterval = std::chrono::milliseconds(200);

/// For people, and for programs.
std::string to_table(const ProbeReport& report);
std::string to_json(const ProbeReport& report);

}  // namespace rein
