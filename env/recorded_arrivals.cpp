#include "env/recorded_arrivals.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cmath>
#include <string>
#include <system_error>

#include "common/csv_table.hpp"
#include "common/error.hpp"
#include "common/files.hpp"

namespace rein {
namespace {

constexpr const char* kColumn = "arrival_s";
constexpr std::size_t kMostArrivals = 10'000'000;

}  // namespace

RecordedArrivals::RecordedArrivals(const std::vector<double>& times_s) {
  assert(times_s.size() >= 2 && times_s.back() > times_s.front());
  mean_gap_s_ = (times_s.back() - times_s.front()) / static_cast<double>(times_s.size() - 1);
  gaps_.reserve(times_s.size());
  for (std::size_t i = 1; i < times_s.size(); ++i) {
    gaps_.push_back((times_s[i] - times_s[i - 1]) / mean_gap_s_);
  }
  gaps_.push_back(1.0);
}

RecordedArrivals RecordedArrivals::read(const std::filesystem::path& file) {
  const std::string name = file.string();
  const CsvTable table = parse_csv(read_file(file), name);
  const auto column = std::ranges::find(table.columns, kColumn);
  if (column == table.columns.end()) {
    throw ConfigError(fmt::format("{}:1: expected the column {}, found none", name, kColumn));
  }
  const auto at = static_cast<std::size_t>(column - table.columns.begin());
  std::vector<double> times_s;
  for (const auto& row : table.rows) {
    const std::string& cell = row.cells[at];
    double time_s = 0.0;
    const char* const end = cell.data() + cell.size();
    const auto [stop, error] = std::from_chars(cell.data(), end, time_s);
    const auto refuse = [&](const std::string& expected) {
      throw ConfigError(fmt::format("{}:{}: {}: expected {}, found '{}'", name, row.line, kColumn,
                                    expected, cell));
    };
    if (error != std::errc{} || stop != end || !std::isfinite(time_s)) {
      refuse("a time in seconds");
    }
    if (!times_s.empty() && time_s < times_s.back()) {
      refuse(fmt::format("a time not before {}, that of the arrival before", times_s.back()));
    }
    times_s.push_back(time_s);
  }
  if (times_s.size() < 2 || !(times_s.back() > times_s.front())) {
    throw ConfigError(
        fmt::format("{}: expected at least two arrivals at different times, found {}{}", name,
                    times_s.size(), times_s.size() < 2 ? "" : " at the same"));
  }
  if (times_s.size() > kMostArrivals || !std::isfinite(times_s.back() - times_s.front())) {
    throw ConfigError(
        fmt::format("{}: expected at most {} arrivals in a time that is a number, "
                    "found {} from {} to {} s",
                    name, kMostArrivals, times_s.size(), times_s.front(), times_s.back()));
  }
  return RecordedArrivals(times_s);
}

std::size_t RecordedArrivals::find(double time_s) const {
  double passed_s = 0.0;
  for (std::size_t i = 0; i < gaps_.size(); ++i) {
    if (passed_s >= time_s) {
      return i;
    }
    passed_s += gaps_[i] * mean_gap_s_;
  }
  return 0;
}

}  // namespace rein
