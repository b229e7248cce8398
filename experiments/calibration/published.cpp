#include "published.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <sstream>

#include "common/error.hpp"
#include "common/files.hpp"

namespace rein {

namespace {

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> parts;
  std::istringstream stream(line);
  for (std::string part; std::getline(stream, part, ',');) {
    parts.push_back(part);
  }
  return parts;
}

}  // namespace

const std::string& PublishedRow::text(const std::string& column) const {
  const auto cell = cells_.find(column);
  if (cell == cells_.end()) {
    throw Error(fmt::format("expected a column '{}' in a published table, found none", column));
  }
  return cell->second;
}

double PublishedRow::number(const std::string& column) const {
  const std::string& cell = text(column);
  std::size_t read = 0;
  double value = 0.0;
  try {
    value = std::stod(cell, &read);
  } catch (const std::exception&) {
    read = 0;
  }
  if (read == 0 || read != cell.size()) {
    throw Error(fmt::format("expected a number in column '{}', found '{}'", column, cell));
  }
  return value;
}

std::vector<PublishedRow> read_published(const std::filesystem::path& folder,
                                         const std::string& name) {
  const std::filesystem::path file = folder / (name + ".csv");
  std::istringstream stream(read_file(file));
  std::vector<std::string> columns;
  std::vector<PublishedRow> rows;
  std::size_t number = 0;
  for (std::string line; std::getline(stream, line);) {
    ++number;
    if (line.empty() || line.front() == '#') {
      continue;
    }
    const auto cells = split(line);
    if (columns.empty()) {
      columns = cells;
      continue;
    }
    if (cells.size() != columns.size()) {
      throw Error(fmt::format("{}:{}: expected {} cells, found {}", file.string(), number,
                              columns.size(), cells.size()));
    }
    std::map<std::string, std::string> row;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      row[columns[i]] = cells[i];
    }
    rows.emplace_back(std::move(row));
  }
  if (rows.empty()) {
    throw Error(fmt::format("{}: expected rows, found none", file.string()));
  }
  return rows;
}

}  // namespace rein
