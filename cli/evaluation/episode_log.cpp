#include "cli/evaluation/episode_log.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "cli/report/course.hpp"
#include "common/error.hpp"
#include "common/files.hpp"

namespace rein {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

std::string id_of(const std::string& name, const std::string& key) { return name + "\n" + key; }

Json json_of(const EpisodeTask& task, const EpisodeOutcome& outcome) {
  Json json = {{"episode", task.name()}, {"key", task.key}};
  json["figures"] = Json::object();
  for (const auto& [name, value] : outcome.figures) {
    json["figures"][name] = value ? Json(*value) : Json();
  }
  json["configuration"] = outcome.configuration;
  json["changes"] = outcome.rewards.changes;
  json["reward_thousandths"] = outcome.rewards.thousandths;
  if (!outcome.course.empty()) {
    json["course"] = report::to_json(outcome.course);
  }
  return json;
}

EpisodeOutcome outcome_of(const Json& json) {
  EpisodeOutcome outcome{.completed = true};
  for (const auto& [name, value] : json.at("figures").items()) {
    outcome.figures.emplace_back(
        name, value.is_null() ? std::nullopt : std::optional(value.get<double>()));
  }
  outcome.configuration = json.at("configuration").get<std::string>();
  outcome.rewards.changes = json.at("changes").get<std::vector<std::size_t>>();
  outcome.rewards.thousandths = json.at("reward_thousandths").get<std::vector<std::int32_t>>();
  if (json.contains("course")) {
    outcome.course = report::read_course(ConfigNode::parse(json.at("course").dump(), "course"));
  }
  return outcome;
}

}  // namespace

EpisodeLog::EpisodeLog(const fs::path& file) : file_(file) {
  make_folder(file.parent_path());
  const std::string text = fs::exists(file) ? read_file(file) : "";
  std::size_t begin = 0;
  for (std::size_t number = 1; text.find('\n', begin) != std::string::npos; ++number) {
    const std::size_t end = text.find('\n', begin);
    try {
      const Json json = Json::parse(text.begin() + static_cast<std::ptrdiff_t>(begin),
                                    text.begin() + static_cast<std::ptrdiff_t>(end));
      outcomes_[id_of(json.at("episode"), json.at("key"))] = outcome_of(json);
    } catch (const std::exception&) {
      throw ConfigError(fmt::format(
          "{}:{}: expected an episode as `rein evaluate` writes it, found something else",
          file.string(), number));
    }
    begin = end + 1;
  }
  if (begin < text.size()) {
    fs::resize_file(file, begin);
  }
  stream_.emplace(file, OutputFile::IfThere::kAppend);
}

std::optional<EpisodeOutcome> EpisodeLog::take(const EpisodeTask& task) {
  const auto found = outcomes_.find(id_of(task.name(), task.key));
  if (found == outcomes_.end() ||
      (!task.folder.empty() && !fs::exists(task.folder / "summary.json"))) {
    return std::nullopt;
  }
  return std::move(outcomes_.extract(found).mapped());
}

void EpisodeLog::add(const EpisodeTask& task, const EpisodeOutcome& outcome) {
  *stream_ << json_of(task, outcome).dump() << '\n' << std::flush;
  if (!*stream_) {
    throw Error(fmt::format("{}: cannot be written", file_.string()));
  }
}

}  // namespace rein
