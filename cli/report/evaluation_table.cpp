#include "cli/report/evaluation_table.hpp"

#include <fmt/format.h>

#include <span>

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
constexpr Column kPower{"power W", "power_w", 1.0, 2, false, Better::kLower};
constexpr Column kEnergy{"energy mJ", "energy_per_request_mj", 1.0, 1, false, Better::kLower};
constexpr Column kRegret{"regret", "regret", 1.0, 3, true, Better::kLower};

constexpr Column kWorldColumns[] = {kObjective, kViolation, kAbove, kMissed, kMissRun,
                                    kAccuracy,  kP99,       kPower, kEnergy, kRegret};
constexpr Column kTotalColumns[] = {kObjective, kViolation, kAbove, kMissed, kMissRun, kRegret};

Table::Cell cell_of(const Averages& figures, const Column& column) {
  const MeanAndSpread value = find(figures, column.figure);
  if (!value.mean) {
    return {.text = kUnknown};
  }
  // Adding 0 makes 0 of what would be shown as -0.
  const auto shown = [&](double number) {
    std::string text = fmt::format("{:.{}f}", number * column.factor, column.decimals);
    return std::stod(text) == 0.0 && text.starts_with('-') ? text.substr(1) : text;
  };
  std::string text = shown(*value.mean);
  if (column.has_spread && value.spread) {
    text += " ±" + shown(*value.spread);
  }
  return {.text = std::move(text)};
}

template <typename Row>
Table compare(const std::vector<const Row*>& rows, std::span<const Column> columns) {
  Table table{.headings = {"agent"}, .rows = {}};
  for (const auto& column : columns) {
    table.headings.emplace_back(column.heading);
  }
  for (const Row* const row : rows) {
    auto& cells = table.rows.emplace_back();
    cells.push_back({.text = row->agent});
    for (const auto& column : columns) {
      cells.push_back(cell_of(row->figures, column));
    }
  }
  for (std::size_t i = 0; i < columns.size(); ++i) {
    std::vector<Table::Cell*> cells;
    for (auto& row : table.rows) {
      if (row.front().text != "oracle") {
        cells.push_back(&row[i + 1]);
      }
    }
    mark_best(cells, columns[i].better);
  }
  return table;
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

std::string to_text(const Evaluation& evaluation) {
  std::string text;
  const auto worlds = worlds_of(evaluation);
  for (const auto& world : worlds) {
    text += world.title + "\n" + to_text(compare_agents(world)) + "\n";
  }
  text += fmt::format("mean of {} board{} and scenario{}\n", worlds.size(),
                      worlds.size() == 1 ? "" : "s", worlds.size() == 1 ? "" : "s");
  text += to_text(compare_totals(evaluation));
  return text;
}

}  // namespace rein::report
