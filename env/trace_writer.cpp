#include "env/trace_writer.hpp"

#include <cerrno>
#include <cstring>
#include <iterator>
#include <utility>

#include "common/csv_table.hpp"
#include "common/error.hpp"

namespace rein {

namespace {

void append(const TraceValue& value, fmt::memory_buffer& row) {
  if (const auto* const number = std::get_if<double>(&value)) {
    fmt::format_to(std::back_inserter(row), "{:.9g}", *number);
  } else if (const auto* const count = std::get_if<std::uint64_t>(&value)) {
    fmt::format_to(std::back_inserter(row), "{}", *count);
  } else if (const auto* const text = std::get_if<std::string>(&value)) {
    fmt::format_to(std::back_inserter(row), "{}", csv_cell(*text));
  }
}

}  // namespace

TraceWriter::TraceWriter(TraceDescription description, std::ostream& out)
    : description_(std::move(description)), out_(out), fields_(fields_of(description_)) {}

void TraceWriter::write(const PeriodRecord& record) {
  if (!has_header_) {
    has_header_ = true;
    std::vector<std::string> names;
    names.reserve(fields_.size());
    for (const auto& field : fields_) {
      names.push_back(field.name);
    }
    out_ << csv_line(names);
  }
  row_.clear();
  for (const auto& field : fields_) {
    append(field.column->get(record, description_, field.index), row_);
    row_.push_back(',');
  }
  row_[row_.size() - 1] = '\n';
  write_row();
}

void TraceWriter::write_row() {
  errno = 0;
  out_.write(row_.data(), static_cast<std::streamsize>(row_.size()));
  out_.flush();
  if (!out_) {
    throw Error(fmt::format("trace.csv: a row cannot be written: {}",
                            errno == 0 ? "its file has failed before" : std::strerror(errno)));
  }
}

}  // namespace rein
