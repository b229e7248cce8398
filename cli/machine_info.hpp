#pragma once

#include <nlohmann/json_fwd.hpp>

#include "platform/board.hpp"

namespace rein {

/// What an experiment must record of the machine it ran on: kernel, CPUs, governors, memory, load
/// at the start, versions, threads.
nlohmann::ordered_json machine_info(const Board& board);

}  // namespace rein
