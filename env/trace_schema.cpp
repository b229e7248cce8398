#include "env/trace_schema.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <iterator>
#include <optional>
#include <utility>

#include "common/error.hpp"
#include "common/statistics.hpp"
#include "env/worth.hpp"
#include "platform/quantities.hpp"

namespace rein {

namespace {

using Of = TraceColumn::Of;
using Kind = TraceColumn::Kind;
using Description = TraceDescription;

TraceValue from(std::optional<double> value) { return value ? TraceValue(*value) : TraceValue{}; }
TraceValue from(std::string_view text) {
  return text.empty() ? TraceValue{} : TraceValue(std::string(text));
}
double number(const TraceValue& value) { return std::get<double>(value); }
std::uint64_t count(const TraceValue& value) { return std::get<std::uint64_t>(value); }
const std::string& text(const TraceValue& value) { return std::get<std::string>(value); }

/// Names with `;` between; one that holds one has `\` before it.
template <typename Names>
std::string join(const Names& names) {
  std::string joined;
  for (const std::string& name : names) {
    joined += joined.empty() ? "" : ";";
    for (const char c : name) {
      if (c == ';' || c == '\\') {
        joined += '\\';
      }
      joined += c;
    }
  }
  return joined;
}

std::vector<std::string> split(const std::string& joined) {
  std::vector<std::string> names(1);
  for (std::size_t i = 0; i < joined.size(); ++i) {
    if (joined[i] == ';') {
      names.emplace_back();
      continue;
    }
    i += joined[i] == '\\' && i + 1 < joined.size() ? 1 : 0;
    names.back() += joined[i];
  }
  return names;
}

/// The index of what is called so. @throws Error listing `what` there is.
template <typename Items, typename Name>
std::size_t find_named(const Items& items, const std::string& name, Name Items::value_type::*of,
                       const char* what) {
  const auto found = std::ranges::find(items, name, of);
  if (found == items.end()) {
    std::vector<std::string> names;
    std::ranges::transform(items, std::back_inserter(names), of);
    throw Error(fmt::format("expected {} ({}), found '{}'", what, fmt::join(names, ", "), name));
  }
  return static_cast<std::size_t>(found - items.begin());
}

template <std::size_t kSize>
std::size_t find_named(const std::array<std::string_view, kSize>& names, const std::string& name) {
  const auto* const found = std::ranges::find(names, name);
  if (found == names.end()) {
    throw Error(fmt::format("expected one of {}, found '{}'", fmt::join(names, ", "), name));
  }
  return static_cast<std::size_t>(found - names.begin());
}

// Of a period.

Duration microseconds(const TraceValue& value) {
  return std::chrono::round<Duration>(std::chrono::duration<double, std::micro>(number(value)));
}

// Of applications.

const ServiceReport* service_of(const PeriodRecord& record, std::size_t index) {
  const auto& applications = record.result.info.applications;
  return index < applications.size() ? &applications[index].service : nullptr;
}
ServiceReport& service_of(PeriodRecord& record, std::size_t index) {
  return record.result.info.applications[index].service;
}

const ApplicationTask* task_of(const PeriodRecord& record, std::size_t index) {
  const auto& applications = record.result.info.task.applications;
  return index < applications.size() ? &applications[index] : nullptr;
}
ApplicationTask& task_of(PeriodRecord& record, std::size_t index) {
  return record.result.info.task.applications[index];
}

/// Of a budget, if there is one.
template <typename Budget>
TraceValue part_of(const std::optional<Budget>* budget, double Budget::*part) {
  return budget != nullptr && *budget ? TraceValue((**budget).*part) : TraceValue{};
}
template <typename Budget>
void put_part(const TraceValue& value, std::optional<Budget>& budget, double Budget::*part) {
  if (budget) {
    (*budget).*part = number(value);
  }
}

template <auto kBudget, auto kPart>
TraceValue get_of_task(const PeriodRecord& record, const Description&, std::size_t index) {
  const ApplicationTask* const task = task_of(record, index);
  return part_of(task != nullptr ? &(task->*kBudget) : nullptr, kPart);
}
/// The first part, without which there is no budget.
template <auto kBudget, auto kPart>
void make_in_task(const TraceValue& value, const Description&, std::size_t index,
                  PeriodRecord& record) {
  ((task_of(record, index).*kBudget).emplace()).*kPart = number(value);
}
template <auto kBudget, auto kPart>
void put_in_task(const TraceValue& value, const Description&, std::size_t index,
                 PeriodRecord& record) {
  put_part(value, task_of(record, index).*kBudget, kPart);
}

template <std::size_t ServiceReport::*kCount>
TraceValue get_count(const PeriodRecord& record, const Description&, std::size_t index) {
  const ServiceReport* const service = service_of(record, index);
  return service != nullptr ? TraceValue(std::uint64_t{service->*kCount}) : TraceValue{};
}
template <std::size_t ServiceReport::*kCount>
void put_count(const TraceValue& value, const Description&, std::size_t index,
               PeriodRecord& record) {
  service_of(record, index).*kCount = count(value);
}
template <double ServiceReport::*kNumber>
TraceValue get_number(const PeriodRecord& record, const Description&, std::size_t index) {
  const ServiceReport* const service = service_of(record, index);
  return service != nullptr ? TraceValue(service->*kNumber) : TraceValue{};
}
template <double ServiceReport::*kNumber>
void put_number(const TraceValue& value, const Description&, std::size_t index,
                PeriodRecord& record) {
  service_of(record, index).*kNumber = number(value);
}

template <std::optional<double> LatencyFigures::*kFigure>
void put_latency(const TraceValue& value, const Description&, std::size_t index,
                 PeriodRecord& record) {
  service_of(record, index).told.*kFigure = number(value);
}
template <std::optional<double> LatencyFigures::*kFigure, int kPerCent>
TraceValue get_latency(const PeriodRecord& record, const Description&, std::size_t index) {
  const ServiceReport* const service = service_of(record, index);
  if (service == nullptr || service->served == 0) {
    return {};
  }
  return service->latencies_ms.empty() ? from(service->told.*kFigure)
                                       : quantile(service->latencies_ms, 1e-2 * kPerCent);
}

// Of knobs.

std::size_t nearest_level(const Knob& knob, double value) {
  const auto nearest = std::ranges::min_element(
      knob.levels, {}, [value](const Knob::Level& level) { return std::abs(level.value - value); });
  return static_cast<std::size_t>(nearest - knob.levels.begin());
}

/// The level that a cell names: by its value, as far as a trace says it, where there is an order;
/// else by its label.
std::size_t find_level(const Knob& knob, const std::string& cell) {
  char* end = nullptr;
  const double value = std::strtod(cell.c_str(), &end);
  if (knob.effect() != Knob::Effect::kUnordered && !cell.empty() && *end == '\0') {
    const std::size_t level = nearest_level(knob, value);
    if (std::abs(knob.levels[level].value - value) <= 1e-6 * std::abs(value)) {
      return level;
    }
  }
  return find_named(knob.levels, cell, &Knob::Level::label, "a level of this run");
}

TraceValue level_of(const Action& action, const Description& of, std::size_t knob) {
  if (knob >= action.size()) {
    return {};
  }
  const Knob::Level& level = of.knobs[knob].levels[action[knob]];
  return of.knobs[knob].effect() == Knob::Effect::kUnordered ? from(level.label)
                                                             : TraceValue(level.value);
}

/// What was granted, as far as nothing else is said: what was set.
std::vector<KnobGrant>& grants_of(PeriodRecord& record, const Description& of) {
  auto& granted = record.result.info.granted;
  for (std::size_t i = granted.size(); i < of.knobs.size(); ++i) {
    const std::size_t level = record.action[i];
    granted.push_back(
        {.label = of.knobs[i].levels[level].label, .level = level, .value = std::nullopt});
  }
  return granted;
}

TraceValue get_granted(const PeriodRecord& record, const Description& of, std::size_t knob) {
  const auto& granted = record.result.info.granted;
  if (knob >= granted.size()) {
    return {};
  }
  return of.knobs[knob].effect() == Knob::Effect::kUnordered ? from(granted[knob].label)
                                                             : from(granted[knob].value);
}

void put_granted(const TraceValue& value, const Description& of, std::size_t index,
                 PeriodRecord& record) {
  const Knob& knob = of.knobs[index];
  KnobGrant& grant = grants_of(record, of)[index];
  if (knob.effect() == Knob::Effect::kUnordered) {
    grant.level = find_level(knob, text(value));
  } else {
    char* end = nullptr;
    const double granted = std::strtod(text(value).c_str(), &end);
    if (*end != '\0' || !Range{}.contains(granted)) {
      throw Error(fmt::format("expected a number, found '{}'", text(value)));
    }
    grant.value = granted;
    grant.level = nearest_level(knob, granted);
  }
  grant.label = knob.levels[grant.level].label;
}

// Of the machine's budgets.

template <auto kBudget, auto kPart>
TraceValue get_part(const PeriodRecord& record, const Description&, std::size_t) {
  return part_of(&(record.result.info.task.*kBudget), kPart);
}
template <auto kBudget, auto kPart>
void put_part(const TraceValue& value, const Description&, std::size_t, PeriodRecord& record) {
  put_part(value, record.result.info.task.*kBudget, kPart);
}
template <auto kBudget>
TraceValue get_signal(const PeriodRecord& record, const Description&, std::size_t) {
  const auto& budget = record.result.info.task.*kBudget;
  return budget ? from(name_of(budget->signal)) : TraceValue{};
}
template <auto kBudget>
void put_signal(const TraceValue& value, const Description&, std::size_t, PeriodRecord& record) {
  const std::size_t signal = find_named(kPowerSignals, text(value));
  if (auto& budget = record.result.info.task.*kBudget) {
    budget->signal = static_cast<PowerSignal>(signal);
  }
}

/// "It is told, but follows from other columns."
constexpr auto kNothing = nullptr;

constexpr std::array kColumns{
    TraceColumn{.name = kPeriodColumn,
                .kind = Kind::kCount,
                .unit = "",
                .what = "number of the period, from 0",
                .always = true,
                .in_report = true,
                .get = [](const PeriodRecord& record, const Description&,
                          std::size_t) { return TraceValue(record.index); },
                .put = [](const TraceValue& value, const Description&, std::size_t,
                          PeriodRecord& record) { record.index = count(value); }},
    TraceColumn{.name = "episode",
                .kind = Kind::kCount,
                .unit = "",
                .what = "number of the episode that it is a period of, from 0",
                .since = 2,
                .always = true,
                .get = [](const PeriodRecord& record, const Description&,
                          std::size_t) { return TraceValue(record.episode); },
                .put = [](const TraceValue& value, const Description&, std::size_t,
                          PeriodRecord& record) { record.episode = count(value); }},
    TraceColumn{.name = kTimeColumn,
                .unit = "s",
                .what = "its start, since the start of the episode",
                .range = Range::non_negative(),
                .in_report = true,
                .get = [](const PeriodRecord& record, const Description&,
                          std::size_t) { return TraceValue(record.result.info.time_s); },
                .put = [](const TraceValue& value, const Description&, std::size_t,
                          PeriodRecord& record) { record.result.info.time_s = number(value); }},
    TraceColumn{.name = "interval_s",
                .unit = "s",
                .what = "how long it was: a request that runs on past the end lengthens it",
                .range = Range::non_negative(),
                .get = [](const PeriodRecord& record, const Description&,
                          std::size_t) { return TraceValue(record.result.info.interval_s); },
                .put = [](const TraceValue& value, const Description&, std::size_t,
                          PeriodRecord& record) { record.result.info.interval_s = number(value); }},
    TraceColumn{.name = "phase",
                .kind = Kind::kText,
                .unit = "",
                .what = "of the scenario",
                .in_report = true,
                .get = [](const PeriodRecord& record, const Description&,
                          std::size_t) { return from(record.result.info.phase); },
                .put = [](const TraceValue& value, const Description&, std::size_t,
                          PeriodRecord& record) { record.result.info.phase = text(value); }},
    TraceColumn{
        .name = "co_runners",
        .kind = Kind::kText,
        .unit = "",
        .what = "those that ran at its end, joined with `;` (a `;` in a name is `\\;`)",
        .in_report = true,
        .get = [](const PeriodRecord& record, const Description&,
                  std::size_t) { return from(join(record.result.info.co_runners)); },
        .put = [](const TraceValue& value, const Description&, std::size_t,
                  PeriodRecord& record) { record.result.info.co_runners = split(text(value)); }},
    TraceColumn{.name = "",
                .of = Of::kKnob,
                .kind = Kind::kLevel,
                .unit = "as the knob",
                .what = "the level that was set, which a shield may have chosen: of "
                        "`width.<app>` the share, of `mapping.<app>` the place's name, of "
                        "`frequency.<domain>` MHz, of `bandwidth.<domain>` the CPU time that the "
                        "applications may use a second, in CPUs",
                .always = true,
                .in_report = true,
                .get = [](const PeriodRecord& record, const Description& of,
                          std::size_t knob) { return level_of(record.action, of, knob); },
                .put =
                    [](const TraceValue& value, const Description& of, std::size_t knob,
                       PeriodRecord& record) {
                      record.action[knob] = find_level(of.knobs[knob], text(value));
                      record.decision.action[knob] = record.action[knob];
                    }},
    TraceColumn{.name = "asked.",
                .of = Of::kKnob,
                .kind = Kind::kLevel,
                .unit = "as the knob",
                .what = "the level that the policy asked for, before a shield",
                .since = 2,
                .always = true,
                .get = [](const PeriodRecord& record, const Description& of,
                          std::size_t knob) { return level_of(record.decision.action, of, knob); },
                .put =
                    [](const TraceValue& value, const Description& of, std::size_t knob,
                       PeriodRecord& record) {
                      record.decision.action[knob] = find_level(of.knobs[knob], text(value));
                    }},
    TraceColumn{.name = "granted.",
                .of = Of::kMachineKnob,
                .kind = Kind::kLevel,
                .unit = "as the knob",
                .what = "what the machine says is in force at the period's end",
                .get = get_granted,
                .put = put_granted},
    TraceColumn{
        .name = "refused",
        .kind = Kind::kText,
        .unit = "",
        .what = "knobs that the machine did not take, joined with `;` (see "
                "[giving-back](giving-back.md))",
        .get =
            [](const PeriodRecord& record, const Description& of, std::size_t) {
              std::vector<std::string> refused;
              const auto& granted = record.result.info.granted;
              for (std::size_t i = 0; i < granted.size(); ++i) {
                if (granted[i].refused) {
                  refused.push_back(of.knobs[i].name);
                }
              }
              return from(join(refused));
            },
        .put =
            [](const TraceValue& value, const Description& of, std::size_t, PeriodRecord& record) {
              for (const auto& name : split(text(value))) {
                const std::size_t knob =
                    find_named(of.knobs, name, &Knob::name, "a knob of this run");
                grants_of(record, of)[knob].refused = true;
              }
            }},
    TraceColumn{
        .name = "changed",
        .kind = Kind::kFlag,
        .unit = "0 or 1",
        .what = "a shield or a refusal made something else of what was asked for: "
                "`probability` says nothing of what was in force",
        .since = 2,
        .always = true,
        .get = [](const PeriodRecord& record, const Description&,
                  std::size_t) { return TraceValue(std::uint64_t{record.is_changed() ? 1U : 0U}); },
        .put = kNothing},
    TraceColumn{.name = "deadline_ms",
                .of = Of::kApplication,
                .unit = "ms",
                .what = "of the latency budget in force: later requests are late",
                .range = Range::positive(),
                .in_report = true,
                .get = get_of_task<&ApplicationTask::latency, &LatencyBudget::deadline_ms>,
                .put = make_in_task<&ApplicationTask::latency, &LatencyBudget::deadline_ms>},
    TraceColumn{.name = "miss_rate_limit",
                .of = Of::kApplication,
                .unit = "share",
                .what = "of the latency budget: how many requests may be late or dropped",
                .range = Range::share(),
                .in_report = true,
                .get = get_of_task<&ApplicationTask::latency, &LatencyBudget::miss_rate>,
                .put = put_in_task<&ApplicationTask::latency, &LatencyBudget::miss_rate>},
    TraceColumn{.name = "accuracy_limit",
                .of = Of::kApplication,
                .unit = "share",
                .what = "the floor on the mean top-1 of what was served, if there is one",
                .since = 2,
                .range = Range::share(),
                .get = get_of_task<&ApplicationTask::accuracy, &AccuracyBudget::min_top1>,
                .put = make_in_task<&ApplicationTask::accuracy, &AccuracyBudget::min_top1>},
    TraceColumn{.name = "accuracy_window_s",
                .of = Of::kApplication,
                .unit = "s",
                .what = "over which that mean is taken",
                .since = 2,
                .range = Range::positive(),
                .get = get_of_task<&ApplicationTask::accuracy, &AccuracyBudget::window_s>,
                .put = put_in_task<&ApplicationTask::accuracy, &AccuracyBudget::window_s>},
    TraceColumn{.name = "arrival",
                .of = Of::kApplication,
                .kind = Kind::kText,
                .unit = "",
                .what = "how requests arrive: `periodic`, `poisson`, `closed_loop` or `recorded`",
                .since = 2,
                .get =
                    [](const PeriodRecord& record, const Description&, std::size_t index) {
                      const ApplicationTask* const task = task_of(record, index);
                      return task != nullptr
                                 ? from(kArrivals[static_cast<std::size_t>(task->arrival)])
                                 : TraceValue{};
                    },
                .put =
                    [](const TraceValue& value, const Description&, std::size_t index,
                       PeriodRecord& record) {
                      task_of(record, index).arrival =
                          static_cast<RequestSpec::Arrival>(find_named(kArrivals, text(value)));
                    }},
    TraceColumn{
        .name = "rate_hz",
        .of = Of::kApplication,
        .unit = "Hz",
        .what = "requests a second that are to be expected; in a closed loop those that "
                "were served lately",
        .since = 2,
        .range = Range::positive(),
        .get =
            [](const PeriodRecord& record, const Description&, std::size_t index) {
              const ApplicationTask* const task = task_of(record, index);
              return task != nullptr ? from(task->rate_hz) : TraceValue{};
            },
        .put = [](const TraceValue& value, const Description&, std::size_t index,
                  PeriodRecord& record) { task_of(record, index).rate_hz = number(value); }},
    TraceColumn{.name = "arrived",
                .of = Of::kApplication,
                .kind = Kind::kCount,
                .unit = "requests",
                .what = "that arrived in the period",
                .in_report = true,
                .get = get_count<&ServiceReport::arrived>,
                .put = put_count<&ServiceReport::arrived>},
    TraceColumn{.name = "served",
                .of = Of::kApplication,
                .kind = Kind::kCount,
                .unit = "requests",
                .what = "that ended in it",
                .in_report = true,
                .get = get_count<&ServiceReport::served>,
                .put = put_count<&ServiceReport::served>},
    TraceColumn{.name = "late",
                .of = Of::kApplication,
                .kind = Kind::kCount,
                .unit = "requests",
                .what = "of those served: ended after the deadline",
                .in_report = true,
                .get = get_count<&ServiceReport::late>,
                .put = put_count<&ServiceReport::late>},
    TraceColumn{.name = "dropped",
                .of = Of::kApplication,
                .kind = Kind::kCount,
                .unit = "requests",
                .what = "never served",
                .in_report = true,
                .get = get_count<&ServiceReport::dropped>,
                .put = put_count<&ServiceReport::dropped>},
    TraceColumn{.name = "queue",
                .of = Of::kApplication,
                .kind = Kind::kCount,
                .unit = "requests",
                .what = "waiting at the end",
                .in_report = true,
                .get = get_count<&ServiceReport::queued>,
                .put = put_count<&ServiceReport::queued>},
    TraceColumn{.name = "waited_ms",
                .of = Of::kApplication,
                .unit = "ms",
                .what = "for how long the oldest of those has waited",
                .since = 2,
                .range = Range::non_negative(),
                .get = get_number<&ServiceReport::waited_ms>,
                .put = put_number<&ServiceReport::waited_ms>},
    TraceColumn{.name = "busy_ms",
                .of = Of::kApplication,
                .unit = "ms",
                .what = "for which those served were worked at: the sum of their latencies "
                        "without the waiting",
                .since = 2,
                .range = Range::non_negative(),
                .get = get_number<&ServiceReport::busy_ms>,
                .put = put_number<&ServiceReport::busy_ms>},
    TraceColumn{
        .name = "latency_mean_ms",
        .of = Of::kApplication,
        .unit = "ms",
        .what = "of those served, from arrival to end",
        .range = Range::non_negative(),
        .in_report = true,
        .get = [](const PeriodRecord& record, const Description&, std::size_t index) -> TraceValue {
          const ServiceReport* const service = service_of(record, index);
          if (service == nullptr || service->served == 0) {
            return {};
          }
          return service->latencies_ms.empty() ? from(service->told.mean)
                                               : mean(service->latencies_ms);
        },
        .put = put_latency<&LatencyFigures::mean>},
    TraceColumn{.name = "latency_p50_ms",
                .of = Of::kApplication,
                .unit = "ms",
                .what = "the same: a quantile, by nearest rank",
                .range = Range::non_negative(),
                .in_report = true,
                .get = get_latency<&LatencyFigures::p50, 50>,
                .put = put_latency<&LatencyFigures::p50>},
    TraceColumn{.name = "latency_p95_ms",
                .of = Of::kApplication,
                .unit = "ms",
                .what = "like `latency_p50_ms`",
                .range = Range::non_negative(),
                .in_report = true,
                .get = get_latency<&LatencyFigures::p95, 95>,
                .put = put_latency<&LatencyFigures::p95>},
    TraceColumn{.name = "latency_p99_ms",
                .of = Of::kApplication,
                .unit = "ms",
                .what = "like `latency_p50_ms`",
                .range = Range::non_negative(),
                .in_report = true,
                .get = get_latency<&LatencyFigures::p99, 99>,
                .put = put_latency<&LatencyFigures::p99>},
    TraceColumn{.name = "latency_max_ms",
                .of = Of::kApplication,
                .unit = "ms",
                .what = "of those served, the longest",
                .range = Range::non_negative(),
                .in_report = true,
                .get = get_latency<&LatencyFigures::max, 100>,
                .put = put_latency<&LatencyFigures::max>},
    TraceColumn{
        .name = "accuracy_top1",
        .of = Of::kApplication,
        .unit = "share",
        .what = "mean over those served of the level's top-1 from its table",
        .range = Range::share(),
        .in_report = true,
        .get = [](const PeriodRecord& record, const Description&, std::size_t index) -> TraceValue {
          const ServiceReport* const service = service_of(record, index);
          if (service == nullptr || service->served == 0) {
            return {};
          }
          return service->accuracy_sum / static_cast<double>(service->served);
        },
        .put =
            [](const TraceValue& value, const Description&, std::size_t index,
               PeriodRecord& record) {
              ServiceReport& service = service_of(record, index);
              service.accuracy_sum = number(value) * static_cast<double>(service.served);
            }},
    TraceColumn{.name = "images",
                .of = Of::kApplication,
                .kind = Kind::kCount,
                .unit = "images",
                .what = "that those served held",
                .since = 2,
                .get = get_count<&ServiceReport::images>,
                .put = put_count<&ServiceReport::images>},
    TraceColumn{
        .name = "accuracy_measured",
        .of = Of::kApplication,
        .unit = "share",
        .what = "of those images, classified rightly",
        .range = Range::share(),
        .in_report = true,
        .get = [](const PeriodRecord& record, const Description&, std::size_t index) -> TraceValue {
          const ServiceReport* const service = service_of(record, index);
          if (service == nullptr || service->served == 0 || service->images == 0) {
            return {};
          }
          return static_cast<double>(service->correct) / static_cast<double>(service->images);
        },
        .put =
            [](const TraceValue& value, const Description&, std::size_t index,
               PeriodRecord& record) {
              ServiceReport& service = service_of(record, index);
              service.correct = static_cast<std::size_t>(
                  std::round(number(value) * static_cast<double>(service.images)));
            }},
    TraceColumn{.name = "",
                .of = Of::kLimit,
                .unit = "as the budget",
                .what = "the limit of each of the machine's budgets, as follows",
                .in_report = true,
                .get =
                    [](const PeriodRecord& record, const Description&, std::size_t rule) {
                      return from(budget_rules()[rule].limit(record.result.info.task, 0));
                    },
                .put =
                    [](const TraceValue& value, const Description&, std::size_t rule,
                       PeriodRecord& record) {
                      budget_rules()[rule].column.put(record.result.info.task, number(value));
                    }},
    TraceColumn{.name = "power_window_s",
                .unit = "s",
                .what = "over which its mean is taken",
                .since = 2,
                .range = Range::positive(),
                .get = get_part<&Task::power, &PowerBudget::window_s>,
                .put = put_part<&Task::power, &PowerBudget::window_s>},
    TraceColumn{.name = "power_signal",
                .kind = Kind::kText,
                .unit = "",
                .what = "which judges it: `power_w` or `power_ours_w`",
                .since = 2,
                .get = get_signal<&Task::power>,
                .put = put_signal<&Task::power>},
    TraceColumn{.name = "energy_window_s",
                .unit = "s",
                .what = "over which its mean is taken",
                .since = 2,
                .range = Range::positive(),
                .get = get_part<&Task::energy, &EnergyBudget::window_s>,
                .put = put_part<&Task::energy, &EnergyBudget::window_s>},
    TraceColumn{.name = "energy_signal",
                .kind = Kind::kText,
                .unit = "",
                .what = "which judges it, like `power_signal`",
                .since = 2,
                .get = get_signal<&Task::energy>,
                .put = put_signal<&Task::energy>},
    TraceColumn{
        .name = "energy_total_j",
        .unit = "J",
        .what = "what the battery held at the start; without one empty",
        .since = 2,
        .range = Range::positive(),
        .get =
            [](const PeriodRecord& record, const Description&, std::size_t) {
              const auto& energy = record.result.info.task.energy;
              return energy ? from(energy->total_j) : TraceValue{};
            },
        .put =
            [](const TraceValue& value, const Description&, std::size_t, PeriodRecord& record) {
              Task& task = record.result.info.task;
              if (task.energy) {
                task.energy->total_j = number(value);
                task.battery_allowance_w = std::exchange(task.energy->limit_mj, {});
              }
            }},
    TraceColumn{.name = "energy_horizon_s",
                .unit = "s",
                .what = "for how long it has to last",
                .since = 2,
                .range = Range::positive(),
                .get =
                    [](const PeriodRecord& record, const Description&, std::size_t) {
                      const auto& energy = record.result.info.task.energy;
                      return energy && energy->total_j ? TraceValue(energy->horizon_s)
                                                       : TraceValue{};
                    },
                .put = put_part<&Task::energy, &EnergyBudget::horizon_s>},
    TraceColumn{
        .name = "",
        .of = Of::kSignal,
        .unit = "as the signal",
        .what = "each signal of the machine, as follows",
        .get =
            [](const PeriodRecord& record, const Description&, std::size_t index) {
              const auto& signals = record.result.info.signals;
              return index < signals.size() ? from(signals[index]) : TraceValue{};
            },
        .put = [](const TraceValue& value, const Description&, std::size_t index,
                  PeriodRecord& record) { record.result.info.signals[index] = number(value); }},
    TraceColumn{
        .name = "stale",
        .kind = Kind::kText,
        .unit = "",
        .what = "signals whose value was measured before the period began, joined with `;`",
        .get =
            [](const PeriodRecord& record, const Description& of, std::size_t) {
              std::vector<std::string> stale;
              for (const std::size_t i : record.result.info.stale) {
                stale.push_back(of.signals[i].name);
              }
              return from(join(stale));
            },
        .put =
            [](const TraceValue& value, const Description& of, std::size_t, PeriodRecord& record) {
              for (const auto& name : split(text(value))) {
                record.result.info.stale.push_back(find_named(
                    of.signals, name, &SignalDescription::name, "a signal of this trace"));
              }
            }},
    TraceColumn{.name = "reward",
                .unit = "",
                .what = "the sum of the `reward_*` columns",
                .always = true,
                .in_report = true,
                .get = [](const PeriodRecord& record, const Description&,
                          std::size_t) { return TraceValue(record.result.reward); },
                .put = [](const TraceValue& value, const Description&, std::size_t,
                          PeriodRecord& record) { record.result.reward = number(value); }},
    TraceColumn{
        .name = "reward_",
        .of = Of::kRewardTerm,
        .unit = "",
        .what = "`reward_objective`: in [0, 1]; `reward_latency.<app>`, `reward_power`, "
                "...: minus price times violation, for each budget that some phase of the "
                "run has; empty while it is not in force",
        .in_report = true,
        .get =
            [](const PeriodRecord& record, const Description& of, std::size_t index) {
              const auto& terms = record.result.info.reward_terms;
              const auto found =
                  std::ranges::find(terms, of.reward_terms[index], &RewardTerm::name);
              return found != terms.end() ? TraceValue(found->value) : TraceValue{};
            },
        .put =
            [](const TraceValue& value, const Description& of, std::size_t index,
               PeriodRecord& record) {
              record.result.info.reward_terms.push_back({of.reward_terms[index], number(value)});
            }},
    TraceColumn{.name = kExplorationColumn,
                .unit = "share",
                .what = "chance that the choice was an exploring one",
                .range = Range::share(),
                .in_report = true,
                .get = [](const PeriodRecord& record, const Description&,
                          std::size_t) { return TraceValue(record.decision.exploration); },
                .put = [](const TraceValue& value, const Description&, std::size_t,
                          PeriodRecord& record) { record.decision.exploration = number(value); }},
    TraceColumn{.name = "explored",
                .kind = Kind::kFlag,
                .unit = "0 or 1",
                .what = "it was: what was asked for is not what the agent believes best",
                .in_report = true,
                .get =
                    [](const PeriodRecord& record, const Description&, std::size_t) {
                      return TraceValue(std::uint64_t{record.decision.explored ? 1U : 0U});
                    },
                .put = [](const TraceValue& value, const Description&, std::size_t,
                          PeriodRecord& record) { record.decision.explored = count(value) != 0; }},
    TraceColumn{.name = "probability",
                .unit = "share",
                .what = "chance with which the action that was asked for was drawn, of all that "
                        "were allowed",
                .since = 2,
                .range = Range::share(),
                .always = true,
                .get = [](const PeriodRecord& record, const Description&,
                          std::size_t) { return from(record.decision.probability); },
                .put = [](const TraceValue& value, const Description&, std::size_t,
                          PeriodRecord& record) { record.decision.probability = number(value); }},
    TraceColumn{.name = "policy",
                .kind = Kind::kText,
                .unit = "",
                .what = "the hash of the policy that the run began with",
                .since = 2,
                .get = [](const PeriodRecord& record, const Description&,
                          std::size_t) { return from(record.policy); },
                .put = [](const TraceValue& value, const Description&, std::size_t,
                          PeriodRecord& record) { record.policy = text(value); }},
    TraceColumn{.name = "updates",
                .kind = Kind::kCount,
                .unit = "",
                .what = "how often learning has moved it since",
                .since = 2,
                .always = true,
                .get = [](const PeriodRecord& record, const Description&,
                          std::size_t) { return TraceValue(record.updates); },
                .put = [](const TraceValue& value, const Description&, std::size_t,
                          PeriodRecord& record) { record.updates = count(value); }},
    TraceColumn{
        .name = "shield",
        .kind = Kind::kText,
        .unit = "",
        .what = "why the shield decided on this action (`power`, `temperature`, `sensors`, "
                "`actuation`, `budgets`), empty if it did not: [shield.md](shield.md)",
        .get = [](const PeriodRecord& record, const Description&,
                  std::size_t) { return from(to_string(record.overruled)); },
        .put = [](const TraceValue& value, const Description&, std::size_t,
                  PeriodRecord& record) { record.overruled = overruled_from(text(value)); }},
    TraceColumn{.name = "decision_us",
                .unit = "us",
                .what = "what choosing the action took; 0 on a simulated board, whose clock does "
                        "not run meanwhile",
                .range = Range::non_negative(),
                .in_report = true,
                .get = [](const PeriodRecord& record, const Description&,
                          std::size_t) { return TraceValue(to_seconds(record.deciding) * 1e6); },
                .put = [](const TraceValue& value, const Description&, std::size_t,
                          PeriodRecord& record) { record.deciding = microseconds(value); }},
    TraceColumn{.name = "learning_us",
                .unit = "us",
                .what = "what learning from what it led to took; the same",
                .range = Range::non_negative(),
                .in_report = true,
                .get = [](const PeriodRecord& record, const Description&,
                          std::size_t) { return TraceValue(to_seconds(record.learning) * 1e6); },
                .put = [](const TraceValue& value, const Description&, std::size_t,
                          PeriodRecord& record) { record.learning = microseconds(value); }},
    TraceColumn{
        .name = "skipped_periods",
        .kind = Kind::kCount,
        .unit = "periods",
        .what = "lost to an overrun in this one",
        .in_report = true,
        .get = [](const PeriodRecord& record, const Description&,
                  std::size_t) { return TraceValue(record.result.info.skipped_periods); },
        .put = [](const TraceValue& value, const Description&, std::size_t,
                  PeriodRecord& record) { record.result.info.skipped_periods = count(value); }},
    TraceColumn{.name = "observed.",
                .of = Of::kFeature,
                .unit = "",
                .what = "what the agent saw when it chose this period's action: each feature of "
                        "[observation.md](observation.md), as it is there",
                .always = true,
                .get =
                    [](const PeriodRecord& record, const Description&, std::size_t index) {
                      return index < record.observation.size()
                                 ? TraceValue(record.observation[index])
                                 : TraceValue{};
                    },
                .put = [](const TraceValue& value, const Description&, std::size_t index,
                          PeriodRecord& record) { record.observation[index] = number(value); }},
};

std::size_t members(const TraceColumn& column, const Description& of) {
  switch (column.of) {
    case Of::kPeriod:
      return 1;
    case Of::kLimit:
      return budget_rules().size();
    case Of::kApplication:
      return of.applications.size();
    case Of::kKnob:
    case Of::kMachineKnob:
      return of.knobs.size();
    case Of::kSignal:
      return of.signals.size();
    case Of::kRewardTerm:
      return of.reward_terms.size();
    case Of::kFeature:
      return of.features.size();
  }
  return 0;
}

std::string name_in(const TraceColumn& column, const Description& of, std::size_t index) {
  switch (column.of) {
    case Of::kPeriod:
      break;
    case Of::kLimit:
      return std::string(budget_rules()[index].column.name);
    case Of::kApplication:
      return fmt::format("{}.{}", column.name, of.applications[index]);
    case Of::kKnob:
    case Of::kMachineKnob:
      return fmt::format("{}{}", column.name, of.knobs[index].name);
    case Of::kSignal:
      return of.signals[index].name;
    case Of::kRewardTerm:
      return fmt::format("{}{}", column.name, of.reward_terms[index]);
    case Of::kFeature:
      return fmt::format("{}{}", column.name, of.features[index].name);
  }
  return std::string(column.name);
}

void add_field(const TraceColumn& column, const Description& of, std::size_t index,
               std::vector<TraceField>& fields) {
  if ((column.of == Of::kMachineKnob && of.knobs[index].kind == Knob::Kind::kWidth) ||
      (column.of == Of::kLimit && budget_rules()[index].column.name.empty())) {
    return;
  }
  fields.push_back({&column, index, name_in(column, of, index)});
}

std::string_view before_dot(std::string_view name) { return name.substr(0, name.find('.')); }

bool is_of(const TraceColumn& column, std::string_view name) {
  switch (column.of) {
    case Of::kPeriod:
      return name == column.name;
    case Of::kLimit:
      return std::ranges::any_of(budget_rules(), [name](const BudgetRule& rule) {
        return !name.empty() && rule.column.name == name;
      });
    case Of::kApplication:
      return name.find('.') != name.npos && before_dot(name) == column.name;
    case Of::kKnob:
    case Of::kMachineKnob:
      return name.starts_with(column.name) &&
             std::ranges::count(kKnobKinds, before_dot(name.substr(column.name.size()))) > 0;
    case Of::kSignal:
      return find_quantity(name) != nullptr;
    case Of::kRewardTerm:
    case Of::kFeature:
      return name.starts_with(column.name);
  }
  return false;
}

}  // namespace

std::span<const TraceColumn> trace_columns() { return kColumns; }

std::vector<TraceField> fields_of(const TraceDescription& description) {
  std::vector<TraceField> fields;
  for (const auto* column = kColumns.begin(); column != kColumns.end();) {
    // All columns of one application stand together.
    const auto* const end =
        column->of == Of::kApplication
            ? std::find_if(column, kColumns.end(),
                           [](const TraceColumn& each) { return each.of != Of::kApplication; })
            : column + 1;
    for (std::size_t i = 0; i < members(*column, description); ++i) {
      for (const auto* each = column; each != end; ++each) {
        add_field(*each, description, i, fields);
      }
    }
    column = end;
  }
  return fields;
}

const TraceColumn* find_trace_column(std::string_view name) {
  const auto* const found = std::ranges::find_if(
      kColumns, [name](const TraceColumn& column) { return is_of(column, name); });
  return found == kColumns.end() ? nullptr : found;
}

bool holds_names(const TraceColumn& column, std::string_view name) {
  return column.kind == Kind::kText ||
         (column.kind == Kind::kLevel &&
          before_dot(name.substr(column.name.size())) == name_of(Knob::Kind::kMapping));
}

std::string_view member_of(const TraceColumn& column, std::string_view name) {
  return name.substr(column.name.size() + (column.of == Of::kApplication ? 1 : 0));
}

}  // namespace rein
