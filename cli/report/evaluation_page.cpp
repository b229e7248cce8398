#include "cli/report/evaluation_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "cli/report/assets.hpp"
#include "cli/report/evaluation_table.hpp"
#include "cli/report/markup.hpp"
#include "cli/report/plot.hpp"
#include "cli/report/table.hpp"

namespace rein::report {
namespace {

using Result = Evaluation::Result;

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
  for (const auto& error : evaluation.errors) {
    html += fmt::format("<p class=\"warning\">{}</p>\n", escape_html(error));
  }
  return html;
}

std::size_t index_in(const std::vector<std::string>& values, const std::string& value) {
  return static_cast<std::size_t>(std::ranges::find(values, value) - values.begin());
}

/// One point a scenario and agent: the objective against the violations.
Plot trade_off(const std::string& run, const std::vector<const Result*>& results,
               const std::vector<std::string>& agents) {
  Plot plot{.title = run,
            .x_title = "violation above the oracle's, points",
            .y_title = "objective, % of the oracle's",
            .categories = {},
            .points = {}};
  for (const Result* const result : results) {
    const auto share = find(result->figures, "objective_share").mean;
    const auto above = find(result->figures, "violation_above_oracle").mean;
    if (share && above && result->agent != "oracle") {
      plot.points.push_back(
          {.x = 100.0 * *above,
           .y = 100.0 * *share,
           .series = index_in(agents, result->agent),
           .note = fmt::format("{}, {}: {:.2f} points, {:.2f} %", result->agent, result->scenario,
                               100.0 * *above, 100.0 * *share)});
    }
  }
  return plot;
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
  html += to_svg(by_scenario("Objective, % of the oracle's", "objective_share", 100.0, results,
                             scenarios, agents));
  html += to_svg(by_scenario("Violation, %", "violation", 100.0, results, scenarios, agents));
  html += to_svg(by_scenario("Regret, reward a period", "regret", 1.0, results, scenarios, agents));
  html += "</div>\n";
  for (const auto& world : worlds_of(evaluation)) {
    if (world.results.front()->run == run) {
      html += fmt::format(
          "<details><summary>{}</summary>\n<div class=\"wide\">\n{}</div>\n{}"
          "</details>\n",
          escape_html(world.title), to_html(compare_agents(world)), configurations(world));
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
  std::string sections;
  for (const auto& run : distinct(evaluation.results, &Result::run)) {
    std::vector<const Result*> results;
    for (const auto& result : evaluation.results) {
      if (result.run == run) {
        results.push_back(&result);
      }
    }
    trade_offs += to_svg(trade_off(run, results, agents));
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
                        {"legend", legend_of(agents)},
                        {"trade_offs", trade_offs},
                        {"sections", sections},
                        {"config", file},
                        {"style", std::string(assets::kStyleCss)}});
}

}  // namespace rein::report
