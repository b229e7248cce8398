#include "study/report/evaluation_results.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/config_node.hpp"
#include "common/files.hpp"

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

Json json_of(const Quartiles& quartiles) {
  const bool known = quartiles.count > 0;
  return {{"count", quartiles.count},
          {"low", known ? Json(quartiles.low) : Json()},
          {"median", known ? Json(quartiles.median) : Json()},
          {"high", known ? Json(quartiles.high) : Json()}};
}

Json json_of(const AdaptationFigures& adaptation) {
  return {{"periods", json_of(adaptation.periods)},
          {"unadapted_share", adaptation.unadapted_share},
          {"good_from_period", json_of(adaptation.good_from_period)}};
}

Json json_of(const MeanInterval& interval) {
  return {
      {"mean", interval.mean}, {"low", json_of(interval.low)}, {"high", json_of(interval.high)}};
}

Json json_of(const Standing& standing) {
  return {{"ahead", standing.ahead}, {"behind", standing.behind}};
}

Json json_of(const Evaluation::Comparison& comparison) {
  const PairedComparison& pairs = comparison.pairs;
  return {{"agent", comparison.agent},
          {"against", comparison.against},
          {"run", comparison.run.empty() ? Json() : Json(comparison.run)},
          {"worlds", pairs.worlds},
          {"episodes", pairs.episodes},
          {"objective_share", json_of(pairs.objective_share)},
          {"violation", json_of(pairs.violation)},
          {"regret", json_of(pairs.regret)},
          {"by_regret", json_of(pairs.by_regret)},
          {"by_budgets_and_objective", json_of(pairs.by_budgets_and_objective)}};
}

Json json_of(const Evaluation::WorldMeasure& measure) {
  return {{"run", measure.run},
          {"scenario", measure.scenario},
          {"agent", measure.agent},
          {"above_oracle", measure.above_oracle},
          {"noise", json_of(measure.noise)}};
}

Json json_of(const Evaluation::Curve& curve) {
  Json rewards = Json::array();
  for (const auto& reward : curve.rewards) {
    rewards.push_back(json_of(reward));
  }
  return {{"run", curve.run}, {"agent", curve.agent}, {"rewards", rewards}};
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

std::size_t count_in(const ConfigNode& node, const std::string& key) {
  return static_cast<std::size_t>(node.at(key).integer(Range::seed()));
}

Quartiles read_quartiles(const ConfigNode& node) {
  return {.count = count_in(node, "count"),
          .low = number_in(node, "low").value_or(0.0),
          .median = number_in(node, "median").value_or(0.0),
          .high = number_in(node, "high").value_or(0.0)};
}

AdaptationFigures read_adaptation(const ConfigNode& node) {
  return {.periods = read_quartiles(node.at("periods")),
          .unadapted_share = node.at("unadapted_share").number(Range::share()),
          .good_from_period = read_quartiles(node.at("good_from_period"))};
}

MeanInterval read_interval(const ConfigNode& node) {
  return {.mean = node.at("mean").number(),
          .low = number_in(node, "low"),
          .high = number_in(node, "high")};
}

Standing read_standing(const ConfigNode& node) {
  return {.ahead = count_in(node, "ahead"), .behind = count_in(node, "behind")};
}

Evaluation::Comparison read_comparison(const ConfigNode& node) {
  return {
      .agent = node.at("agent").text(),
      .against = node.at("against").text(),
      .run = node.at("run").is_null() ? "" : node.at("run").text(),
      .pairs = {.episodes = count_in(node, "episodes"),
                .worlds = count_in(node, "worlds"),
                .objective_share = read_interval(node.at("objective_share")),
                .violation = read_interval(node.at("violation")),
                .regret = read_interval(node.at("regret")),
                .by_regret = read_standing(node.at("by_regret")),
                .by_budgets_and_objective = read_standing(node.at("by_budgets_and_objective"))}};
}

Evaluation::WorldMeasure read_measure(const ConfigNode& node) {
  return {.run = node.at("run").text(),
          .scenario = node.at("scenario").text(),
          .agent = node.at("agent").text(),
          .above_oracle = node.at("above_oracle").number(),
          .noise = number_in(node, "noise")};
}

Evaluation::Curve read_curve(const ConfigNode& node) {
  Evaluation::Curve curve{
      .run = node.at("run").text(), .agent = node.at("agent").text(), .rewards = {}};
  for (const auto& item : node.at("rewards").items()) {
    curve.rewards.push_back(item.is_null() ? std::nullopt : std::optional(item.number()));
  }
  return curve;
}

Evaluation::ShownCourse read_shown(const ConfigNode& node) {
  return {.run = node.at("run").text(),
          .scenario = node.at("scenario").text(),
          .agent = node.at("agent").text(),
          .course = read_course(node.at("course"))};
}

Evaluation::Result read_result(const ConfigNode& node) {
  return {.run = node.at("run").text(),
          .board = node.at("board").text(),
          .scenario = node.at("scenario").text(),
          .objective = node.at("objective").text(),
          .agent = node.at("agent").text(),
          .episodes = count_in(node, "episodes"),
          .figures = read_figures(node.at("figures")),
          .adaptation = read_adaptation(node.at("adaptation")),
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
    json["agents"].push_back({{"agent", total.agent},
                              {"figures", json_of(total.figures)},
                              {"adaptation", json_of(total.adaptation)}});
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
                               {"adaptation", json_of(result.adaptation)},
                               {"configurations", result.configurations}});
  }
  json["measures"] = Json::array();
  for (const auto& measure : measures) {
    json["measures"].push_back(json_of(measure));
  }
  json["comparisons"] = Json::array();
  for (const auto& comparison : comparisons) {
    json["comparisons"].push_back(json_of(comparison));
  }
  json["curves"] = Json::array();
  for (const auto& curve : curves) {
    json["curves"].push_back(json_of(curve));
  }
  json["errors"] = errors;
  json["ended"] = ended;
  return json;
}

