#pragma once

#include <functional>

#include "study/run/run_config.hpp"
#include "study/run/stage.hpp"

namespace rein {

/// Sets up this machine as `config` says, with a real network, real co-runners and the kernel's
/// controls, which are given back on every way out, and calls `play`.
/// @param only_look  nothing will be set: another run may be under way.
void on_this_machine(const RunConfig& config, bool only_look,
                     const std::function<void(const Stage&)>& play);

}  // namespace rein
