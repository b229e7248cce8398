#include "cli/report/evaluation.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/config_node.hpp"

namespace rein::report {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

Json json_of(const Averages& figures) {
  Json json = Json::object();
  for (const auto& [name, value] : figures) {
    json[name] = {{"mean", json_of(value.mean)}, {"spread", json_of(value.spread)}};
  }
  return json;
}

std::optional<double> number_in(const ConfigNode& node, const std::string& key) {
  const ConfigNode value = node.at(key);
  return value.is_null() ? std::nullopt : std::optional(value.number());
}

Averages read_figures(const ConfigNode& node) {
  Averages figures;
  for (const auto& [name, value] : node.entries()) {
    figures.emplace_back(name, MeanAndSpread{.mean = number_in(value, "mean"),
                                             .spread = number_in(value, "spread")});
  }
  return figures;
}

std::vector<std::string> read_texts(const ConfigNode& node) {
  std::vector<std::string> texts;
  for (const auto& item : node.items()) {
    texts.push_back(item.text());
  }
  return texts;
}

Evaluation::Result read_result(const ConfigNode& node) {
  return {.run = node.at("run").text(),
          .board = node.at("board").text(),
          .scenario = node.at("scenario").text(),
          .objective = node.at("objective").text(),
          .agent = node.at("agent").text(),
          .episodes = static_cast<std::size_t>(node.at("episodes").integer(Range::non_negative())),
          .figures = read_figures(node.at("figures")),
          .configurations = read_texts(node.at("configurations"))};
}

}  // namespace

Json Evaluation::to_json() const {
  Json json;
  json["kind"] = "evaluation";
  json["version"] = version;
  json["seeds"] = seeds;
  json["practice"] = practice;
  json["agents"] = Json::array();
  for (const auto& total : totals) {
    json["agents"].push_back({{"agent", total.agent}, {"figures", json_of(total.figures)}});
  }
  json["results"] = Json::array();
  for (const auto& result : results) {
    json["results"].push_back({{"run", result.run},
                               {"board", result.board},
                               {"scenario", result.scenario},
                               {"objective", result.objective},
                               {"agent", result.agent},
                               {"episodes", result.episodes},
                               {"figures", json_of(result.figures)},
                               {"configurations", result.configurations}});
  }
  json["errors"] = errors;
  return json;
}

MeanAndSpread find(const Averages& figures, const std::string& name) {
  const auto found = std::ranges::find(figures, name, &Averages::value_type::first);
  return found == figures.end() ? MeanAndSpread{} : found->second;
}

bool is_evaluation(const std::filesystem::path& folder) {
  const auto file = folder / "summary.json";
  return std::filesystem::exists(file) && !std::filesystem::exists(folder / "trace.csv") &&
         ConfigNode::load(file).has("results");
}

Evaluation read_evaluation(const std::filesystem::path& folder) {
  // JSON is YAML, and a ConfigNode says where a mistake is.
  const ConfigNode summary = ConfigNode::load(folder / "summary.json");
  Evaluation evaluation;
  evaluation.version = summary.at("version").text();
  for (const auto& seed : summary.at("seeds").items()) {
    evaluation.seeds.push_back(static_cast<std::uint64_t>(seed.integer(Range::non_negative())));
  }
  evaluation.practice =
      static_cast<std::uint64_t>(summary.at("practice").integer(Range::non_negative()));
  for (const auto& agent : summary.at("agents").items()) {
    evaluation.totals.push_back(
        {.agent = agent.at("agent").text(), .figures = read_figures(agent.at("figures"))});
  }
  for (const auto& result : summary.at("results").items()) {
    evaluation.results.push_back(read_result(result));
  }
  evaluation.errors = read_texts(summary.at("errors"));
  return evaluation;
}

}  // namespace rein::report
