#include "study/report/training_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "study/report/assets.hpp"
#include "study/report/markup.hpp"
#include "study/report/plot.hpp"
#include "study/report/table.hpp"

namespace rein::report {
namespace {

/// A column of the learning curve.
struct Measure {
  std::string heading;
  double factor = 1.0;  ///< To the heading's unit.
  int decimals = 2;
  std::optional<double> (*of)(const LearningPoint&);
  Better better = Better::kNeither;
};

Measure measure_of(Objective::Kind objective) {
  const auto of = [](const LearningPoint& point) { return point.objective; };
  switch (objective) {
    case Objective::Kind::kMaxAccuracy:
      return {"top-1 %", 100.0, 2, of, Better::kHigher};
    case Objective::Kind::kMinEnergy:
      return {"energy mJ", 1.0, 1, of, Better::kLower};
    case Objective::Kind::kMinPower:
      return {"power W", 1.0, 2, of, Better::kLower};
    case Objective::Kind::kMinLatency:
      return {"latency ms", 1.0, 2, of, Better::kLower};
  }
  return {};
}

std::vector<Measure> measures_of(const Training& training) {
  return {{"reward", 1.0, 4, [](const LearningPoint& point) { return std::optional(point.reward); },
           Better::kHigher},
          measure_of(training.objective),
          {"violation %", 100.0, 2, [](const LearningPoint& point) { return point.violation; },
           Better::kLower},
          {"missed %", 100.0, 2, [](const LearningPoint& point) { return point.miss_share; },
           Better::kLower}};
}

Table table_of(const Training& training) {
  const auto measures = measures_of(training);
  Table table{.headings = {"episodes", "periods"}, .rows = {}};
  for (const auto& measure : measures) {
    table.headings.push_back(measure.heading);
  }
  table.headings.emplace_back("seconds");
  for (const auto& point : training.curve) {
    std::vector<Table::Cell> row = {{.text = fmt::to_string(point.episodes)},
                                    {.text = fmt::to_string(point.periods)}};
    for (const auto& measure : measures) {
      const auto value = measure.of(point);
      row.push_back({.text = value
                                 ? fmt::format("{:.{}f}", measure.factor * *value, measure.decimals)
                                 : kUnknown});
    }
    row.push_back({.text = fmt::format("{:.1f}", point.seconds)});
    table.rows.push_back(std::move(row));
  }
  for (std::size_t i = 0; i < measures.size(); ++i) {
    std::vector<Table::Cell*> column;
    for (auto& row : table.rows) {
      column.push_back(&row[i + 2]);
    }
    mark_best(column, measures[i].better);
  }
  return table;
}

std::string plots(const Training& training) {
  std::string html;
  for (const auto& measure : measures_of(training)) {
    Plot plot{.title = measure.heading,
              .x_title = "episodes of training",
              .y_title = measure.heading,
              .categories = {},
              .points = {},
              .lines = {Plot::Line{}}};
    for (const auto& point : training.curve) {
      if (const auto value = measure.of(point)) {
        plot.lines.front().points.emplace_back(static_cast<double>(point.episodes),
                                               measure.factor * *value);
        plot.points.push_back({.x = static_cast<double>(point.episodes),
                               .y = measure.factor * *value,
                               .series = 0,
                               .note = fmt::format("after {} episodes: {:.{}f}", point.episodes,
                                                   measure.factor * *value, measure.decimals)});
      }
    }
    html += to_svg(plot);
  }
  return html;
}

std::string fact(const char* name, const std::string& value) {
  return fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", name, escape_html(value));
}

}  // namespace

const LearningPoint& best_of(const std::vector<LearningPoint>& curve) {
  return *std::ranges::max_element(curve, {}, &LearningPoint::reward);
}

std::string describe_best(const Training& training) {
  if (training.curve.size() == 1) {
    return "not known yet: nothing was validated since training began";
  }
  const auto episodes = best_of(training.curve).episodes;
  return episodes > 0 ? fmt::format("after {} episodes", episodes)
                      : "after 0 episodes, untrained: in validation no training earned more";
}

std::string to_text(const Training& training) { return to_text(table_of(training)); }

std::string make_page(const Training& training) {
  const std::string episodes =
      training.episodes < training.planned
          ? fmt::format("{} of {}, interrupted", training.episodes, training.planned)
          : fmt::to_string(training.episodes);
  return fill_template(
      assets::kTrainingHtml,
      {{"title", escape_html(training.agent)},
       {"facts", fact("Boards near", fmt::format("{}", fmt::join(training.boards, ", "))) +
                     fact("Objective", training.objective_name) + fact("Episodes", episodes) +
                     fact("Best", describe_best(training)) + fact("Rein", training.version)},
       {"plots", plots(training)},
       {"curve", to_html(table_of(training))},
       {"config", escape_html(training.config)},
       {"style", std::string(assets::kStyleCss)}});
}

}  // namespace rein::report
