#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/config_node.hpp"
#include "platform/cpu_set.hpp"

namespace rein {

class SysfsRoot;

/// A named place where an application can run.
struct Place {
  std::string name;  ///< Unique on the board.
  CpuList cpus;      ///< Never empty.
  int threads = 1;   ///< That compute; from 1 to the number of cpus.
};

/// CPUs that share a clock: a cpufreq `policyN`.
struct DomainSpec {
  std::string name;    ///< Unique; as in `frequency.<name>`.
  std::string policy;  ///< The kernel's directory: "policy0".
  CpuList cpus;
  std::vector<double> opps_mhz;  ///< Ascending; empty: all that the kernel lists.
};

/// CPU bandwidth control: how many CPUs' worth of time the managed applications may use.
struct BandwidthSpec {
  std::string name = "cpu";         ///< As in `bandwidth.<name>`.
  std::vector<double> levels_cpus;  ///< Ascending, above 0; the number of CPUs means unlimited.
  double period_ms = 10.0;          ///< Of the kernel's accounting, 1 to 1000: shorter is smoother.
};

/// A stand-in for a missing power sensor: power = idle_w + sum over CPUs of busy share x cpu_w.
struct PowerModel {
  double idle_w = 0.0;
  double cpu_w = 0.0;  ///< Of one CPU that is busy all the time.
};

/// One machine, from a file in configs/boards/ or as found.
struct Board {
  std::string name;
  CpuList cpus;  ///< Online.
  std::vector<DomainSpec> domains;
  std::vector<Place> places;  ///< At least one.
  std::optional<BandwidthSpec> bandwidth;
  PowerModel power_model;

  /// @throws ConfigError for whatever is wrong in the file.
  static Board from_yaml(const ConfigNode& node);
  /// What this machine offers: one place per CPU (only the first of each cpufreq domain's CPUs if
  /// there are more than 8), one for each cpufreq domain of several CPUs, and one for all CPUs.
  static Board detect(const SysfsRoot& root);
  /// As a board file that from_yaml() reads back to the same.
  std::string to_yaml() const;
};

}  // namespace rein
