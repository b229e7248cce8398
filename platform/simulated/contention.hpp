#pragma once

#include <string>
#include <vector>

#include "common/config_node.hpp"

namespace rein {

/// What another program takes of a simulated board while it runs. Nothing in it is special to one
/// board, so that a scenario can be played on all of them.
struct ContentionProfile {
  /// Threads that are always ready to run on one cluster.
  struct CpuLoad {
    /// A domain of CPUs, or `all` of them, or those of the `fastest` or the `slowest` cluster. What
    /// the board does not have is ignored.
    std::string cluster;
    double load = 0.0;  ///< Ready threads for each CPU of the cluster; above 0, and 1 fills it.
  };
  std::vector<CpuLoad> cpu;
  /// How hard it presses on the GPU: 1 makes a victim with a sensitivity of 1 twice as slow. Also
  /// the share of the GPU's time that it would use alone, up to 1.
  double gpu = 0.0;
  double memory = 0.0;  ///< Share of the memory's bandwidth that it uses, 0 to 1.
  /// It works for on_ms, pauses for off_ms, and so on from its start. Always on if off_ms is 0.
  double on_ms = 0.0;
  double off_ms = 0.0;

  /// `{cpu: {fastest: 1}, gpu: 0.5, memory: 0.2, on_ms: 30, off_ms: 170}`, any subset that takes
  /// something. @throws ConfigError.
  static ContentionProfile from_yaml(const ConfigNode& node);
};

/// How much an application suffers: 1 as the model says, 0 not at all.
struct Sensitivity {
  double cpu = 1.0;     ///< From CPUs that it has to share.
  double gpu = 1.0;     ///< From others' pressure on the GPU.
  double memory = 1.0;  ///< From memory bandwidth that is taken.

  static Sensitivity from_yaml(const ConfigNode& node);
};

}  // namespace rein
