#include "env/observer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "common/statistics.hpp"
#include "platform/quantities.hpp"

namespace rein {

namespace {

/// log10 over [1, 10^decades] as [0, 1].
/// NaN stays NaN.
double decades(double value, double count) {
  return value <= 1.0 ? 0.0 : std::log10(value) / count;
}

/// What a feature has no reading of.
constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

double or_unknown(const std::optional<double>& value) { return value.value_or(kUnknown); }

double deadline_ms(const ApplicationTask& task) {
  return task.latency ? task.latency->deadline_ms : kUnknown;
}
double miss_rate(const ApplicationTask& task) {
  return task.latency ? task.latency->miss_rate : kUnknown;
}
double min_top1(const ApplicationTask& task) {
  return task.accuracy ? task.accuracy->min_top1 : kUnknown;
}

/// The limit that a budget of the machine has; kUnknown if there is no such budget.
using Limit = double (*)(const Task& task);

double power_limit_w(const Task& task) { return task.power ? task.power->limit_w : kUnknown; }
/// In mJ a request, or what a battery holds in J.
double energy_limit(const Task& task) {
  return !task.energy            ? kUnknown
         : task.energy->limit_mj ? *task.energy->limit_mj
                                 : or_unknown(task.energy->total_j);
}
double temperature_limit_c(const Task& task) {
  return task.temperature ? task.temperature->limit_c : kUnknown;
}

/// (limit - value) / limit: 0 at the limit, above while it is kept (below, for a floor).
double slack(const Snapshot& snapshot, const BudgetId& budget) {
  for (const auto& status : snapshot.budget_statuses) {
    if (status.id == budget) {
      return status.value && status.limit > 0.0 ? (status.limit - *status.value) / status.limit
                                                : kUnknown;
    }
  }
  return kUnknown;
}

bool is_seen(const SignalDescription& signal, const Quantity& quantity) {
  switch (quantity.sight.of) {
    case Sight::Of::kNone:
      return false;
    case Sight::Of::kWhole:
      return signal.name == quantity.name;
    case Sight::Of::kEach:
      return true;
    case Sight::Of::kHeat:
      return signal.is_heat;
  }
  return false;
}

}  // namespace

Observer::Observer(const ActionSpace& actions, const std::vector<ObservedApplication>& applications,
                   const std::vector<SignalDescription>& signals, double period_ms)
    : actions_(actions), period_ms_(period_ms), spec_({}) {
  for (std::size_t i = 0; i < actions.knobs().size(); ++i) {
    const Knob& knob = actions.knobs()[i];
    const double top = static_cast<double>(std::max<std::size_t>(knob.levels.size() - 1, 1));
    add({.name = knob.name, .unit = "1", .source = "level in force over the highest level"},
        [i, top](const Snapshot& now) { return static_cast<double>(now.levels[i]) / top; });
  }
  for (std::size_t i = 0; i < applications.size(); ++i) {
    add_application(i, applications[i]);
  }
  add_machine_budgets();
  add_signals(signals);
  for (const auto& feature : features_) {
    limits_.push_back({feature.min, feature.max, feature.neutral});
  }
  spec_ = ObservationSpec(std::move(features_));
}

void Observer::add(Feature feature, Read read) {
  features_.push_back(std::move(feature));
  reads_.push_back(std::move(read));
}

void Observer::add_application(std::size_t index, const ObservedApplication& application) {
  const std::string end = "." + application.name;
  const auto service = [index](const Snapshot& now) -> const ServiceReport& {
    return now.applications[index].service;
  };
  const auto task = [index](const Snapshot& now) -> const ApplicationTask& {
    return now.task.applications[index];
  };

  add({.name = "deadline" + end, .unit = "ms", .neutral = 1.0, .source = "log10(deadline_ms) / 4"},
      [=](const Snapshot& now) { return decades(deadline_ms(task(now)), 4.0); });
  add({.name = "miss_rate" + end, .unit = "1", .neutral = 1.0, .source = "share that may miss"},
      [=](const Snapshot& now) { return miss_rate(task(now)); });
  add({.name = "latency" + end, .unit = "ms", .source = "p95 over twice the deadline"},
      [=, this](const Snapshot& now) {
        return p95_ms(service(now)) / (2.0 * deadline_ms(task(now)));
      });
  add({.name = "miss_share" + end, .unit = "1", .source = "late or dropped over all requests"},
      [=](const Snapshot& now) {
        const ServiceReport& report = service(now);
        return report.requests() > 0
                   ? static_cast<double>(report.missed()) / static_cast<double>(report.requests())
                   : kUnknown;
      });
  add({.name = "queue" + end, .unit = "1", .source = "requests waiting over the queue's limit"},
      [=, limit = static_cast<double>(application.queue_limit)](const Snapshot& now) {
        return static_cast<double>(service(now).queued) / limit;
      });
  add({.name = "arrival_rate" + end,
       .unit = "Hz",
       .source = "log10(requests a second) / 5; in a closed loop those that were served"},
      [=](const Snapshot& now) { return decades(or_unknown(task(now).rate_hz), 5.0); });
  add({.name = "busy" + end, .unit = "1", .source = "share of the period in which it was served"},
      [=, this](const Snapshot& now) { return service(now).busy_ms / period_ms_; });
  add({.name = "slowdown" + end,
       .unit = "1",
       .source = "log2(mean latency over the least seen with the same knobs) / 4"},
      [this, index](const Snapshot& now) { return slowdown(now, index); });
  const std::string budget = "accuracy" + end;
  add({.name = budget + ".limit", .unit = "1", .source = "floor of the top-1 accuracy"},
      [=](const Snapshot& now) { return min_top1(task(now)); });
  add({.name = budget + ".slack",
       .unit = "1",
       .min = -1.0,
       .source = "(limit - value) / limit: below 0 while the floor is kept"},
      [index](const Snapshot& now) {
        return slack(now, {BudgetId::Kind::kAccuracy, index});
      });
}

void Observer::add_machine_budgets() {
  const auto add_budget = [&](BudgetId::Kind kind, const std::string& name, const std::string& unit,
                              Limit limit) {
    add({.name = name + ".limit", .unit = unit, .neutral = 1.0, .source = "log10(limit) / 4"},
        [limit](const Snapshot& now) { return decades(limit(now.task), 4.0); });
    add({.name = name + ".slack",
         .unit = "1",
         .min = -1.0,
         .source = "(limit - value) / limit: above 0 while the limit is kept"},
        [kind](const Snapshot& now) { return slack(now, {.kind = kind}); });
  };
  add_budget(BudgetId::Kind::kPower, "power", "W", power_limit_w);
  add_budget(BudgetId::Kind::kEnergy, "energy", "mJ", energy_limit);
  add({.name = "energy.allowance",
       .unit = "W",
       .neutral = 1.0,
       .source = "log10(what the battery leaves for each second) / 4"},
      [](const Snapshot& now) { return decades(or_unknown(now.task.battery_allowance_w), 4.0); });
  add_budget(BudgetId::Kind::kTemperature, "temperature", "degC", temperature_limit_c);
}

void Observer::add_signals(const std::vector<SignalDescription>& signals) {
  // The whole machine's come first.
  for (const bool of_whole : {true, false}) {
    for (std::size_t i = 0; i < signals.size(); ++i) {
      const SignalDescription& signal = signals[i];
      const Quantity* const quantity = find_quantity(signal.name);
      if (quantity == nullptr || (quantity->sight.of == Sight::Of::kWhole) != of_whole ||
          !is_seen(signal, *quantity)) {
        continue;
      }
      const Sight& sight = quantity->sight;
      features_.push_back({.name = signal.name,
                           .unit = signal.unit,
                           .neutral = sight.neutral,
                           .source = std::string(sight.source)});
      signals_.push_back({i, sight.scale == Sight::Scale::kDecades, sight.divisor});
    }
  }
}

double Observer::p95_ms(const ServiceReport& service) {
  latencies_ms_ = service.latencies_ms;
  return latencies_ms_.empty() ? kUnknown : quantile_in_place(latencies_ms_, 0.95);
}

double Observer::slowdown(const Snapshot& snapshot, std::size_t application) {
  const ServiceReport& report = snapshot.applications[application].service;
  if (report.served == 0) {
    return kUnknown;
  }
  const double latency_ms = mean(report.latencies_ms);
  const std::size_t key = application * actions_.size() + actions_.encode(snapshot.levels);
  double& fastest_ms = fastest_ms_.try_emplace(key, latency_ms).first->second;
  fastest_ms = std::min(fastest_ms, latency_ms);
  return std::log2(latency_ms / fastest_ms) / 4.0;
}

double Observer::Limits::normal(double value) const {
  return std::isfinite(value) ? std::clamp(value, min, max) : neutral;
}

void Observer::observe(const Snapshot& snapshot, Observation& observation) {
  observation.resize(limits_.size());
  for (std::size_t i = 0; i < reads_.size(); ++i) {
    observation[i] = limits_[i].normal(reads_[i](snapshot));
  }
  for (std::size_t i = 0; i < signals_.size(); ++i) {
    const auto& [index, in_decades, divisor] = signals_[i];
    const auto& value = snapshot.signals[index];
    const std::size_t feature = reads_.size() + i;
    observation[feature] = limits_[feature].normal(!value       ? kUnknown
                                                   : in_decades ? decades(*value, divisor)
                                                                : *value / divisor);
  }
}

}  // namespace rein
