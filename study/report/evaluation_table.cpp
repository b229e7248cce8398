#include "study/report/evaluation_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <numeric>
#include <span>
#include <string>

namespace rein::report {
namespace {

/// How a figure is shown.
struct Column {
  const char* heading;
  const char* figure;
  double factor;  ///< To the heading's unit.
  int decimals;
  bool has_spread;
  Better better;
};

constexpr double kPercent = 100.0;
constexpr Column kObjective{"objective %", "objective_share", kPercent, 2, true, Better::kHigher};
constexpr Column kViolation{"violation %", "violation", kPercent, 2, true, Better::kLower};
constexpr Column kAbove{"above oracle", "violation_above_oracle", kPercent, 2, false,
                        Better::kLower};
constexpr Column kMissed{"missed %", "miss_share", kPercent, 2, false, Better::kLower};
constexpr Column kMissRun{"in a row", "longest_miss_run", 1.0, 1, false, Better::kLower};
constexpr Column kAccuracy{"top-1 %", "accuracy_top1", kPercent, 2, false, Better::kHigher};
constexpr Column kP99{"p99 ms", "latency_p99_ms", 1.0, 1, false, Better::kLower};
constexpr Column kP99Share{"p99 ratio", "p99_share", 1.0, 2, false, Better::kLower};
constexpr Column kEnergyShare{"energy ratio", "energy_share", 1.0, 2, false, Better::kLower};
constexpr Column kPower{"power W", "power_w", 1.0, 2, false, Better::kLower};
constexpr Column kEnergy{"energy mJ", "energy_per_request_mj", 1.0, 1, false, Better::kLower};
constexpr Column kRegret{"regret", "regret", 1.0, 3, true, Better::kLower};

constexpr Column kWorldColumns[] = {kObjective, kViolation, kAbove, kMissed, kMissRun, kAccuracy,
                                    kP99,       kP99Share,  kPower, kEnergy, kRegret};
constexpr Column kTotalColumns[] = {kObjective, kViolation, kAbove,       kMissed,
                                    kMissRun,   kP99Share,  kEnergyShare, kRegret};

/// A number, but 0 for what would be shown as -0.
std::string shown(double number, int decimals) {
  std::string text = fmt::format("{:.{}f}", number, decimals);
  return std::stod(text) == 0.0 && text.starts_with('-') ? text.substr(1) : text;
}

Table::Cell cell_of(const Averages& figures, const Column& column) {
  const MeanAndSpread value = find(figures, column.figure);
  if (!value.mean) {
    return {.text = kUnknown};
  }
  std::string text = shown(*value.mean * column.factor, column.decimals);
  if (column.has_spread && value.spread) {
    text += " ±" + shown(*value.spread * column.factor, column.decimals);
  }
  return {.text = std::move(text)};
}

Table::Cell cell_of(const AdaptationFigures& adaptation) {
  return {.text = adaptation.periods.count > 0 ? shown(adaptation.periods.median, 1) : kUnknown};
}

template <typename Row>
Table compare(const std::vector<const Row*>& rows, std::span<const Column> columns) {
  Table table{.headings = {"agent"}, .rows = {}};
  for (const auto& column : columns) {
    table.headings.emplace_back(column.heading);
  }
  table.headings.emplace_back("adapts in");
  for (const Row* const row : rows) {
    auto& cells = table.rows.emplace_back();
    cells.push_back({.text = row->agent});
    for (const auto& column : columns) {
      cells.push_back(cell_of(row->figures, column));
    }
    cells.push_back(cell_of(row->adaptation));
  }
  for (std::size_t i = 0; i <= columns.size(); ++i) {
    std::vector<Table::Cell*> cells;
    for (auto& row : table.rows) {
      if (row.front().text != "oracle") {
        cells.push_back(&row[i + 1]);
      }
    }
    mark_best(cells, i < columns.size() ? columns[i].better : Better::kLower);
  }
  return table;
}

/// With its sign, and the interval where there is one.
std::string shown_difference(const MeanInterval& difference, double factor, int decimals) {
  const auto one = [&](double number) {
    const std::string text = shown(number * factor, decimals);
    return text.starts_with('-') || std::stod(text) == 0.0 ? text : "+" + text;
  };
  std::string text = one(difference.mean);
  if (difference.low && difference.high) {
    text += fmt::format(" [{}, {}]", one(*difference.low), one(*difference.high));
  }
  return text;
}

std::string shown_standing(const Standing& standing) {
  return fmt::format("{} : {}", standing.ahead, standing.behind);
}

}  // namespace

std::vector<World> worlds_of(const Evaluation& evaluation) {
  std::vector<World> worlds;
  const Evaluation::Result* last = nullptr;
  for (const auto& result : evaluation.results) {
    if (last == nullptr || last->run != result.run || last->scenario != result.scenario) {
      worlds.push_back(
          {fmt::format("{}, {}, {}", result.run, result.scenario, result.objective), {}});
    }
    worlds.back().results.push_back(&result);
    last = &result;
  }
  return worlds;
}

Table compare_agents(const World& world) { return compare(world.results, kWorldColumns); }

Table compare_totals(const Evaluation& evaluation) {
  std::vector<const Evaluation::Total*> rows;
  for (const auto& total : evaluation.totals) {
    rows.push_back(&total);
  }
  return compare(rows, kTotalColumns);
}

Table compare_pairwise(const Evaluation& evaluation) {
  Table table{.headings = {"against", "objective, points", "violation, points", "regret",
                           "worlds by regret", "by budgets, objective"},
              .rows = {}};
  for (const auto& comparison : evaluation.comparisons) {
    const PairedComparison& pairs = comparison.pairs;
    if (comparison.run.empty()) {
      table.rows.push_back({{.text = comparison.against},
                            {.text = shown_difference(pairs.objective_share, kPercent, 2)},
                            {.text = shown_difference(pairs.violation, kPercent, 2)},
                            {.text = shown_difference(pairs.regret, 1.0, 3)},
                            {.text = shown_standing(pairs.by_regret)},
                            {.text = shown_standing(pairs.by_budgets_and_objective)}});
    }
  }
  return table;
}

Table compare_standings(const Evaluation& evaluation) {
  Table table{.headings = {"against"}, .rows = {}};
  for (const auto& comparison : evaluation.comparisons) {
    if (comparison.run.empty()) {
      table.rows.push_back({{.text = comparison.against}});
      continue;
    }
    if (std::ranges::count(table.headings, comparison.run) == 0) {
      table.headings.push_back(comparison.run);
    }
    const auto row = std::ranges::find_if(
        table.rows, [&](const auto& cells) { return cells.front().text == comparison.against; });
    row->push_back({.text = shown_standing(comparison.pairs.by_budgets_and_objective)});
  }
  return table;
}

Table compare_scenarios(const Evaluation& evaluation) {
  std::map<std::string, std::map<std::string, std::vector<double>>> regrets;  // By both names.
  std::vector<std::string> scenarios;                                         // In their order.
  for (const auto& result : evaluation.results) {
    if (const auto regret = find(result.figures, "regret").mean) {
      regrets[result.scenario][result.agent].push_back(*regret);
    }
    if (std::ranges::count(scenarios, result.scenario) == 0) {
      scenarios.push_back(result.scenario);
    }
  }
  Table table{.headings = {"regret", "worlds"}, .rows = {}};
  for (const auto& total : evaluation.totals) {
    table.headings.push_back(total.agent);
  }
  for (const auto& scenario : scenarios) {
    std::vector<Table::Cell> cells = {{.text = scenario}, {}};
    std::size_t worlds = 0;
    for (const auto& total : evaluation.totals) {
      const auto& values = regrets[scenario][total.agent];
      const double sum = std::accumulate(values.begin(), values.end(), 0.0);
      cells.push_back(
          {.text = values.empty() ? kUnknown : shown(sum / static_cast<double>(values.size()), 3)});
      worlds = std::max(worlds, values.size());
    }
    cells[1].text = std::to_string(worlds);
    if (worlds > 1) {
      table.rows.push_back(std::move(cells));
    }
  }
  if (table.rows.size() < 2) {
    table.rows.clear();
  }
  return table;
}

std::string describe_measures(const Evaluation& evaluation) {
  std::map<std::string, std::size_t> others;
  double sum = 0.0;
  double most = 0.0;
  std::size_t beyond = 0;
  std::size_t count = 0;
  bool has_noise = false;
  for (const auto& measure : evaluation.measures) {
    if (measure.above_oracle > 0.0) {
      ++count;
      ++others[measure.agent];
      sum += measure.above_oracle;
      most = std::max(most, measure.above_oracle);
      beyond += measure.noise && measure.above_oracle > *measure.noise ? 1 : 0;
      has_noise = has_noise || measure.noise;
    }
  }
  if (evaluation.measures.empty()) {
    return "";
  }
  std::string text = fmt::format(
      "measured against the best that was played: the oracle in {} of {} board{} and scenario{}",
      evaluation.measures.size() - count, evaluation.measures.size(),
      evaluation.measures.size() == 1 ? "" : "s", evaluation.measures.size() == 1 ? "" : "s");
  if (count == 0) {
    return text;
  }
  std::vector<std::string> names;
  std::ranges::transform(others, std::back_inserter(names), [](const auto& other) {
    return fmt::format("{} in {}", other.first, other.second);
  });
  text += fmt::format(", {}, above it by {:.3f} in the mean and {:.3f} at most; ",
                      fmt::join(names, ", "), sum / static_cast<double>(count), most);
  text += has_noise ? fmt::format("by more than two standard errors in {}", beyond)
                    : "one seed does not say what of it is noise";
  return text;
}

std::string to_text(const Evaluation& evaluation) {
  std::string text;
  const auto worlds = worlds_of(evaluation);
  for (const auto& world : worlds) {
    text += world.title + "\n" + to_text(compare_agents(world)) + "\n";
  }
  text += fmt::format("mean of {} board{} and scenario{}\n", worlds.size(),
                      worlds.size() == 1 ? "" : "s", worlds.size() == 1 ? "" : "s");
  text += to_text(compare_totals(evaluation));
  if (const Table scenarios = compare_scenarios(evaluation); !scenarios.rows.empty()) {
    text.append("\n").append(to_text(scenarios));
  }
  if (const std::string measures = describe_measures(evaluation); !measures.empty()) {
    text += "\n" + measures + "\n";
  }
  if (!evaluation.comparisons.empty()) {
    text += fmt::format("\n{} less each other\n{}\nboards and scenarios ahead : behind\n{}",
                        evaluation.comparisons.front().agent, to_text(compare_pairwise(evaluation)),
                        to_text(compare_standings(evaluation)));
  }
  if (!evaluation.is_complete()) {
    text += evaluation.ended + "; the agents are not compared over the same seeds\n";
  }
  return text;
}

}  // namespace rein::report
