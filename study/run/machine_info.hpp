#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "platform/board/board.hpp"

namespace rein {

/// What an experiment must record of the machine it ran on: kernel, CPUs, governors, memory, load
/// at the start, versions, threads.
nlohmann::ordered_json machine_info(const Board& board);

/// The same of a run in the simulation of a board: what is simulated, and where.
nlohmann::ordered_json simulation_info(const std::vector<std::string>& boards);

}  // namespace rein
