#include "agent/core/checkpoint.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace rein {

namespace {

constexpr const char* kFormat = "rein agent";
constexpr std::int64_t kVersion = 2;

std::string describe_objective(const Objective& objective) {
  return objective.asks_for_power()
             ? fmt::format("{} of {}, which earns nothing at {}", objective.name(),
                           name_of(objective.signal), objective.reference)
             : objective.name();
}

void archive_version(Archive& archive) {
  std::int64_t version = kVersion;
  archive.count("version", version);
  if (version != kVersion) {
    archive.reject("version",
                   fmt::format("expected version {}, found '{}'{}", kVersion, version,
                               version < kVersion ? ": made by an earlier version; make a new one "
                                                    "(`rein train RUN.yaml`, docs/training.md)"
                                                  : ""));
  }
}

/// This run may ask for fewer than were asked for when it was learned.
void archive_powers(Archive& archive, const std::vector<PowerSignal>& asked) {
  std::vector<std::string> learned(asked.size());
  std::ranges::transform(asked, learned.begin(),
                         [](PowerSignal signal) { return std::string(name_of(signal)); });
  archive.texts("power_signals", learned);
  for (const PowerSignal signal : asked) {
    if (std::ranges::count(learned, name_of(signal)) == 0) {
      archive.reject("power_signals",
                     fmt::format("expected {}, which this run's budgets or objective ask for, "
                                 "found {}",
                                 name_of(signal), fmt::join(learned, ", ")));
    }
  }
}

void archive_rewards(Archive& archive, const TaskDescription& task) {
  archive.same("arrival", std::string(kArrivals[static_cast<std::size_t>(task.arrival)]));
  archive.same("objective", describe_objective(task.objective));
  archive.section("prices", [&task](Archive& prices) {
    for (const auto& rule : budget_rules()) {
      prices.same(rule.name(), task.prices[rule.kind]);
    }
  });
  archive_powers(archive, task.power_signals);
}

}  // namespace

std::vector<std::string> describe_knobs(const ActionSpace& actions) {
  std::vector<std::string> lines;
  for (const auto& knob : actions.knobs()) {
    std::vector<std::string> labels;
    for (const auto& level : knob.levels) {
      labels.push_back(level.label);
    }
    lines.push_back(fmt::format("{}: {}", knob.name, fmt::join(labels, " ")));
  }
  return lines;
}

void archive_header(Archive& archive, const std::string& kind, const Problem& problem,
                    LearnedOf learned, const std::function<void(Archive&)>& options) {
  archive.same("format", kFormat);
  archive_version(archive);
  archive.same("kind", kind);
  archive.section("for", [&](Archive& purpose) {
    purpose.same("knobs", describe_knobs(problem.actions));
    purpose.same("features", describe(problem.observations));
    purpose.same("period_s", problem.task.period_s);
    if (learned == LearnedOf::kRewards) {
      archive_rewards(purpose, problem.task);
    }
    if (options) {
      purpose.section("options", options);
    }
  });
}

}  // namespace rein
