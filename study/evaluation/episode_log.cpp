#include "study/evaluation/episode_log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "common/error.hpp"
#include "common/files.hpp"
#include "common/json_text.hpp"
#include "study/evaluation/course.hpp"
#include "study/run/json_input.hpp"

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

/// A list of whole numbers that fit: json.get() takes them from any number.
template <typename Number>
std::vector<Number> whole_numbers(const Json& json) {
  std::vector<Number> numbers;
  for (const auto& item : json) {
    if (!item.is_number_integer() || !std::in_range<Number>(item.get<std::int64_t>())) {
      throw Error("no whole number in range");
    }
    numbers.push_back(item.get<Number>());
  }
  return numbers;
}

std::optional<double> figure(const Json& json) {
  if (json.is_null()) {
    return std::nullopt;
  }
  if (!Range{}.contains(json.get<double>())) {
    throw Error("no number in range");
  }
  return json.get<double>();
}

EpisodeOutcome outcome_of(const Json& json) {
  EpisodeOutcome outcome{.completed = true};
  for (const auto& [name, value] : json.at("figures").items()) {
    outcome.figures.emplace_back(name, figure(value));
  }
  outcome.configuration = json.at("configuration").get<std::string>();
  outcome.rewards.changes = whole_numbers<std::size_t>(json.at("changes"));
  outcome.rewards.thousandths = whole_numbers<std::int32_t>(json.at("reward_thousandths"));
  // What walks them takes the one for places in the other.
  if (!std::ranges::is_sorted(outcome.rewards.changes) ||
      (!outcome.rewards.changes.empty() &&
       outcome.rewards.changes.back() > outcome.rewards.thousandths.size())) {
    throw Error("changes of no period");
  }
  if (json.contains("course")) {
    outcome.course = report::read_course(ConfigNode::parse(json_text(json.at("course")), "course"));
  }
  return outcome;
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
