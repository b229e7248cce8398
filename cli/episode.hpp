#pragma once

#include <filesystem>

#include "study/run/run_config.hpp"
#include "study/run/stage.hpp"

namespace rein {

/// What `rein run` was told beside the run file.
struct RunOptions {
  std::filesystem::path file;
  RunOverrides overrides;
  std::filesystem::path load;    ///< A checkpoint; none if empty.
  std::filesystem::path output;  ///< Where results go; a new folder if empty.
  bool dry_run = false;
};

/// @throws UsageError if there is a run in the folder.
void require_free(const std::filesystem::path& output);

/// Makes the agent, plays one episode, and writes what it leaves behind; or shows what would be
/// played. The scenario ends it, or stop_requested().
void play_episode(const RunConfig& config, const RunOptions& options, const Stage& stage);

}  // namespace rein
