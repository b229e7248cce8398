#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "platform/board/board.hpp"
#include "platform/board/clock_devices.hpp"
#include "platform/kernel/sysfs_root.hpp"
#include "platform/platform.hpp"
#include "platform/sensors/sensor.hpp"

namespace rein {

/// What the files of a domain's clock say now.
struct ProbedClock {
  std::string path;                     ///< Its kernel directory; empty if there is none.
  std::vector<double> opps_mhz;         ///< The board's, or all that the kernel lists.
  std::vector<double> listed_mhz = {};  ///< All that the kernel lists.
  bool takes_any = false;               ///< The driver takes what lies between as well.
  std::optional<double> now_mhz = {};
  std::optional<double> limit_mhz = {};  ///< The highest that is allowed now.
  std::string governor = {};             ///< Empty if there is none.
  std::string driver = {};               ///< Empty if it is not told.

  /// Whether something, most often heat, keeps it below its highest operating point.
  bool is_held() const;
};

/// A unit of the hardware that counts events.
struct ProbedPmu {
  std::string name;
  CpuList cpus;                     ///< Those that have it, or that must be asked.
  std::vector<std::string> events;  ///< That have a name.
};

/// A control that a LinuxPlatform on this machine would offer, beside the mapping.
struct ProbedControl {
  std::string name;
  std::string mechanism;  ///< "cpufreq", "devfreq", "bpmp", "mali", "cgroup v1", "cgroup v2".
  std::string path;
};

/// What a machine offers.
struct ProbeReport {
  Board board;
  std::string kernel;               ///< Its release; empty if it is not told.
  std::vector<ProbedClock> clocks;  ///< One for each domain.
  std::vector<ProbedPmu> pmus;      ///< Without what the kernel counts in software.
  std::optional<std::int64_t> perf_event_paranoid;
  std::vector<ProbedControl> controls;
  std::vector<Signal> signals;
  std::vector<Reading> readings;      ///< One for each signal.
  std::vector<Missing> missing;       ///< What is not there, or needs more rights.
  std::vector<LeftAlone> left_alone;  ///< Clocks that nothing here computes by, and are not named.
  std::vector<std::string> troubles;  ///< What could not be read, a line each.

  /// The domains that are held below their limits, and what else throttles by its signal.
  std::vector<std::string> throttling_now() const;
};

/// Looks for what a board names and this machine offers, without changing anything. Takes two
/// samples `kProbeInterval` apart on `clock`, for what is a rate. Below a root that is not this
/// machine's, there are no counters.
ProbeReport probe(const Board& board, const SysfsRoot& root, Clock& clock,
                  const DeviceObstacle& device_obstacle = only_on_cpus);
constexpr Duration kProbeInterval = std::chrono::milliseconds(200);

/// For people, and for programs (docs/boards.md has its keys).
std::string to_table(const ProbeReport& report);
std::string to_json(const ProbeReport& report);

}  // namespace rein
