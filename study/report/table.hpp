#pragma once

#include <string>
#include <vector>

#include "study/report/run_results.hpp"

namespace rein::report {

/// A table that people read: names in its first column, numbers in the others.
struct Table {
  struct Cell {
    std::string text;
    bool best = false;       ///< The best value of its column.
    bool estimated = false;  ///< Rests on a signal that was not measured.
  };
  std::vector<std::string> headings;
  std::vector<std::vector<Cell>> rows;
};

/// Which end of a column is the good one.
enum class Better { kNeither, kLower, kHigher };

/// What stands where a number is not known.
inline constexpr const char* kUnknown = "–";

/// Marks the best of what is shown, unless all are the same.
void mark_best(const std::vector<Table::Cell*>& column, Better better);

/// One row a run. Labels are as long as the runs.
Table compare_runs(const std::vector<Run>& runs, const std::vector<std::string>& labels);

/// One row a phase of the scenario.
Table compare_phases(const Run& run);

/// Aligned columns, a line a row.
std::string to_text(const Table& table);

/// A <table>, everything escaped.
std::string to_html(const Table& table);

}  // namespace rein::report
