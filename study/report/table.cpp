#include "study/report/table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <optional>
#include <utility>

#include "study/report/markup.hpp"

namespace rein::report {
namespace {

/// How one number of a summary is shown.
struct Metric {
  const char* heading;
  std::optional<double> Statistics::*value;
  double factor;  ///< To the heading's unit.
  int decimals;
  Better better;
  const char* signal = "";  ///< What it is computed from, if that may be an estimate.
};

constexpr double kPercent = 100.0;
constexpr Metric kMissed{"missed %", &Statistics::miss_share, kPercent, 2, Better::kLower};
constexpr Metric kAccuracy{"accuracy %", &Statistics::accuracy_top1, kPercent, 2, Better::kHigher};
constexpr Metric kMeasured{"measured %", &Statistics::accuracy_measured, kPercent, 2,
                           Better::kHigher};
constexpr Metric kP50{"p50 ms", &Statistics::latency_p50_ms, 1.0, 1, Better::kLower};
constexpr Metric kP95{"p95 ms", &Statistics::latency_p95_ms, 1.0, 1, Better::kLower};
constexpr Metric kP99{"p99 ms", &Statistics::latency_p99_ms, 1.0, 1, Better::kLower};
constexpr Metric kMax{"max ms", &Statistics::latency_max_ms, 1.0, 1, Better::kLower};
constexpr Metric kPower{"power W", &Statistics::power_w, 1.0, 2, Better::kLower, "power_w"};
constexpr Metric kEnergy{"energy mJ", &Statistics::energy_per_request_mj, 1.0, 1, Better::kLower,
                         "power_w"};
constexpr Metric kRequests{"requests", &Statistics::requests, 1.0, 0, Better::kNeither};
constexpr Metric kMissRun{"missed in a row", &Statistics::longest_miss_run, 1.0, 0, Better::kLower};

constexpr Metric kPhaseMetrics[] = {kRequests, kMissed, kMissRun, kAccuracy, kMeasured, kP50,
                                    kP95,      kP99,    kMax,     kPower,    kEnergy};

Table::Cell cell_of(const Run& run, const Statistics& statistics, const Metric& metric) {
  const auto value = statistics.*metric.value;
  if (!value) {
    return {.text = kUnknown};
  }
  return {.text = fmt::format("{:.{}f}", *value * metric.factor, metric.decimals),
          .estimated = run.is_estimated(metric.signal)};
}

/// Columns as wide as terminals show them: one column a character, not a byte.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (c & '\xC0') != '\x80'; }));
}

std::string text_of(const Table::Cell& cell) {
  return cell.estimated ? cell.text + " est." : cell.text;
}

}  // namespace

void mark_best(const std::vector<Table::Cell*>& column, Better better) {
  std::vector<double> values;
  std::vector<Table::Cell*> cells;
  for (Table::Cell* const cell : column) {
    if (cell->text != kUnknown) {
      values.push_back(std::stod(cell->text));
      cells.push_back(cell);
    }
  }
  if (values.empty() || better == Better::kNeither) {
    return;
  }
  const auto [lowest, highest] = std::ranges::minmax(values);
  for (std::size_t i = 0; i < values.size(); ++i) {
    cells[i]->best = lowest < highest && values[i] == (better == Better::kLower ? lowest : highest);
  }
}

Table compare_runs(const std::vector<Run>& runs, const std::vector<std::string>& labels) {
  struct Column {
    std::string heading;
    Statistics Run::*statistics;
    Metric metric;
  };
  const std::vector<Column> columns = {
      {kMissed.heading, &Run::whole, kMissed},     {"2nd half", &Run::second_half, kMissed},
      {kAccuracy.heading, &Run::whole, kAccuracy}, {"2nd half", &Run::second_half, kAccuracy},
      {kP50.heading, &Run::whole, kP50},           {kP95.heading, &Run::whole, kP95},
      {kP99.heading, &Run::whole, kP99},           {kPower.heading, &Run::whole, kPower},
      {kEnergy.heading, &Run::whole, kEnergy},
  };
  Table table{.headings = {"agent"}, .rows = {}};
  for (const auto& column : columns) {
    table.headings.push_back(column.heading);
  }
  for (std::size_t i = 0; i < runs.size(); ++i) {
    auto& row = table.rows.emplace_back();
    row.push_back({.text = labels[i]});
    for (const auto& column : columns) {
      row.push_back(cell_of(runs[i], runs[i].*column.statistics, column.metric));
    }
  }
  for (std::size_t i = 0; i < columns.size(); ++i) {
    std::vector<Table::Cell*> cells;
    for (auto& row : table.rows) {
      cells.push_back(&row[i + 1]);
    }
    mark_best(cells, columns[i].metric.better);
  }
  return table;
}

Table compare_phases(const Run& run) {
  const auto seconds = [](const std::optional<double>& value) {
    return Table::Cell{.text = value ? fmt::format("{:.1f}", *value) : kUnknown};
  };
  // Where phases came again and again, and are summed up.
  const bool is_summed = std::ranges::any_of(
      run.phases, [](const PhaseSummary& phase) { return phase.stretches.value_or(1.0) > 1.0; });
  Table table{.headings = {"phase", "from s", "to s"}, .rows = {}};
  if (is_summed) {
    table.headings.emplace_back("times");
  }
  for (const auto& metric : kPhaseMetrics) {
    table.headings.emplace_back(metric.heading);
  }
  for (const auto& phase : run.phases) {
    auto& row = table.rows.emplace_back();
    row = {{.text = phase.name}, seconds(phase.start_s), seconds(phase.end_s)};
    if (is_summed) {
      row.push_back({.text = fmt::format("{:.0f}", phase.stretches.value_or(1.0))});
    }
    for (const auto& metric : kPhaseMetrics) {
      row.push_back(cell_of(run, phase.statistics, metric));
    }
  }
  return table;
}

std::string to_text(const Table& table) {
  std::vector<std::vector<std::string>> lines = {table.headings};
  for (const auto& row : table.rows) {
    auto& line = lines.emplace_back();
    std::ranges::transform(row, std::back_inserter(line), text_of);
  }
  std::vector<std::size_t> widths(table.headings.size());
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) {
      widths[i] = std::max(widths[i], width_of(line[i]));
    }
  }
  std::string text;
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) {
      const std::string padding(widths[i] - width_of(line[i]), ' ');
      text += i == 0 ? line[i] + padding : "  " + padding + line[i];
    }
    text += '\n';
  }
  return text;
}

std::string to_html(const Table& table) {
  std::string html = "<table class=\"numbers\">\n<thead><tr>";
  for (const auto& heading : table.headings) {
    html += fmt::format("<th>{}</th>", escape_html(heading));
  }
  html += "</tr></thead>\n<tbody>\n";
  for (const auto& row : table.rows) {
    html += "<tr>";
    for (const auto& cell : row) {
      const char* const tag = &cell == &row.front() ? "th" : "td";
      html += fmt::format("<{0}{1}>{2}{3}</{0}>", tag, cell.best ? " class=\"best\"" : "",
                          escape_html(cell.text),
                          cell.estimated ? " <span class=\"estimated\">estimated</span>" : "");
    }
    html += "</tr>\n";
  }
  return html + "</tbody>\n</table>\n";
}

}  // namespace rein::report
