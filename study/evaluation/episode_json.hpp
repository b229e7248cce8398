#pragma once

#include <nlohmann/json.hpp>

#include "study/evaluation/episode_task.hpp"

namespace rein {

/// Of an episode that was played to the end.
nlohmann::ordered_json to_json(const EpisodeOutcome& outcome);

/// The same again. What is not read is left aside. @throws std::exception for what is no outcome.
EpisodeOutcome outcome_of(const nlohmann::ordered_json& json);

}  // namespace rein
