#include "study/training/recorded_trace.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>

#include "common/config_node.hpp"
#include "common/csv_table.hpp"
#include "common/error.hpp"
#include "common/files.hpp"

namespace rein {

namespace {

const std::string kObserved = "observed.";
const std::string kReward = "reward_";

/// A trace with the columns that matter here.
class TraceTable {
 public:
  explicit TraceTable(const std::filesystem::path& file)
      : file_(file.string()), table_(parse_csv(read_text(file), file_)) {}

  std::size_t rows() const { return table_.rows.size(); }
  const std::vector<std::string>& columns() const { return table_.columns; }

  std::size_t find(const std::string& name) const {
    const auto found = std::ranges::find(table_.columns, name);
    if (found == table_.columns.end()) {
      throw ConfigError(
          fmt::format("{}: expected the column {} of this run, found none", file_, name));
    }
    return static_cast<std::size_t>(found - table_.columns.begin());
  }

  const std::string& cell(std::size_t row, std::size_t column) const {
    return table_.rows[row].cells[column];
  }

  double number(std::size_t row, std::size_t column) const {
    const std::string& text = cell(row, column);
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    if (text.empty() || *end != '\0' || !Range{}.contains(value)) {
      fail(row, column, Range{}.describe("a number"));
    }
    return value;
  }

  [[noreturn]] void fail(std::size_t row, std::size_t column, const std::string& expected) const {
    throw ConfigError(fmt::format("{}:{}: {}: expected {}, found '{}'", file_,
                                  table_.rows[row].line, table_.columns[column], expected,
                                  cell(row, column)));
  }

  [[noreturn]] void reject(const std::string& problem) const {
    throw ConfigError(fmt::format("{}: {}", file_, problem));
  }

 private:
  static std::string read_text(const std::filesystem::path& file) {
    if (!is_regular(file)) {
      throw ConfigError(fmt::format("{}: expected a trace.csv, found none", file.string()));
    }
    return read_file(file);
  }

  std::string file_;
  CsvTable table_;
};

/// The level that a cell names: by its label, or by its value as far as a trace says it.
std::size_t read_level(const TraceTable& table, std::size_t row, std::size_t column,
                       const Knob& knob) {
  const auto named = std::ranges::find(knob.levels, table.cell(row, column), &Knob::Level::label);
  if (named != knob.levels.end()) {
    return static_cast<std::size_t>(named - knob.levels.begin());
  }
  if (knob.effect() != Knob::Effect::kUnordered) {
    const double value = table.number(row, column);
    for (std::size_t i = 0; i < knob.levels.size(); ++i) {
      if (std::abs(knob.levels[i].value - value) <= 1e-6 * std::abs(value)) {
        return i;
      }
    }
  }
  std::vector<std::string> labels;
  std::ranges::transform(knob.levels, std::back_inserter(labels), &Knob::Level::label);
  table.fail(row, column, fmt::format("a level of this run ({})", fmt::join(labels, ", ")));
}

std::vector<std::size_t> find_all(const TraceTable& table, const std::vector<std::string>& names) {
  std::vector<std::size_t> columns;
  columns.reserve(names.size());
  for (const auto& name : names) {
    columns.push_back(table.find(name));
  }
  return columns;
}

std::vector<std::size_t> find_features(const TraceTable& table, const Problem& problem) {
  std::vector<std::string> names;
  for (const auto& feature : problem.observations.features()) {
    names.push_back(kObserved + feature.name);
  }
  for (const auto& column : table.columns()) {
    if (column.starts_with(kObserved) && std::ranges::count(names, column) == 0) {
      table.reject(fmt::format("expected the features of this run, found the column {}", column));
    }
  }
  return find_all(table, names);
}

/// The column that has a feature's number beside what was seen of it; empty if there is none.
std::string number_column(const Feature& feature) {
  if (feature.source.kind == Source::Kind::kDeadline) {
    return "deadline_ms" + feature.name.substr(feature.name.find('.'));
  }
  const bool is_power_limit = feature.source.kind == Source::Kind::kLimit &&
                              feature.source.budget == BudgetId::Kind::kPower;
  return is_power_limit ? "power_limit_w" : "";
}

/// An earlier version showed agents other numbers under the same names.
void expect_same_scales(const TraceTable& table, const Problem& problem,
                        const std::vector<std::size_t>& observed) {
  constexpr double kRounding = 1e-6;  // Of what a trace writes.
  for (std::size_t i = 0; i < observed.size(); ++i) {
    const Feature& feature = problem.observations.features()[i];
    const std::string name = number_column(feature);
    if (std::ranges::count(table.columns(), name) == 0) {
      continue;
    }
    const std::size_t column = table.find(name);
    for (std::size_t row = 0; row < table.rows(); ++row) {
      if (table.cell(row, column).empty()) {
        continue;
      }
      const double expected = feature.scale(table.number(row, column));
      if (std::abs(table.number(row, observed[i]) - expected) > kRounding) {
        table.fail(row, observed[i],
                   fmt::format("{:.6g}, which is how this version shows a {} of {} (a trace of "
                               "another version has to be recorded anew)",
                               expected, name, table.cell(row, column)));
      }
    }
  }
}

std::vector<std::size_t> find_knobs(const TraceTable& table, const Problem& problem) {
  std::vector<std::string> names;
  for (const auto& knob : problem.actions.knobs()) {
    names.push_back(knob.name);
  }
  return find_all(table, names);
}

std::vector<std::size_t> find_terms(const TraceTable& table) {
  std::vector<std::size_t> columns;
  for (std::size_t i = 0; i < table.columns().size(); ++i) {
    if (table.columns()[i].starts_with(kReward)) {
      columns.push_back(i);
    }
  }
  return columns;
}

}  // namespace

std::vector<PeriodRecord> read_transitions(const std::filesystem::path& file,
                                           const Problem& problem) {
  const TraceTable table(file);
  const auto features = find_features(table, problem);
  expect_same_scales(table, problem, features);
  const auto knobs = find_knobs(table, problem);
  const auto terms = find_terms(table);
  const std::size_t reward = table.find("reward");
  if (table.rows() < 2) {
    table.reject(fmt::format("expected two periods or more, found {}", table.rows()));
  }
  const auto observation_at = [&](std::size_t row) {
    Observation observation;
    observation.reserve(features.size());
    for (const std::size_t column : features) {
      observation.push_back(table.number(row, column));
    }
    return observation;
  };
  std::vector<PeriodRecord> transitions;
  transitions.reserve(table.rows() - 1);
  Observation next = observation_at(0);
  for (std::size_t row = 0; row + 1 < table.rows(); ++row) {
    PeriodRecord transition;
    transition.index = row;
    transition.observation = std::move(next);
    next = observation_at(row + 1);
    transition.result.observation = next;
    Action levels;
    for (std::size_t i = 0; i < knobs.size(); ++i) {
      levels.push_back(read_level(table, row, knobs[i], problem.actions.knobs()[i]));
    }
    transition.action = std::move(levels);
    transition.decision.action = transition.action;
    transition.result.reward = table.number(row, reward);
    for (const std::size_t column : terms) {
      // A budget that is not set has no term.
      if (!table.cell(row, column).empty()) {
        transition.result.info.reward_terms.push_back(
            {table.columns()[column].substr(kReward.size()), table.number(row, column)});
      }
    }
    transitions.push_back(std::move(transition));
  }
  return transitions;
}

}  // namespace rein
