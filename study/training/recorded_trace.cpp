#include "study/training/recorded_trace.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <cmath>
#include <optional>
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

/// The number that a feature shows, as far as a record has it beside what was seen.
std::optional<double> number_of(const Feature& feature, const Task& task) {
  const std::size_t index = feature.source.index;
  if (feature.source.kind == Source::Kind::kDeadline && index < task.applications.size()) {
    const auto& latency = task.applications[index].latency;
    return latency ? std::optional(latency->deadline_ms) : std::nullopt;
  }
  const bool is_power_limit = feature.source.kind == Source::Kind::kLimit &&
                              feature.source.budget == BudgetId::Kind::kPower;
  return is_power_limit && task.power ? std::optional(task.power->limit_w) : std::nullopt;
}

/// A trace without a description does not say on which scales agents saw it: an earlier version
/// showed other numbers under the same names.
void require_same_scales(const RecordedTrace& trace, const ObservationSpec& observations,
                         const std::filesystem::path& file) {
  constexpr double kRounding = 1e-6;  // Of what a trace writes.
  std::size_t line = 1;
  for (const PeriodRecord& record : trace.records) {
    ++line;
    for (std::size_t i = 0; i < record.observation.size(); ++i) {
      const Feature& feature = observations.features()[i];
      const auto number = number_of(feature, record.result.info.task);
      if (number && std::abs(feature.scale(*number) - record.observation[i]) > kRounding) {
        throw ConfigError(fmt::format(
            "{}:{}: observed.{}: expected {:.6g}, which is how this version shows {:g}, found {:g} "
            "(a trace of another version has to be recorded anew)",
            file.string(), line, feature.name, feature.scale(*number), *number,
            record.observation[i]));
      }
    }
  }
}

}  // namespace

std::vector<PeriodRecord> read_transitions(const std::filesystem::path& path,
                                           const Problem& problem) {
  const std::filesystem::path file = is_folder(path) ? path / "trace.csv" : path;
  RecordedTrace trace = read_trace(file, problem.actions, problem.observations);
  if (trace.description.version > 1) {
    require_same_task(trace.description, problem.task, TraceDescription::path_of(file));
  } else {
    require_same_scales(trace, problem.observations, file);
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
