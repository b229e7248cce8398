#include "common/csv_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "common/error.hpp"

namespace rein {
namespace {

class CsvParser {
 public:
  CsvParser(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  bool at_end() const { return at_ == text_.size(); }

  CsvTable::Row row() {
    CsvTable::Row row{.line = line_, .cells = {}};
    do {
      row.cells.push_back(at_ < text_.size() && text_[at_] == '"' ? quoted_cell() : plain_cell());
    } while (take(','));
    take('\r');
    if (!at_end() && !take('\n')) {
      fail(fmt::format("expected ',' or the end of the line, found '{}'", text_[at_]));
    }
    ++line_;
    return row;
  }

  [[noreturn]] void fail(const std::string& problem) const { fail(line_, problem); }
  [[noreturn]] void fail(std::size_t line, const std::string& problem) const {
    throw ConfigError(fmt::format("{}:{}: {}", name_, line, problem));
  }

 private:
  bool take(char wanted) {
    const bool found = at_ < text_.size() && text_[at_] == wanted;
    at_ += found ? 1 : 0;
    return found;
  }

  std::string plain_cell() {
    const std::size_t end = std::min(text_.find_first_of(",\r\n", at_), text_.size());
    const std::string_view cell = text_.substr(at_, end - at_);
    at_ = end;
    return std::string(cell);
  }

  std::string quoted_cell() {
    const std::size_t begin_line = line_;
    std::string cell;
    ++at_;
    for (; !at_end(); ++at_) {
      if (text_[at_] == '"' && text_.substr(at_ + 1, 1) != "\"") {
        ++at_;
        return cell;
      }
      at_ += text_[at_] == '"' ? 1 : 0;
      line_ += text_[at_] == '\n' ? 1 : 0;
      cell += text_[at_];
    }
    fail(begin_line, "expected the end of a quoted cell, found the end of the file");
  }

  std::string_view text_;
  const std::string& name_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
};

bool is_number(const std::string& text) {
  double value = 0.0;
  return std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc{};
}

}  // namespace

CsvTable parse_csv(std::string_view text, const std::string& name) {
  CsvParser parser(text, name);
  if (parser.at_end()) {
    parser.fail("expected a header with the columns' names, found nothing");
  }
  CsvTable table;
  table.columns = parser.row().cells;
  std::set<std::string> seen;
  for (const auto& column : table.columns) {
    if (column.empty() || is_number(column)) {
      parser.fail(1, fmt::format("expected a header with the columns' names, found '{}'", column));
    }
    if (!seen.insert(column).second) {
      parser.fail(1, fmt::format("column '{}': expected each column once, found it twice", column));
    }
  }
  while (!parser.at_end()) {
    CsvTable::Row row = parser.row();
    if (row.cells.size() != table.columns.size()) {
      parser.fail(row.line, fmt::format("expected {} cells, found {}", table.columns.size(),
                                        row.cells.size()));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace rein
