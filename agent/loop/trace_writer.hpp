#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "env/environment.hpp"
#include "env/period_record.hpp"

namespace rein {

/// Writes one CSV row per control period. docs/trace.md describes the columns.
///
/// The columns are fixed by the environment and the first row: applications, signals, and the terms
/// of the reward in all phases that there can be.
/// A value that is not known is an empty cell, never NaN. Text with commas or quotes is quoted.
class TraceWriter {
 public:
  /// Both must outlive the writer.
  TraceWriter(const Environment& environment, std::ostream& out)
      : environment_(environment),
        out_(out),
        reward_terms_(environment.description().reward_terms) {}

  /// @throws Error if the row cannot be written.
  void write(const PeriodRecord& record);

 private:
  const Environment& environment_;
  std::ostream& out_;
  std::vector<std::string> reward_terms_;  ///< That there can be.
  std::vector<std::string> names_;         ///< Of the columns; empty before the first row.
};

}  // namespace rein
