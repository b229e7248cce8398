#include "study/evaluation/episode_json.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "common/error.hpp"
#include "common/json_text.hpp"
#include "study/evaluation/course.hpp"

namespace rein {

namespace {

using Json = nlohmann::ordered_json;

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

}  // namespace

Json to_json(const EpisodeOutcome& outcome) {
  Json json;
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

}  // namespace rein
