#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace rein {

/// A CSV file whose columns are known only when it is read: a header and rows of as many cells.
struct CsvTable {
  struct Row {
    std::size_t line;  ///< Where the row begins in the file, from 1.
    std::vector<std::string> cells;
  };
  std::vector<std::string> columns;
  std::vector<Row> rows;
};

/// `text` as a cell that parse_csv() reads back, in quotes if it needs them.
std::string csv_cell(const std::string& text);
/// Cells with commas between, and the line's end.
std::string csv_line(const std::vector<std::string>& texts);

/// Reads RFC 4180: a cell may be quoted, and then hold commas, line ends and doubled quotes. `name`
/// stands for the file in messages, `first_line` is the number of its first line there.
///
/// @throws ConfigError reading `file:line: ...` for a missing header, a column that is named twice,
///         a row with too few or too many cells, and a quoted cell that does not end.
CsvTable parse_csv(std::string_view text, const std::string& name, std::size_t first_line = 1);

}  // namespace rein
