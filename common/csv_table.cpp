#include "common/csv_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <set>
#include <utility>

#include "common/error.hpp"
#include "common/printable.hpp"

namespace rein {
namespace {

class CsvParser {
 public:
  CsvParser(std::string_view text, const std::string& name, std::size_t first_line)
      : text_(text), name_(name), line_(first_line) {}

  bool at_end() const { return at_ == text_.size(); }

  CsvTable::Row row() {
    CsvTable::Row row{.line = line_, .cells = {}};
    cells_ += 2;  // A row itself takes as much as two cells.
    do {
      if (++cells_ > kMostCells) {
        fail(fmt::format("expected at most {} cells, found more", kMostCells));
      }
      row.cells.push_back(at_ < text_.size() && text_[at_] == '"' ? quoted_cell() : plain_cell());
    } while (take(','));
    take('\r');
    if (!at_end() && !take('\n')) {
      fail(fmt::format("expected ',' or the end of the line, found '{}'",
                       printable(text_.substr(at_, 1), 1)));
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

  /// A byte of the file can become a cell, which takes as much memory as many.
  static constexpr std::size_t kMostCells = 20'000'000;

  std::string_view text_;
  const std::string& name_;
  std::size_t cells_ = 0;
  std::size_t at_ = 0;
  std::size_t line_;
};

bool is_number(const std::string& text) {
  double value = 0.0;
  return std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc{};
}

}  // namespace

std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) {
    return text;
  }
  std::string cell = "\"";
  for (const char c : text) {
    cell += c;
    if (c == '"') {
      cell += c;
    }
  }
  return cell + "\"";
}

std::string csv_line(const std::vector<std::string>& texts) {
  std::vector<std::string> cells;
  std::ranges::transform(texts, std::back_inserter(cells), csv_cell);
  return fmt::format("{}\n", fmt::join(cells, ","));
}

CsvTable parse_csv(std::string_view text, const std::string& name, std::size_t first_line) {
  CsvParser parser(text, name, first_line);
  if (parser.at_end()) {
    parser.fail("expected a header with the columns' names, found nothing");
  }
  CsvTable table;
  table.columns = parser.row().cells;
  std::set<std::string> seen;
  for (const auto& column : table.columns) {
    if (column.empty() || is_number(column)) {
      parser.fail(first_line, fmt::format("expected a header with the columns' names, found '{}'",
                                          printable(column, 60)));
    }
    if (!seen.insert(column).second) {
      parser.fail(first_line, fmt::format("column '{}': expected each column once, found it twice",
                                          printable(column, 60)));
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
