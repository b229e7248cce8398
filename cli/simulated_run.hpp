#pragma once

#include "cli/episode.hpp"
#include "env/simulated_world.hpp"

namespace rein {

/// What is played in the simulated world of a run. @pre config.platform is kSimulated.
SimulatedTask task_of(const RunConfig& config);

/// The configuration that would be the best one to keep in this episode.
ActionId find_best_static(const SimulatedTask& task, std::uint64_t seed);

/// `rein run` in the simulation of a board: as fast as it goes, and the same for the same seed.
void run_simulated(const RunConfig& config, const RunOptions& options);

}  // namespace rein
