#include "study/evaluation/episode_cache.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>

#include "common/files.hpp"
#include "common/json_text.hpp"
#include "study/evaluation/episode_json.hpp"
#include "study/run/json_input.hpp"

namespace rein {

namespace fs = std::filesystem;

fs::path EpisodeCache::default_folder() {
  for (const auto& [variable, below] :
       {std::pair{"XDG_CACHE_HOME", "rein/episodes"}, {"HOME", ".cache/rein/episodes"}}) {
    const char* const folder = std::getenv(variable);
    // A relative one is to be ignored (XDG Base Directory Specification).
    if (folder != nullptr && fs::path(folder).is_absolute()) {
      return fs::path(folder) / below;
    }
  }
  return {};
}

std::optional<EpisodeOutcome> EpisodeCache::take(const EpisodeTask& task) const {
  if (folder_.empty() || task.cache_key.empty() || !task.folder.empty()) {
    return std::nullopt;
  }
  const fs::path file = file_of(task);
  try {
    if (is_regular(file)) {
      return outcome_of(parse_json(read_file(file, kMostRecorded), file.string()));
    }
  } catch (const std::exception&) {
    // Whatever it is, it is none of ours: it is written anew.
  }
  return std::nullopt;
}

std::string EpisodeCache::add(const EpisodeTask& task, const EpisodeOutcome& outcome) {
  if (folder_.empty() || task.cache_key.empty() || is_broken_) {
    return "";
  }
  const fs::path file = file_of(task);
  fs::path draft = file;
  draft += fmt::format(".{}", getpid());  // Somebody else may write the same file.
  try {
    write_file(draft, json_text(to_json(outcome)) + "\n");
    fs::rename(draft, file);
  } catch (const std::exception& error) {
    std::error_code ignored;
    fs::remove(draft, ignored);
    is_broken_ = true;
    return fmt::format("{}; episodes are not kept for other evaluations", error.what());
  }
  return "";
}

fs::path EpisodeCache::file_of(const EpisodeTask& task) const {
  return folder_ / task.cache_key.substr(0, 2) / (task.cache_key + ".json");
}

}  // namespace rein
