#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/csv_table.hpp"
#include "env/action_space.hpp"
#include "env/observation_spec.hpp"
#include "env/period_record.hpp"
#include "env/trace_schema.hpp"

namespace rein {

/// The table of a trace. A last line that does not end, as a loss of power leaves one, is no row.
struct TraceTable {
  CsvTable table;
  bool is_cut = false;  ///< There was such a line.
};

/// @throws ConfigError as parse_csv() does.
TraceTable parse_trace_table(std::string_view text, const std::string& name);

/// The number in the cell `at` of a row, also of an ordered level or a count; nothing if it is
/// empty.
/// @pre not holds_names() of the column.
/// @throws ConfigError reading `name:line: column: expected ..., found ...`.
std::optional<double> read_number(const TraceColumn& column, const CsvTable& table, std::size_t row,
                                  std::size_t at, const std::string& name);

/// All that a trace holds.
struct RecordedTrace {
  TraceDescription description;  ///< What is beside it, or follows from its header.
  /// Of each row. Cells that are empty leave what they are of as it is in a new record: empty, or
  /// 0; in place of each latency stands what is told of them all. The observation that a period led
  /// to is the next row's, if that is the next period; else it is empty.
  std::vector<PeriodRecord> records;
  bool is_cut = false;  ///< As TraceTable::is_cut.
};

/// Reads a trace.csv with the trace.yaml beside it: nothing else is needed.
/// @throws ConfigError naming file, line and column or key for what is missing or wrong, or for a
///         column that trace.yaml asks for and trace.csv has not.
RecordedTrace read_trace(const std::filesystem::path& file);

/// The same for who acts and sees like this, also without a trace.yaml: the records' actions and
/// observations are of these knobs and features.
/// @throws ConfigError also for other knobs, levels or features.
RecordedTrace read_trace(const std::filesystem::path& file, const ActionSpace& actions,
                         const ObservationSpec& observations);

/// @throws ConfigError naming a column that a trace of this description must have, and has not.
void require_columns(const std::vector<std::string>& columns, const TraceDescription& description,
                     const std::string& name);

}  // namespace rein
