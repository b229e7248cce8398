#include "study/calibration/measurement_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <system_error>
#include <utility>

#include "common/config_node.hpp"
#include "common/csv_table.hpp"
#include "common/error.hpp"
#include "common/files.hpp"
#include "common/random.hpp"

namespace rein {

namespace {

constexpr std::string_view kClock = "_mhz";
constexpr std::size_t kMostRows = 100'000;

/// Columns besides those of clocks.
const std::vector<std::string> kColumns = {
    "network",       "latency_ms", "kind",      "mflops",    "images",
    "device",        "threads",    "place",     "power_w",   "latency_sd_ms",
    "temperature_c", "ambient_c",  "co_runner", "held_back", "note"};

bool is_clock(const std::string& column) {
  const auto is_of_names = [](unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '-';
  };
  return column.ends_with(kClock) && column.size() > kClock.size() &&
         std::ranges::all_of(column, is_of_names);
}

void check_columns(const std::string& file, std::size_t line, const CsvTable& table) {
  const auto refuse = [&](const std::string& problem) {
    throw ConfigError(fmt::format("{}:{}: {}", file, line, problem));
  };
  for (const auto& column : table.columns) {
    if (!is_clock(column) && std::ranges::find(kColumns, column) == kColumns.end()) {
      refuse(fmt::format("column {}: expected <domain>_mhz, {}, found '{}'", column,
                         fmt::join(kColumns, ", "), column));
    }
  }
  for (const char* const required : {"network", "latency_ms"}) {
    if (std::ranges::find(table.columns, required) == table.columns.end()) {
      refuse(fmt::format("expected the column {}, found {}", required,
                         fmt::join(table.columns, ", ")));
    }
  }
  if (std::ranges::none_of(table.columns, is_clock)) {
    refuse(fmt::format("expected a column <domain>_mhz for each clock, as in gpu_mhz, found {}",
                       fmt::join(table.columns, ", ")));
  }
  if (table.rows.size() > kMostRows) {
    refuse(fmt::format("expected at most {} rows, found {}", kMostRows, table.rows.size()));
  }
}

/// Reads the cells of one row by their columns.
class Cells {
 public:
  Cells(const std::string& file, const CsvTable& table, const CsvTable::Row& row)
      : file_(file), table_(table), row_(row) {}

  /// Without blanks around it; empty if there is no such column.
  std::string text(const std::string& column) const {
    const auto found = std::ranges::find(table_.columns, column);
    if (found == table_.columns.end()) {
      return "";
    }
    const std::string& cell = row_.cells[static_cast<std::size_t>(found - table_.columns.begin())];
    const auto begin = cell.find_first_not_of(" \t");
    return begin == cell.npos ? "" : cell.substr(begin, cell.find_last_not_of(" \t") + 1 - begin);
  }

  std::optional<double> number(const std::string& column, const Range& range) const {
    const std::string cell = text(column);
    if (cell.empty()) {
      return std::nullopt;
    }
    double value = 0.0;
    const char* const end = cell.data() + cell.size();
    const auto [stop, error] = std::from_chars(cell.data(), end, value);
    if (error != std::errc{} || stop != end || !range.contains(value)) {
      fail(column, range.describe("a number"), cell);
    }
    return value;
  }

  double required(const std::string& column, const Range& range) const {
    const auto value = number(column, range);
    if (!value) {
      fail(column, range.describe("a number"), "");
    }
    return *value;
  }

  bool flag(const std::string& column) const {
    const std::string cell = text(column);
    const bool is_set = cell == "1" || cell == "yes" || cell == "true";
    if (!is_set && !cell.empty() && cell != "0" && cell != "no" && cell != "false") {
      fail(column, "yes, no, true, false, 1, 0 or nothing", cell);
    }
    return is_set;
  }

  [[noreturn]] void fail(const std::string& column, const std::string& expected,
                         const std::string& found) const {
    throw ConfigError(fmt::format("{}:{}: column {}: expected {}, found '{}'", file_, row_.line,
                                  column, expected, found));
  }

