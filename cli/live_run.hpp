#pragma once

#include "cli/episode.hpp"

namespace rein {

/// `rein run` on this machine: with a real network, real co-runners and the kernel's controls,
/// which are given back on every way out.
void run_live(const RunConfig& config, const RunOptions& options);

}  // namespace rein
