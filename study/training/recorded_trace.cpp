#include "study/training/recorded_trace.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <utility>

#include "common/error.hpp"
#include "common/files.hpp"
#include "env/trace_reader.hpp"

namespace rein {

std::vector<PeriodRecord> read_transitions(const std::filesystem::path& path,
                                           const Problem& problem) {
  const std::filesystem::path file = is_folder(path) ? path / "trace.csv" : path;
  RecordedTrace trace = read_trace(file, problem.actions, problem.observations);
  if (trace.is_cut) {
    spdlog::warn("{}: its last line does not end, and is left out", file.string());
  }
  const std::size_t periods = trace.records.size();
  std::erase_if(trace.records,
                [](const PeriodRecord& record) { return record.result.observation.empty(); });
  if (trace.records.empty()) {
    throw ConfigError(fmt::format("{}: expected two periods or more{}, found {}", file.string(),
                                  periods > 1 ? " that follow each other" : "",
                                  periods > 1 ? "none" : std::to_string(periods)));
  }
  return std::move(trace.records);
}

}  // namespace rein
