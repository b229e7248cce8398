#pragma once

#include <fmt/format.h>

#include <ostream>
#include <vector>

#include "env/environment.hpp"
#include "env/period_record.hpp"
#include "env/trace_schema.hpp"

namespace rein {

/// Writes a trace.csv: a row for each control period. docs/trace.md describes the columns.
///
/// They are fixed by the description: a term of the reward that it does not name is in no column. A
/// value that is not known is an empty cell, never NaN. Text with commas or quotes is quoted.
class TraceWriter {
 public:
  /// `out` must outlive the writer.
  TraceWriter(TraceDescription description, std::ostream& out);
  TraceWriter(const Environment& environment, std::ostream& out)
      : TraceWriter(TraceDescription::of(environment), out) {}

  /// Before the first row comes the header. @throws Error if the row cannot be written.
  void write(const PeriodRecord& record);

 private:
  void write_row();

  TraceDescription description_;
  std::ostream& out_;
  std::vector<TraceField> fields_;
  fmt::memory_buffer row_;  ///< That is being written.
  bool has_header_ = false;
};

}  // namespace rein
