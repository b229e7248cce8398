#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/config_node.hpp"
#include "env/period_record.hpp"
#include "env/trace_description.hpp"

namespace rein {

/// What is in a cell of a trace: nothing, a number, a count (a flag is 0 or 1) or a text.
using TraceValue = std::variant<std::monostate, double, std::uint64_t, std::string>;

/// One column of every trace, or one for each application, knob, ... of it. All that is known of
/// the columns of a trace is a row of this table: the writer's header and cells, the reader, what
/// the report reads, and docs/trace.md, which a test holds against it.
struct TraceColumn {
  /// Of what there is a column each, and how it is called.
  enum class Of {
    kPeriod,       ///< `name`
    kLimit,        ///< As the budget's rule has it (BudgetRule::column).
    kApplication,  ///< `name.<application>`
    kKnob,         ///< `name` before the knob's: `asked.<knob>`
    kMachineKnob,  ///< The same of all but the widths, which are ours alone and never refused.
    kSignal,       ///< The signal's.
    kRewardTerm,   ///< `name` before the term's.
    kFeature,      ///< `name` before the feature's.
  };
  enum class Kind {
    kNumber,
    kCount,
    kFlag,   ///< 0 or 1.
    kText,   ///< Empty text is an empty cell.
    kLevel,  ///< Of an ordered knob a number, in its unit; else the label's text.
  };

  std::string_view name;
  Of of = Of::kPeriod;
  Kind kind = Kind::kNumber;
  std::string_view unit;
  std::string_view what;   ///< For docs/trace.md.
  int since = 1;           ///< TraceDescription::version in which it came.
  Range range = {};        ///< Of a number.
  bool always = false;     ///< No cell of it is empty.
  bool in_report = false;  ///< The report draws it.

  /// The cell of a record, and a record's part from a cell that is not empty: of the trace's
  /// application, knob, ... of that index. Nothing is put by what follows from other columns.
  /// @throws Error reading "expected ..., found ..." for a value that can't be.
  TraceValue (*get)(const PeriodRecord&, const TraceDescription&, std::size_t index) = nullptr;
  void (*put)(const TraceValue&, const TraceDescription&, std::size_t index,
              PeriodRecord&) = nullptr;
};

/// In the order of a trace; all of one application before those of the next.
std::span<const TraceColumn> trace_columns();

// Those that somebody asks for by name.
constexpr std::string_view kPeriodColumn = "period";
constexpr std::string_view kTimeColumn = "time_s";
constexpr std::string_view kExplorationColumn = "exploration";

/// A column of one trace.
struct TraceField {
  const TraceColumn* column;
  std::size_t index;  ///< Of the application, knob, budget rule, ...
  std::string name;
};

/// All of a trace, in their order.
std::vector<TraceField> fields_of(const TraceDescription& description);

/// What this is a column of, whatever the trace's applications, knobs, ... are; null if of nothing.
const TraceColumn* find_trace_column(std::string_view name);
/// Whether its cells are names: texts, and levels that have no order.
bool holds_names(const TraceColumn& column, std::string_view name);
/// Of a column of a family, what it is called after: `app` of `late.app`.
std::string_view member_of(const TraceColumn& column, std::string_view name);

}  // namespace rein
