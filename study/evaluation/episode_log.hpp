#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <unordered_map>

#include "common/files.hpp"
#include "study/evaluation/episode_task.hpp"

namespace rein {

/// Episodes that were played to the end, a line of JSON each, so that an evaluation can go on where
/// it was ended. Used from one thread.
class EpisodeLog {
 public:
  /// Opens the file to be added to; makes it and its folder where there are none. A last line that
  /// was cut short is dropped.
  /// @throws ConfigError naming the line for what is no episode; Error if it cannot be written.
  explicit EpisodeLog(const std::filesystem::path& file);

  /// What became of it, if it was played with all that its key stands for; taken out of the log's
  /// memory. An episode that was to leave a folder behind and has not is none.
  std::optional<EpisodeOutcome> take(const EpisodeTask& task);
  /// @pre the episode was completed.  @throws Error if it cannot be written.
  void add(const EpisodeTask& task, const EpisodeOutcome& outcome);

 private:
  std::filesystem::path file_;
  std::unordered_map<std::string, EpisodeOutcome> outcomes_;  ///< By name and key.
  std::optional<OutputFile> stream_;
};

}  // namespace rein
