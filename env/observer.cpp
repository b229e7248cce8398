#include "env/observer.hpp"

#include <algorithm>
#include <cmath>

namespace rein {

namespace {

/// log10 over [1, 10^decades] as [0, 1].
double decades(double value, double count) { return std::log10(std::max(1.0, value)) / count; }

/// The limit that a budget has in `budgets`, if it has one.
using Limit = std::function<std::optional<double>(const Budgets& budgets)>;

bool any_phase(const Scenario& scenario, const Limit& limit) {
  return std::ranges::any_of(scenario.phases, [&](const ScenarioPhase& phase) {
    return limit(phase.budgets).has_value();
  });
}

std::optional<double> deadline_ms(const Budgets& budgets) {
  return budgets.latency ? std::optional(budgets.latency->deadline_ms) : std::nullopt;
}
std::optional<double> min_top1(const Budgets& budgets) {
  return budgets.accuracy ? std::optional(budgets.accuracy->min_top1) : std::nullopt;
}
std::optional<double> power_limit_w(const Budgets& budgets) {
  return budgets.power ? std::optional(budgets.power->limit_w) : std::nullopt;
}
/// In mJ a request, or what a battery holds in J.
std::optional<double> energy_limit(const Budgets& budgets) {
  if (!budgets.energy) {
    return std::nullopt;
  }
  return budgets.energy->limit_mj ? budgets.energy->limit_mj : budgets.energy->total_j;
}
std::optional<double> temperature_limit_c(const Budgets& budgets) {
  return budgets.temperature ? std::optional(budgets.temperature->limit_c) : std::nullopt;
}

/// (limit - value) / limit: 0 at the limit, above while it is kept (below, for a floor).
std::optional<double> slack(const Snapshot& snapshot, const std::string& budget) {
  const auto status = std::ranges::find(snapshot.budget_statuses, budget, &BudgetStatus::name);
  if (status == snapshot.budget_statuses.end() || !status->value || status->limit <= 0.0) {
    return std::nullopt;
  }
  return (status->limit - *status->value) / status->limit;
}

}  // namespace

Observer::Observer(const ActionSpace& actions, const std::vector<ObservedApplication>& applications,
                   const std::vector<SignalDescription>& signals, const Scenario& scenario)
    : spec_({}) {
  for (std::size_t i = 0; i < actions.knobs().size(); ++i) {
    const Knob& knob = actions.knobs()[i];
    const double top = static_cast<double>(std::max<std::size_t>(knob.levels.size() - 1, 1));
    add({.name = knob.name, .unit = "1", .source = "level in force over the highest level"},
        [i, top](const Snapshot& now) { return static_cast<double>(now.levels.at(i)) / top; });
  }
  for (std::size_t i = 0; i < applications.size(); ++i) {
    add_application(i, applications[i], scenario);
  }
  add_machine_budgets(scenario);
  add_signals(signals);
  spec_ = ObservationSpec(features_);
}

void Observer::add(Feature feature, Read read) {
  features_.push_back(std::move(feature));
  reads_.push_back(std::move(read));
}

void Observer::add_application(std::size_t index, const ObservedApplication& application,
                               const Scenario& scenario) {
  const std::string end = "." + application.name;
  const auto service = [index](const Snapshot& now) -> const ServiceReport& {
    return now.applications.at(index).service;
  };
  const auto latency = [index](const Snapshot& now) -> const std::optional<LatencyBudget>& {
    return now.applications.at(index).budgets.latency;
  };

  if (any_phase(scenario, deadline_ms)) {
    add({.name = "deadline" + end,
         .unit = "ms",
         .neutral = 1.0,
         .source = "log10(deadline_ms) / 4"},
        [=](const Snapshot& now) -> std::optional<double> {
          return latency(now) ? std::optional(decades(latency(now)->deadline_ms, 4.0))
                              : std::nullopt;
        });
    add({.name = "miss_rate" + end, .unit = "1", .neutral = 1.0, .source = "share that may miss"},
        [=](const Snapshot& now) -> std::optional<double> {
          return latency(now) ? std::optional(latency(now)->miss_rate) : std::nullopt;
        });
    add({.name = "latency" + end, .unit = "ms", .source = "p95 over twice the deadline"},
        [=](const Snapshot& now) -> std::optional<double> {
          if (!latency(now) || service(now).served == 0) {
            return std::nullopt;
          }
          return quantile(service(now).latencies_ms, 0.95) / (2.0 * latency(now)->deadline_ms);
        });
  }
  add({.name = "miss_share" + end, .unit = "1", .source = "late or dropped over all requests"},
      [=](const Snapshot& now) -> std::optional<double> {
        const ServiceReport& report = service(now);
        if (report.requests() == 0) {
          return std::nullopt;
        }
        return static_cast<double>(report.missed()) / static_cast<double>(report.requests());
      });
  add({.name = "queue" + end, .unit = "1", .source = "requests waiting over the queue's limit"},
      [=, limit = static_cast<double>(application.queue_limit)](const Snapshot& now) {
        return static_cast<double>(service(now).queued) / limit;
      });
  add({.name = "arrival_rate" + end, .unit = "Hz", .source = "log10(requests a second) / 5"},
      [=](const Snapshot& now) { return decades(now.arrival_rates_hz.at(index), 5.0); });
  add({.name = "slowdown" + end,
       .unit = "1",
       .source = "log2(mean latency over the least seen with the same knobs) / 4"},
      [this, index](const Snapshot& now) { return slowdown(now, index); });
  if (any_phase(scenario, min_top1)) {
    const std::string budget = "accuracy" + end;
    add({.name = budget + ".limit", .unit = "1", .source = "floor of the top-1 accuracy"},
        [index](const Snapshot& now) { return min_top1(now.applications.at(index).budgets); });
    add({.name = budget + ".slack",
         .unit = "1",
         .min = -1.0,
         .source = "(limit - value) / limit: below 0 while the floor is kept"},
        [budget](const Snapshot& now) { return slack(now, budget); });
  }
}

void Observer::add_machine_budgets(const Scenario& scenario) {
  const auto add_budget = [&](const std::string& name, const std::string& unit,
                              const Limit& limit) {
    if (!any_phase(scenario, limit)) {
      return;
    }
    add({.name = name + ".limit", .unit = unit, .neutral = 1.0, .source = "log10(limit) / 4"},
        [limit](const Snapshot& now) -> std::optional<double> {
          const auto value = limit(now.budgets);
          return value ? std::optional(decades(*value, 4.0)) : std::nullopt;
        });
    add({.name = name + ".slack",
         .unit = "1",
         .min = -1.0,
         .source = "(limit - value) / limit: above 0 while the limit is kept"},
        [name](const Snapshot& now) { return slack(now, name); });
  };
  add_budget("power", "W", power_limit_w);
  add_budget("energy", "mJ", energy_limit);
  add_budget("temperature", "degC", temperature_limit_c);
}

void Observer::add_signals(const std::vector<SignalDescription>& signals) {
  for (std::size_t i = 0; i < signals.size(); ++i) {
    const SignalDescription& signal = signals[i];
    const bool share = signal.name.find("_share") != std::string::npos;
    const bool temperature = signal.name.starts_with("temperature_c");
    if (share || temperature) {
      const double scale = temperature ? 150.0 : 1.0;
      add({.name = signal.name,
           .unit = signal.unit,
           .source = temperature ? "over 150 degC" : "as measured"},
          [i, scale](const Snapshot& now) -> std::optional<double> {
            const auto& value = now.signals.at(i);
            return value ? std::optional(*value / scale) : std::nullopt;
          });
    }
  }
}

std::optional<double> Observer::slowdown(const Snapshot& snapshot, std::size_t application) {
  const ServiceReport& report = snapshot.applications.at(application).service;
  if (report.served == 0) {
    return std::nullopt;
  }
  const double latency_ms = mean(report.latencies_ms);
  const auto [entry, added] = fastest_ms_.try_emplace({application, snapshot.levels}, latency_ms);
  entry->second = std::min(entry->second, latency_ms);
  return entry->second > 0.0 ? std::optional(std::log2(latency_ms / entry->second) / 4.0)
                             : std::nullopt;
}

Observation Observer::observe(const Snapshot& snapshot) {
  Observation observation(features_.size());
  for (std::size_t i = 0; i < features_.size(); ++i) {
    const std::optional<double> value = reads_[i](snapshot);
    const Feature& feature = features_[i];
    observation[i] = value && std::isfinite(*value) ? std::clamp(*value, feature.min, feature.max)
                                                    : feature.neutral;
  }
  return observation;
}

}  // namespace rein
