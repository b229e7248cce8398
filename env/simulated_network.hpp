#pragma once

#include <string>
#include <vector>

#include "common/config_node.hpp"
#include "models/engine.hpp"
#include "platform/simulated/contention.hpp"

namespace rein {

/// A network of which only a published table of its levels is known: configs/applications/.
struct SimulatedNetwork {
  struct Level {
    NetworkLevel network;
    double mflops = 0.0;  ///< Of one image; above 0, ascending.
  };
  std::string name;
  std::string kind;           ///< Of work, as the board's `simulation` knows it: "cnn".
  std::vector<Level> levels;  ///< In ascending order of width; at least one.
  double switch_ms = 0.0;     ///< By which the first request at a new level takes longer.
  Sensitivity sensitivity;    ///< To co-runners.

  /// @throws ConfigError, also for levels whose widths or MFLOPs do not ascend.
  static SimulatedNetwork from_yaml(const ConfigNode& node);
};

}  // namespace rein