 private:
  const std::string& file_;
  const CsvTable& table_;
  const CsvTable::Row& row_;
};

MeasuredRow read_row(const Cells& cells, std::size_t line,
                     const std::vector<std::string>& domains) {
  MeasuredRow row;
  row.line = line;
  row.network = cells.text("network");
  row.kind = cells.text("kind");
  if (row.kind.empty()) {
    row.kind = row.network;
  }
  row.mflops = cells.number("mflops", Range::megaflops());
  row.images = cells.number("images", {.min = 1.0, .max = 1024.0}).value_or(1.0);
  row.device = cells.text("device");
  row.place = cells.text("place");
  const double threads = cells.number("threads", {.min = 1.0, .max = 4096.0}).value_or(1.0);
  if (threads != std::floor(threads)) {
    cells.fail("threads", "a whole number", cells.text("threads"));
  }
  row.threads = static_cast<int>(threads);
  for (const auto& domain : domains) {
    row.mhz.push_back(cells.required(domain + std::string(kClock), Range::megahertz()));
  }
  row.power_w = cells.number("power_w", Range::watts());
  row.latency_sd_ms = cells.number("latency_sd_ms", Range::milliseconds().or_zero());
  row.temperature_c = cells.number("temperature_c", Range::celsius());
  row.ambient_c = cells.number("ambient_c", {.min = -40.0, .max = 100.0, .unit = "degC"})
                      .value_or(row.ambient_c);
  row.co_runner = cells.text("co_runner");
  row.is_held_back = cells.flag("held_back");
  if (!row.network.empty()) {
    row.latency_ms = cells.required("latency_ms", Range::milliseconds());
  } else if (!cells.text("latency_ms").empty()) {
    cells.fail("network", "the name of what took this long", "");
  } else if (!row.power_w) {
    cells.fail("power_w", "the power of the idle machine, as no network is named", "");
  }
  return row;
}

/// What is behind the lines at the beginning that are comments, and how many these are.
std::pair<std::string, std::size_t> without_comments(const std::string& text) {
  std::size_t begin = 0;
  std::size_t lines = 0;
  while (begin < text.size() && text[begin] == '#') {
    const std::size_t end = text.find('\n', begin);
    begin = end == text.npos ? text.size() : end + 1;
    ++lines;
  }
  return {text.substr(begin), lines};
}

}  // namespace

MeasurementTable MeasurementTable::read(const std::filesystem::path& file) {
  return parse(read_file(file, kMostRecorded), file.string());
}

MeasurementTable MeasurementTable::parse(const std::string& text, const std::string& name) {
  const auto [rest, comments] = without_comments(text);
  MeasurementTable table;
  table.file = name;
  const CsvTable cells = parse_csv(rest, name, comments + 1);
  check_columns(name, comments + 1, cells);
  for (const auto& column : cells.columns) {
    if (is_clock(column)) {
      table.domains.push_back(column.substr(0, column.size() - kClock.size()));
    }
  }
  const auto has = [&cells](const char* column) {
    return std::ranges::find(cells.columns, column) != cells.columns.end();
  };
  table.has_mflops = has("mflops");
  table.has_held_back = has("held_back");
  table.has_ambient = has("ambient_c");
  for (const auto& row : cells.rows) {
    table.rows.push_back(read_row(Cells(name, cells, row), row.line, table.domains));
  }
  if (table.rows.empty()) {
    throw ConfigError(fmt::format("{}: expected at least one row, found none", name));
  }
  return table;
}

void MeasurementTable::hold_back(double share, std::uint64_t seed) {
  Random random(seed);
  std::map<std::string, std::vector<std::size_t>> of_network;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    of_network[rows[i].network].push_back(i);
  }
  for (auto& [network, indices] : of_network) {
    for (std::size_t i = indices.size(); i > 1; --i) {
      std::swap(indices[i - 1], indices[random.index(i)]);
    }
    const auto count =
        static_cast<std::size_t>(std::round(share * static_cast<double>(indices.size())));
    for (std::size_t i = 0; i < count; ++i) {
      rows[indices[i]].is_held_back = true;
    }
  }
}

}  // namespace rein
