#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "study/evaluation/episode_task.hpp"

namespace rein {

/// Episodes that every evaluation plays and that take the most of its time, kept in a folder across
/// evaluations: a file each, by EpisodeTask::cache_key. Several processes may use a folder at once.
/// Nothing that goes wrong with it does harm: then the episode is played. Used from one thread.
class EpisodeCache {
 public:
  /// Keeps nothing if the folder is empty.
  explicit EpisodeCache(std::filesystem::path folder) : folder_(std::move(folder)) {}
  /// $XDG_CACHE_HOME/rein/episodes, or ~/.cache/rein/episodes; empty if there is neither.
  static std::filesystem::path default_folder();

  /// What became of it when it was played before; nothing of one that is to leave a trace behind.
  std::optional<EpisodeOutcome> take(const EpisodeTask& task) const;
  /// @pre the episode was completed.
  /// @return what went wrong, the first time that something did; else empty.
  std::string add(const EpisodeTask& task, const EpisodeOutcome& outcome);

 private:
  std::filesystem::path file_of(const EpisodeTask& task) const;

  std::filesystem::path folder_;
  bool is_broken_ = false;
};

}  // namespace rein
