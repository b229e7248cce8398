#pragma once

#include <memory>
#include <string>

#include "common/clock.hpp"
#include "env/clairvoyant.hpp"
#include "env/environment.hpp"
#include "env/request_server.hpp"
#include "env/scenario.hpp"
#include "env/simulated_network.hpp"
#include "env/worth.hpp"
#include "platform/board/board.hpp"
#include "platform/simulated/simulated_platform.hpp"

namespace rein {

/// What is played in a simulated world.
struct SimulatedTask {
  Board board;              ///< With `simulation`.
  std::string application;  ///< Its name in knobs and columns.
  SimulatedNetwork network;
  RequestSpec requests;
  Scenario scenario;
  Objective objective;
  Prices prices;
  SimulatedPlatformOptions platform;
  Duration period = from_milliseconds(100);
  double duration_s = 0.0;  ///< Truncates the episode; the scenario's own length if 0.
};

/// What the same task, actions and seed lead to. To be raised when that changes, since results of
/// before are kept (study/evaluation/episode_cache.hpp).
inline constexpr int kSimulationVersion = 1;

/// A simulated machine with a network to serve: everything that one episode needs. Worlds share
/// nothing, so each thread can have its own. Same task and seed: the same episode, bit for bit.
class SimulatedWorld {
 public:
  /// @throws Error if board, network and scenario do not fit together.
  explicit SimulatedWorld(const SimulatedTask& task);
  ~SimulatedWorld();
  SimulatedWorld(const SimulatedWorld&) = delete;
  SimulatedWorld& operator=(const SimulatedWorld&) = delete;

  Environment& environment();
  /// What would follow from the environment's present state.
  Clairvoyant& clairvoyant();
  /// Simulated time.
  const Clock& clock() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace rein
