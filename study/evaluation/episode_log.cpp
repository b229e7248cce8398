#include "study/evaluation/episode_log.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "common/error.hpp"
#include "common/files.hpp"
#include "common/json_text.hpp"
#include "study/evaluation/episode_json.hpp"
#include "study/run/json_input.hpp"

namespace rein {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

std::string id_of(const std::string& name, const std::string& key) { return name + "\n" + key; }

Json json_of(const EpisodeTask& task, const EpisodeOutcome& outcome) {
  Json json = {{"episode", task.name()}, {"key", task.key}};
  json.update(to_json(outcome));
  return json;
}

}  // namespace

EpisodeLog::EpisodeLog(const fs::path& file) : file_(file) {
  make_folder(file.parent_path());
  const std::string text = is_there(file) ? read_file(file) : "";
  std::size_t begin = 0;
  for (std::size_t number = 1; text.find('\n', begin) != std::string::npos; ++number) {
    const std::size_t end = text.find('\n', begin);
    try {
      const Json json = parse_json(text.substr(begin, end - begin), file.string());
      outcomes_[id_of(json.at("episode"), json.at("key"))] = outcome_of(json);
    } catch (const std::exception&) {
      throw ConfigError(fmt::format(
          "{}:{}: expected an episode as `rein evaluate` writes it, found something else",
          file.string(), number));
    }
    begin = end + 1;
  }
  stream_.emplace(file, OutputFile::IfThere::kAppend);
  if (begin < text.size()) {
    // By what is open: a link in its place is none of ours.
    stream_->shorten(begin);
  }
}

std::optional<EpisodeOutcome> EpisodeLog::take(const EpisodeTask& task) {
  const auto found = outcomes_.find(id_of(task.name(), task.key));
  if (found == outcomes_.end() ||
      (!task.folder.empty() && !is_there(task.folder / "summary.json"))) {
    return std::nullopt;
  }
  return std::move(outcomes_.extract(found).mapped());
}

void EpisodeLog::add(const EpisodeTask& task, const EpisodeOutcome& outcome) {
  *stream_ << json_text(json_of(task, outcome)) << '\n' << std::flush;
  if (!*stream_) {
    throw Error(fmt::format("{}: cannot be written", file_.string()));
  }
}

}  // namespace rein
