#include "env/trace_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>
#include <set>
#include <utility>

#include "common/error.hpp"
#include "common/files.hpp"
#include "common/printable.hpp"

namespace rein {

namespace {

namespace fs = std::filesystem;
using Of = TraceColumn::Of;
using Kind = TraceColumn::Kind;

[[noreturn]] void reject(const std::string& name, const std::string& problem) {
  throw ConfigError(fmt::format("{}: {}", name, problem));
}

std::string shown(const std::string& cell) { return printable(cell, 60); }

/// All of `text`, or nothing.
template <typename Number>
std::optional<Number> parse_all(const std::string& text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional(value)
                                                                  : std::nullopt;
}

/// Names from a header, each once, in its order.
std::vector<std::string> members_in(const std::vector<std::string>& columns, Of of) {
  std::vector<std::string> members;
  for (const auto& name : columns) {
    const TraceColumn* const column = find_trace_column(name);
    if (column != nullptr && column->of == of) {
      const std::string member(member_of(*column, name));
      if (std::ranges::count(members, member) == 0) {
        members.push_back(member);
      }
    }
  }
  return members;
}

/// Of a trace of version 1, as far as its header tells it.
TraceDescription describe_header(const std::vector<std::string>& columns) {
  TraceDescription description{.version = 1, .program = "", .applications = {}};
  description.applications = members_in(columns, Of::kApplication);
  for (const auto& name : members_in(columns, Of::kSignal)) {
    description.signals.push_back({.name = name, .unit = "", .source = ""});
  }
  description.reward_terms = members_in(columns, Of::kRewardTerm);
  return description;
}

template <typename Items>
bool has_name(const Items& items, const std::string& name) {
  return std::ranges::any_of(items, [&name](const auto& item) { return item.name == name; });
}

/// What a feature's numbers mean: the same feature may be scaled otherwise by another rein.
void hold_features(const TraceDescription& description, const ObservationSpec& observations,
                   const std::string& name) {
  for (const auto& feature : TraceFeature::all_of(observations)) {
    const auto found = std::ranges::find(description.features, feature.name, &TraceFeature::name);
    if (found != description.features.end() && found->is != feature.is) {
      reject(name, fmt::format("features: expected '{}' as in this run, found '{}'", feature.is,
                               found->is));
    }
  }
}

/// Nobody can act like a trace of other knobs, nor see like one of other features.
void require_no_other(const std::vector<std::string>& columns, const ActionSpace& actions,
                      const ObservationSpec& observations, const std::string& name) {
  for (const auto& each : columns) {
    const TraceColumn* const column = find_trace_column(each);
    if (column == nullptr) {
      continue;
    }
    const std::string member(member_of(*column, each));
    if (column->of == Of::kFeature && !has_name(observations.features(), member)) {
      reject(name,
             fmt::format("expected the features of this run, found the column {}", shown(each)));
    }
    if ((column->of == Of::kKnob || column->of == Of::kMachineKnob) &&
        !has_name(actions.knobs(), member)) {
      reject(name, fmt::format("expected the knobs of this run, found the column {}", shown(each)));
    }
  }
}

/// The columns of a trace, each beside its place in the file.
struct BoundField {
  TraceField field;
  std::size_t at;
};

std::vector<BoundField> bind_fields(const std::vector<std::string>& columns,
                                    const TraceDescription& description) {
  std::vector<BoundField> bound;
  for (auto& field : fields_of(description)) {
    const auto found = std::ranges::find(columns, field.name);
    if (found != columns.end()) {
      bound.push_back({std::move(field), static_cast<std::size_t>(found - columns.begin())});
    }
  }
  return bound;
}

/// With a place for all that a row has of it.
PeriodRecord make_record(const TraceDescription& description) {
  PeriodRecord record;
  record.observation.resize(description.features.size());
  record.action.resize(description.knobs.size());
  record.decision.action.resize(description.knobs.size());
  StepInfo& info = record.result.info;
  info.task.objective = description.objective;
  info.task.prices = description.prices;
  for (const auto& application : description.applications) {
    info.applications.push_back({application, {}});
    info.task.applications.emplace_back().name = application;
  }
  info.signals.resize(description.signals.size());
  return record;
}

bool follows(const PeriodRecord& next, const PeriodRecord& record) {
  return next.episode == record.episode && next.index == record.index + 1;
}

/// The value of a cell that is not empty; of a level its text.
/// @throws Error if it is not of the column's kind.
TraceValue parse_cell(const TraceColumn& column, const std::string& cell) {
  switch (column.kind) {
    case Kind::kNumber:
      if (const auto value = parse_all<double>(cell); value && column.range.contains(*value)) {
        return *value;
      }
      throw Error(
          fmt::format("expected {}, found '{}'", column.range.describe("a number"), shown(cell)));
    case Kind::kCount:
      if (const auto value = parse_all<std::uint64_t>(cell);
          value && static_cast<double>(*value) <= 0x1p63) {
        return *value;
      }
      throw Error(fmt::format("expected a whole number from 0, found '{}'", shown(cell)));
    case Kind::kFlag:
      if (cell == "0" || cell == "1") {
        return std::uint64_t{cell == "1" ? 1U : 0U};
      }
      throw Error(fmt::format("expected 0 or 1, found '{}'", shown(cell)));
    case Kind::kText:
    case Kind::kLevel:
      break;
  }
  return cell;
}

/// What `read` returns; what it says is wrong is wrong there.
template <typename Read>
auto at_cell(const CsvTable& table, std::size_t row, std::size_t at, const std::string& name,
             const Read& read) {
  try {
    return read();
  } catch (const Error& error) {
    throw ConfigError(fmt::format("{}:{}: {}: {}", name, table.rows[row].line,
                                  shown(table.columns[at]), error.what()));
  }
}

std::vector<PeriodRecord> read_records(CsvTable& table, const TraceDescription& description,
                                       const std::string& name) {
  const auto bound = bind_fields(table.columns, description);
  std::vector<PeriodRecord> records;
  records.reserve(table.rows.size());
  const PeriodRecord empty = make_record(description);
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    PeriodRecord& record = records.emplace_back(empty);
    for (const auto& each : bound) {
      const TraceColumn& column = *each.field.column;
      const std::string& cell = table.rows[row].cells[each.at];
      if (column.put != nullptr && (!cell.empty() || column.always)) {
        at_cell(table, row, each.at, name, [&] {
          column.put(parse_cell(column, cell), description, each.field.index, record);
        });
      }
    }
    table.rows[row].cells = {};  // Long traces are large.
  }
  for (std::size_t i = 0; i + 1 < records.size(); ++i) {
    if (follows(records[i + 1], records[i])) {
      records[i].result.observation = records[i + 1].observation;
    }
  }
  return records;
}

TraceTable load_table(const fs::path& file) {
  if (!is_regular(file)) {
    reject(file.string(), "expected a trace.csv, found none");
  }
  return parse_trace_table(read_file(file), file.string());
}

}  // namespace

