#include "study/report/evaluation_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <set>
#include <utility>

#include "study/evaluation/adaptation.hpp"
#include "study/report/assets.hpp"
#include "study/report/evaluation_table.hpp"
#include "study/report/markup.hpp"
#include "study/report/plot.hpp"
#include "study/report/table.hpp"

namespace rein::report {
namespace {

using Result = Evaluation::Result;

constexpr double kPercent = 100.0;
constexpr double kUnknownNumber = std::numeric_limits<double>::quiet_NaN();
/// Rewards below it are drawn at the edge; the objective is from 0 to 1.
constexpr double kLowestReward = -1.0;
/// Values beyond so many times the highest limit are drawn at the edge.
constexpr double kLimitsShown = 2.0;

/// What the results have, each once, in their order.
std::vector<std::string> distinct(const std::vector<Result>& results, std::string Result::*member) {
  std::vector<std::string> values;
  for (const auto& result : results) {
    if (std::ranges::count(values, result.*member) == 0) {
      values.push_back(result.*member);
    }
  }
  return values;
}

std::string fact(const char* name, const std::string& value) {
  return fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", name, escape_html(value));
}

std::string facts(const Evaluation& evaluation) {
  std::string seeds = fmt::format("{}", fmt::join(evaluation.seeds, ", "));
  if (evaluation.practice > 0) {
    seeds += fmt::format(", each after {} episodes of practice", evaluation.practice);
  }
  const auto& results = evaluation.results;
  return fact("Boards", fmt::format("{}", fmt::join(distinct(results, &Result::board), ", "))) +
         fact("Scenarios",
              fmt::format("{}", fmt::join(distinct(results, &Result::scenario), ", "))) +
         fact("Seeds", seeds) + fact("Rein", evaluation.version);
}

std::string warnings(const Evaluation& evaluation) {
  std::string html;
  if (!evaluation.is_complete()) {
    html += fmt::format(
        "<p class=\"warning\">{}; the agents are not compared over the same seeds.</p>\n",
        escape_html(evaluation.ended));
  }
  for (const auto& error : evaluation.errors) {
    html += fmt::format("<p class=\"warning\">{}</p>\n", escape_html(error));
  }
  return html;
}

std::size_t index_in(const std::vector<std::string>& values, const std::string& value) {
  return static_cast<std::size_t>(std::ranges::find(values, value) - values.begin());
}

/// Its mean over the scenarios; empty if it is not known in one of them.
std::optional<double> mean_of(const std::vector<const Result*>& results, const std::string& agent,
                              const char* figure) {
  double sum = 0.0;
  double count = 0.0;
  for (const Result* const result : results) {
    if (result->agent == agent) {
      const auto value = find(result->figures, figure).mean;
      if (!value) {
        return std::nullopt;
      }
      sum += *value;
      count += 1.0;
    }
  }
  return count > 0.0 ? std::optional(sum / count) : std::nullopt;
}

/// One point an agent: the objective against the violations, over all scenarios.
Plot trade_off(const std::string& run, const std::vector<const Result*>& results,
               const std::vector<std::string>& agents) {
  Plot plot{.title = run,
            .x_title = "violation above the oracle's, points",
            .y_title = "objective, % of the measure's",
            .x_scale = Plot::Scale::kLogarithmic};
  for (std::size_t i = 0; i < agents.size(); ++i) {
    const auto share = mean_of(results, agents[i], "objective_share");
    const auto above = mean_of(results, agents[i], "violation_above_oracle");
    if (share && above) {
      plot.points.push_back({.x = kPercent * *above,
                             .y = kPercent * *share,
                             .series = i,
                             .note = fmt::format("{}: {:.2f} points, {:.2f} %", agents[i],
                                                 kPercent * *above, kPercent * *share)});
    }
  }
  return plot;
}

/// Those whose courses are shown, or all if there are none.
bool is_shown(const Evaluation& evaluation, const std::string& agent) {
  return evaluation.courses.empty() ||
         std::ranges::count(evaluation.courses, agent, &Evaluation::ShownCourse::agent) > 0;
}

/// Of the lines of those that are shown.
std::string legend_of_shown(const Evaluation& evaluation, const std::vector<std::string>& agents) {
  std::vector<std::pair<std::size_t, std::string>> lines;
  for (std::size_t i = 0; i < agents.size(); ++i) {
    if (is_shown(evaluation, agents[i])) {
      lines.emplace_back(i, agents[i]);
    }
  }
  return legend_of_lines(lines);
}

/// Mean reward around the changes of conditions, a line an agent.
Plot after_changes(const std::string& run, const Evaluation& evaluation,
                   const std::vector<std::string>& agents) {
  Plot plot{.title = run,
            .x_title = "periods since the change",
            .y_title = "mean reward",
            .y_min = kLowestReward};
  for (const auto& curve : evaluation.curves) {
    if (curve.run != run || !is_shown(evaluation, curve.agent)) {
      continue;
    }
    Plot::Line line{.series = index_in(agents, curve.agent), .note = curve.agent};
    for (std::size_t i = 0; i < curve.rewards.size(); ++i) {
      const double periods = static_cast<double>(i) - static_cast<double>(ChangeCurve::kBefore);
      line.points.emplace_back(periods, curve.rewards[i].value_or(kUnknownNumber));
    }
    plot.lines.push_back(std::move(line));
  }
  return plot;
}

/// How one member of the courses is drawn.
struct CourseChart {
  const char* title;
  std::optional<double> CoursePoint::*value;
  std::optional<double> CoursePoint::*limit;  ///< Null if there is none.
  double factor;                              ///< To the title's unit.
};

constexpr CourseChart kCourseCharts[] = {
    {"top-1, %", &CoursePoint::top1, nullptr, kPercent},
    {"longest latency, ms", &CoursePoint::latency_ms, &CoursePoint::deadline_ms, 1.0},
    {"power, W", &CoursePoint::power_w, &CoursePoint::power_limit_w, 1.0}};

Plot::Line line_of(const Course& course, std::optional<double> CoursePoint::*value, double factor) {
  Plot::Line line;
  for (const auto& point : course) {
    line.points.emplace_back(point.time_s, factor * (point.*value).value_or(kUnknownNumber));
  }
  return line;
}

/// The first episodes in one world, beside each other; none if none is shown.
std::string courses_of(const World& world, const Evaluation& evaluation,
                       const std::vector<std::string>& agents) {
  std::vector<const Evaluation::ShownCourse*> courses;
  for (const auto& shown : evaluation.courses) {
    if (shown.run == world.results.front()->run &&
        shown.scenario == world.results.front()->scenario) {
      courses.push_back(&shown);
    }
  }
  if (courses.empty()) {
    return "";
  }
  std::string html = legend_of_shown(evaluation, agents) + "<div class=\"plots\">\n";
  for (const auto& chart : kCourseCharts) {
    Plot plot{.title = chart.title, .x_title = "s"};
    if (chart.limit != nullptr) {
      plot.lines.push_back(line_of(courses.front()->course, chart.limit, chart.factor));
      plot.lines.back().is_limit = true;
      plot.lines.back().note = "limit";
      double highest = 0.0;
      for (const auto& point : courses.front()->course) {
        highest = std::max(highest, (point.*chart.limit).value_or(0.0));
      }
      plot.y_max = highest > 0.0 ? std::optional(kLimitsShown * highest) : std::nullopt;
    }
    for (const auto* const shown : courses) {
      plot.lines.push_back(line_of(shown->course, chart.value, chart.factor));
      plot.lines.back().series = index_in(agents, shown->agent);
      plot.lines.back().note = shown->agent;
    }
    html += to_svg(plot);
  }
  return html + "</div>\n";
}

/// One agent beside each other one; nothing where that was not asked for.
std::string comparisons(const Evaluation& evaluation) {
  if (evaluation.comparisons.empty()) {
    return "";
  }
  return fmt::format(
      "<h2>{} less each other</h2>\n<div class=\"wide\">\n{}</div>\n"
      "<p class=\"note\">Mean differences over the episodes of the same board, scenario and seed, "
      "with "
      "95&nbsp;% bootstrap intervals over the seeds. The last columns: in how many boards with a "
      "scenario it is ahead : behind, by the mean regret; and by the violations where they are "
      "more "
      "than half a point apart, else by the objective. By the latter, for each board:</p>\n"
      "<div class=\"wide\">\n{}</div>\n",
      escape_html(evaluation.comparisons.front().agent), to_html(compare_pairwise(evaluation)),
      to_html(compare_standings(evaluation)));
}

/// What all were measured against, and regret by scenario where there is more than one.
std::string measures(const Evaluation& evaluation) {
  std::string html;
  if (const std::string text = describe_measures(evaluation); !text.empty()) {
    html += fmt::format("<p class=\"note\">Regret and shares: {}.</p>\n", escape_html(text));
  }
  if (const Table scenarios = compare_scenarios(evaluation); !scenarios.rows.empty()) {
    html += fmt::format("<div class=\"wide\">\n{}</div>\n", to_html(scenarios));
  }
  return html;
}

/// One row a scenario: a figure of each agent.
Plot by_scenario(const char* title, const char* figure, double factor,
                 const std::vector<const Result*>& results,
                 const std::vector<std::string>& scenarios,
                 const std::vector<std::string>& agents) {
  Plot plot{.title = title, .x_title = "", .y_title = "", .categories = scenarios, .points = {}};
  for (const Result* const result : results) {
    const MeanAndSpread value = find(result->figures, figure);
    if (value.mean) {
      plot.points.push_back(
          {.x = factor * *value.mean,
           .y = static_cast<double>(index_in(scenarios, result->scenario)),
           .series = index_in(agents, result->agent),
           .note = fmt::format("{}, {}: {:.3f} ±{:.3f}", result->agent, result->scenario,
                               factor * *value.mean, factor * value.spread.value_or(0.0)),
           .spread_x = factor * value.spread.value_or(0.0)});
    }
  }
  return plot;
}

/// What best_static kept, where it was found.
std::string configurations(const World& world) {
  std::string html;
  for (const Result* const result : world.results) {
    const std::set<std::string> kept(result->configurations.begin(), result->configurations.end());
    for (const auto& configuration : kept) {
      const auto times = std::ranges::count(result->configurations, configuration);
      html += fmt::format(
          "<p class=\"note\"><b>{}</b>: {}{}</p>\n", escape_html(result->agent),
          escape_html(configuration),
          kept.size() > 1 ? fmt::format(" ({} of {} seeds)", times, result->configurations.size())
                          : "");
    }
  }
  return html;
}

std::string section(const std::string& run, const Evaluation& evaluation,
                    const std::vector<std::string>& agents) {
  std::vector<const Result*> results;
  std::vector<Result> of_run;
  for (const auto& result : evaluation.results) {
    if (result.run == run) {
      results.push_back(&result);
      of_run.push_back(result);
    }
  }
  const auto scenarios = distinct(of_run, &Result::scenario);
  std::string html =
      fmt::format("<h2>{}</h2>\n<p class=\"note\">{}</p>\n{}<div class=\"plots\">\n",
                  escape_html(run), escape_html(results.front()->board), legend_of(agents));
  html += to_svg(by_scenario("Objective, % of the measure's", "objective_share", 100.0, results,
                             scenarios, agents));
  html += to_svg(by_scenario("Violation, %", "violation", 100.0, results, scenarios, agents));
  html += to_svg(by_scenario("Regret, reward a period", "regret", 1.0, results, scenarios, agents));
  html += "</div>\n";
  for (const auto& world : worlds_of(evaluation)) {
    if (world.results.front()->run == run) {
      html += fmt::format(
          "<details><summary>{}</summary>\n<div class=\"wide\">\n{}</div>\n{}{}"
          "</details>\n",
          escape_html(world.title), to_html(compare_agents(world)), configurations(world),
          courses_of(world, evaluation, agents));
    }
  }
  return html;
}

}  // namespace

std::string make_page(const Evaluation& evaluation, const std::string& config) {
  std::vector<std::string> agents;
  for (const auto& total : evaluation.totals) {
    agents.push_back(total.agent);
  }
  std::string trade_offs;
  std::string adaptations;
  std::string sections;
  for (const auto& run : distinct(evaluation.results, &Result::run)) {
    std::vector<const Result*> results;
    for (const auto& result : evaluation.results) {
      if (result.run == run) {
        results.push_back(&result);
      }
    }
    trade_offs += to_svg(trade_off(run, results, agents));
    adaptations += to_svg(after_changes(run, evaluation, agents));
    sections += section(run, evaluation, agents);
  }
  const std::string file = config.empty()
                               ? ""
                               : fmt::format(
                                     "<details><summary>Configuration</summary>\n<pre>{}</pre>"
                                     "</details>\n",
                                     escape_html(config));
  return fill_template(assets::kEvaluationHtml,
                       {{"title", escape_html(fmt::format("{}", fmt::join(agents, ", ")))},
                        {"facts", facts(evaluation)},
                        {"warnings", warnings(evaluation)},
                        {"totals", to_html(compare_totals(evaluation))},
                        {"measures", measures(evaluation)},
                        {"legend", legend_of(agents)},
                        {"comparisons", comparisons(evaluation)},
                        {"trade_offs", trade_offs},
                        {"shown", legend_of_shown(evaluation, agents)},
                        {"adaptations", adaptations},
                        {"sections", sections},
                        {"config", file},
                        {"style", std::string(assets::kStyleCss)}});
}

}  // namespace rein::report
