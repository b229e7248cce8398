#include "study/training/recorded_trace.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <utility>

#include "common/error.hpp"
#include "common/files.hpp"
#include "env/trace_reader.hpp"

namespace rein {

namespace {

/// What a period earned says nothing of what it earns where something else is asked for.
void require_same_task(const TraceDescription& description, const TaskDescription& task,
                       const std::filesystem::path& file) {
  const auto require = [&file](const char* key, bool is_same, const std::string& expected,
                               const std::string& found) {
    if (!is_same) {
      throw ConfigError(fmt::format("{}: {}: expected {} as in this run, found {}", file.string(),
                                    key, expected, found));
    }
  };
  require("objective", description.objective == task.objective, task.objective.to_yaml(),
          description.objective.to_yaml());
  require("prices", description.prices == task.prices, task.prices.to_yaml(),
          description.prices.to_yaml());
  require("period_s", description.period_s == task.period_s, fmt::to_string(task.period_s),
          fmt::to_string(description.period_s));
}

}  // namespace

std::vector<PeriodRecord> read_transitions(const std::filesystem::path& path,
                                           const Problem& problem) {
  const std::filesystem::path file = is_folder(path) ? path / "trace.csv" : path;
  RecordedTrace trace = read_trace(file, problem.actions, problem.observations);
  if (trace.description.version > 1) {
    require_same_task(trace.description, problem.task, TraceDescription::path_of(file));
  }
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