TraceTable parse_trace_table(std::string_view text, const std::string& name) {
  const std::size_t end = text.rfind('\n');
  // The header alone may go without.
  const bool is_cut = end != text.npos && end + 1 < text.size();
  return {parse_csv(is_cut ? text.substr(0, end + 1) : text, name), is_cut};
}

std::optional<double> read_number(const TraceColumn& column, const CsvTable& table, std::size_t row,
                                  std::size_t at, const std::string& name) {
  const std::string& cell = table.rows[row].cells[at];
  if (cell.empty()) {
    return std::nullopt;
  }
  return at_cell(table, row, at, name, [&] {
    TraceColumn as_number = column;
    as_number.kind = column.kind == Kind::kLevel ? Kind::kNumber : column.kind;
    const TraceValue value = parse_cell(as_number, cell);
    const auto* const count = std::get_if<std::uint64_t>(&value);
    return count != nullptr ? static_cast<double>(*count) : std::get<double>(value);
  });
}

void require_columns(const std::vector<std::string>& columns, const TraceDescription& description,
                     const std::string& name) {
  for (const auto& field : fields_of(description)) {
    if (field.column->since <= description.version &&
        std::ranges::count(columns, field.name) == 0) {
      reject(name, fmt::format("expected the column {} that {} beside it tells of, found none",
                               shown(field.name), TraceDescription::path_of("trace.csv").string()));
    }
  }
}

RecordedTrace read_trace(const fs::path& file) {
  TraceTable read = load_table(file);
  auto description = TraceDescription::read_beside(file);
  if (!description) {
    reject(file.string(),
           fmt::format("expected {} beside it, found none: a trace without one can be read for a "
                       "run alone",
                       TraceDescription::path_of(file).filename().string()));
  }
  require_columns(read.table.columns, *description, file.string());
  RecordedTrace trace{*std::move(description), {}, read.is_cut};
  trace.records = read_records(read.table, trace.description, file.string());
  return trace;
}

RecordedTrace read_trace(const fs::path& file, const ActionSpace& actions,
                         const ObservationSpec& observations) {
  const std::string name = file.string();
  TraceTable read = load_table(file);
  const auto& columns = read.table.columns;
  auto beside = TraceDescription::read_beside(file);
  if (beside) {
    require_columns(columns, *beside, name);
    hold_features(*beside, observations, TraceDescription::path_of(file).string());
  }
  require_no_other(columns, actions, observations, name);
  RecordedTrace trace{beside ? *std::move(beside) : describe_header(columns), {}, read.is_cut};
  trace.description.knobs = actions.knobs();
  trace.description.features = TraceFeature::all_of(observations);
  for (const auto& field : fields_of(trace.description)) {
    if (field.column->always && field.column->since == 1 &&
        std::ranges::count(columns, field.name) == 0) {
      reject(name, fmt::format("expected the column {} of this run, found none", field.name));
    }
  }
  trace.records = read_records(read.table, trace.description, name);
  return trace;
}

}  // namespace rein
