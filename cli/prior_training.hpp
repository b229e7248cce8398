#pragma once

#include <cstdint>
#include <functional>

#include "agent/response_model.hpp"
#include "env/simulated_world.hpp"

namespace rein {

/// How a prior is learned from simulated machines.
struct PriorTraining {
  std::size_t machines = 96;   ///< That are drawn near the nominal one.
  std::size_t conditions = 6;  ///< Sets of co-runners that are tried on each.
  std::uint64_t seed = 1;
  std::size_t jobs = 2;  ///< Machines that are swept at once.
};

/// Sweeps machines near that of `nominal`, never itself, alone and beside co-runners, and finds
/// what they have in common. Same seed: same prior, for any `jobs`.
/// @param progress  is told how many machines are done.
ResponseModel::Prior learn_prior(const SimulatedTask& nominal, const PriorTraining& training,
                                 const std::function<void(std::size_t)>& progress);

}  // namespace rein
