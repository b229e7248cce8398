#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "agent/make_agent.hpp"
#include "agent/run_summary.hpp"
#include "cli/run_config.hpp"
#include "common/clock.hpp"
#include "env/environment.hpp"

namespace rein {

/// What `rein run` was told beside the run file.
struct RunOptions {
  std::filesystem::path file;
  RunOverrides overrides;
  std::filesystem::path load;    ///< A checkpoint; none if empty.
  std::filesystem::path output;  ///< Where results go; a new folder if empty.
  bool dry_run = false;
};

/// What an episode is played in. The references must outlive it.
struct Stage {
  Environment& environment;
  const Clock& clock;
  Foresight foresight;
  nlohmann::ordered_json machine;  ///< What machine.json is to say.
};

/// What summary.json says of a run.
nlohmann::ordered_json describe_run(const RunConfig& config, const std::string& agent,
                                    std::uint64_t seed, const std::string& ended,
                                    const RunSummary& summary);

/// @throws UsageError if there is a run in the folder.
void require_free(const std::filesystem::path& output);

/// Makes the agent, plays one episode, and writes what it leaves behind; or shows what would be
/// played. The scenario ends it, or stop_requested().
void play_episode(const RunConfig& config, const RunOptions& options, const Stage& stage);

}  // namespace rein