Json Evaluation::courses_to_json() const {
  Json json = Json::array();
  for (const auto& shown : courses) {
    json.push_back({{"run", shown.run},
                    {"scenario", shown.scenario},
                    {"agent", shown.agent},
                    {"course", report::to_json(shown.course)}});
  }
  return json;
}

MeanAndSpread find(const Averages& figures, const std::string& name) {
  const auto found = std::ranges::find(figures, name, &Averages::value_type::first);
  return found == figures.end() ? MeanAndSpread{} : found->second;
}

bool is_evaluation(const std::filesystem::path& folder) {
  const auto file = folder / "summary.json";
  return is_there(file) && !is_there(folder / "trace.csv") &&
         ConfigNode::load_record(file).has("results");
}

Evaluation read_evaluation(const std::filesystem::path& folder) {
  // JSON is YAML, and a ConfigNode says where a mistake is.
  const ConfigNode summary = ConfigNode::load_record(folder / "summary.json");
  Evaluation evaluation;
  evaluation.version = summary.at("version").text();
  for (const auto& seed : summary.at("seeds").items()) {
    evaluation.seeds.push_back(static_cast<std::uint64_t>(seed.integer(Range::seed())));
  }
  evaluation.practice = static_cast<std::uint64_t>(summary.at("practice").integer(Range::seed()));
  for (const auto& agent : summary.at("agents").items()) {
    evaluation.totals.push_back({.agent = agent.at("agent").text(),
                                 .figures = read_figures(agent.at("figures")),
                                 .adaptation = read_adaptation(agent.at("adaptation"))});
  }
  for (const auto& result : summary.at("results").items()) {
    evaluation.results.push_back(read_result(result));
  }
  if (summary.has("measures")) {
    for (const auto& measure : summary.at("measures").items()) {
      evaluation.measures.push_back(read_measure(measure));
    }
  }
  for (const auto& comparison : summary.at("comparisons").items()) {
    evaluation.comparisons.push_back(read_comparison(comparison));
  }
  for (const auto& curve : summary.at("curves").items()) {
    evaluation.curves.push_back(read_curve(curve));
  }
  evaluation.errors = read_texts(summary.at("errors"));
  evaluation.ended = summary.text_or("ended", evaluation.ended);
  if (const auto courses = folder / "courses.json"; is_there(courses)) {
    for (const auto& shown : ConfigNode::load_record(courses).items()) {
      evaluation.courses.push_back(read_shown(shown));
    }
  }
  return evaluation;
}

}  // namespace rein::report
