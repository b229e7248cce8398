#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/config_node.hpp"
#include "platform/board/heat.hpp"
#include "platform/board/simulation_section.hpp"
#include "platform/kernel/cpu_set.hpp"
#include "platform/place.hpp"

namespace rein {

class SysfsRoot;

/// The files by which the kernel offers a clock.
enum class ClockInterface {
  kCpufreq,  ///< `policyN`, in kHz.
  kDevfreq,  ///< A GPU or a memory controller, in Hz.
  kBpmp,     ///< Jetson's clocks in debugfs, in Hz.
  kMali,     ///< The vendor kernel's Mali, in MHz.
};

/// For people: "cpufreq", "devfreq", "bpmp", "mali".
const char* kind_of(ClockInterface interface);

/// Whatever shares a clock: CPUs, a GPU, a memory controller.
struct DomainSpec {
  std::string name;  ///< Unique; as in `frequency.<name>`.
  ClockInterface interface = ClockInterface::kCpufreq;
  /// Kernel directories, of which the first that exists is it; each part may hold `*`. A devfreq
  /// device may be given by its name in /sys/class/devfreq, a cpufreq policy as "policy0".
  std::vector<std::string> paths;
  CpuList cpus;                  ///< Empty if it is not CPUs.
  std::vector<double> opps_mhz;  ///< Ascending; empty: all that the kernel lists.
  std::vector<double> opps_v;    ///< One for each of opps_mhz, or empty. For simulation alone.
  bool control = true;           ///< Whether a run sets it; otherwise it is only read.
};

/// A sensor that is not found by itself, or under another name.
struct SensorSpec {
  std::string signal;      ///< `power_w.A15`: what comes before the dot says quantity and unit.
  std::string path;        ///< A file that holds one number; each part may hold `*`.
  double scale = 1.0;      ///< From the file's number to the signal's unit.
  double update_ms = 0.0;  ///< How often the sensor measures; 0: whenever it is read.
  std::string enable;      ///< A file that must hold 1 first; empty if none. May hold `*`.
};

/// Where the kernel, or the hardware, begins to act on heat.
struct TripPoint {
  std::string zone;  ///< The thermal zone's type.
  std::string kind;  ///< As the kernel has it: "active", "passive", "hot", "critical".
  double temperature_c = 0.0;
  double hysteresis_c = 0.0;
};

/// The kinds that there are.
const std::vector<std::string>& trip_kinds();

/// CPU bandwidth control: how many CPUs' worth of time the managed applications may use.
struct BandwidthSpec {
  std::string name = "cpu";         ///< As in `bandwidth.<name>`.
  std::vector<double> levels_cpus;  ///< Ascending, above 0; the number of CPUs means unlimited.
  double period_ms = 10.0;          ///< Of the kernel's accounting, 1 to 1000: shorter is smoother.
};

/// A stand-in for a missing power sensor: power = idle_w + sum over CPUs of busy share x cpu_w.
struct PowerModel {
  double idle_w = 0.0;
  double cpu_w = 0.0;       ///< Of one CPU that is busy all the time.
  bool is_assumed = false;  ///< By nobody who knows this machine: what is measured goes before it.
};

/// One machine, from a file in configs/boards/ or as found.
struct Board {
  std::string name;
  CpuList cpus;  ///< Online.
  std::vector<DomainSpec> domains;
  std::vector<Place> places;  ///< At least one.
  std::vector<SensorSpec> sensors;
  /// Rails of `power_w.<rail>` that together are the board's `power_w`; empty: as found.
  std::vector<std::string> total_power;
  HeatChoice temperature;
  std::vector<TripPoint> trips;
  std::optional<BandwidthSpec> bandwidth;
  PowerModel power_model;
  std::optional<Simulation> simulation;  ///< The same machine as a model.

  bool has_gpu() const;  ///< A place computes on one.
  /// @throws ConfigError for whatever is wrong in the file.
  static Board from_yaml(const ConfigNode& node);
  /// What this machine offers to this process: the clocks of CPUs, alike ones as one, and of the
  /// GPU, with a handful of operating points each; the trip points; places from one CPU to all, not
  /// more than some. What else has a clock is left alone. @throws Error if there are no CPUs.
  static Board detect(const SysfsRoot& root);
  /// As a board file that from_yaml() reads back to the same, but for the simulation.
  std::string to_yaml() const;
};

}  // namespace rein
