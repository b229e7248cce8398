#include "env/observer.hpp"

#include <algorithm>
#include <iterator>
#include <limits>

#include "common/statistics.hpp"
#include "env/feature_table.hpp"

namespace rein {

namespace {

/// What a feature has no reading of.
constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

double or_unknown(const std::optional<double>& value) { return value.value_or(kUnknown); }

double limit(const Task& task, BudgetId::Kind budget, std::size_t application) {
  // A battery's is the allowance, in another unit.
  const bool is_battery =
      budget == BudgetId::Kind::kEnergy && task.energy && !task.energy->limit_mj;
  return is_battery ? kUnknown : or_unknown(rule_of(budget).limit(task, application));
}

double slack(const std::vector<BudgetStatus>& statuses, const BudgetId& budget) {
  const auto status = std::ranges::find(statuses, budget, &BudgetStatus::id);
  if (status == statuses.end()) {
    return kUnknown;
  }
  if (status->limit > 0.0) {
    return status->value ? (status->limit - *status->value) / status->limit : kUnknown;
  }
  // An empty battery is, whatever is used; any value is beyond the other limits of 0.
  return status->value || budget.kind == BudgetId::Kind::kEnergy ? -1.0 : kUnknown;
}

double deadline_ms(const ApplicationTask& task) {
  return task.latency ? task.latency->deadline_ms : kUnknown;
}

double miss_share(const ServiceReport& service) {
  return service.requests() > 0
             ? static_cast<double>(service.missed()) / static_cast<double>(service.requests())
             : kUnknown;
}

std::vector<std::string> names_of(const std::vector<ObservedApplication>& applications) {
  std::vector<std::string> names;
  std::ranges::transform(applications, std::back_inserter(names), &ObservedApplication::name);
  return names;
}

}  // namespace

Observer::Observer(const ActionSpace& actions, const std::vector<ObservedApplication>& applications,
                   const std::vector<SignalDescription>& signals, double period_ms)
    : actions_(actions),
      period_ms_(period_ms),
      spec_(make_observation_spec(actions.knobs(), names_of(applications), signals)) {
  for (const auto& application : applications) {
    queue_limits_.push_back(static_cast<double>(application.queue_limit));
  }
  for (const auto& feature : spec_.features()) {
    seen_.push_back({.source = feature.source, .scale = feature.scale});
  }
}

void Observer::observe(const Snapshot& snapshot, Observation& observation) {
  observation.resize(seen_.size());
  double* value = observation.data();
  for (auto& seen : seen_) {
    // Most are signals.
    *value++ = seen.see(seen.source.kind == Source::Kind::kSignal
                            ? or_unknown(snapshot.signals[seen.source.index])
                            : read(seen.source, snapshot));
  }
}

double Observer::Seen::see(double number) {
  if (scale.kind == Scale::Kind::kLinear) {
    return scale(number);
  }
  // Logarithms are dear, and limits seldom change.
  if (number != last_number) {
    last_number = number;
    last_value = scale(number);
  }
  return last_value;
}

double Observer::read(const Source& source, const Snapshot& snapshot) {
  const std::size_t index = source.index;
  const auto task = [&]() -> const ApplicationTask& { return snapshot.task.applications[index]; };
  const auto service = [&]() -> const ServiceReport& {
    return snapshot.applications[index].service;
  };
  switch (source.kind) {
    case Source::Kind::kLevel: {
      const std::size_t top = actions_.knobs()[index].levels.size() - 1;
      return static_cast<double>(snapshot.levels[index]) /
             static_cast<double>(std::max<std::size_t>(top, 1));
    }
    case Source::Kind::kDeadline:
      return deadline_ms(task());
    case Source::Kind::kLimit:
      return limit(snapshot.task, source.budget, index);
    case Source::Kind::kSlack:
      return slack(snapshot.budget_statuses, {source.budget, index});
    case Source::Kind::kAllowance:
      return or_unknown(snapshot.task.battery_allowance_w);
    case Source::Kind::kLatency:
      return p95_ms(service()) / deadline_ms(task());
    case Source::Kind::kMissShare:
      return miss_share(service());
    case Source::Kind::kQueue:
      return static_cast<double>(service().queued) / queue_limits_[index];
    case Source::Kind::kRate:
      return or_unknown(task().rate_hz);
    case Source::Kind::kBusy:
      return service().busy_ms / period_ms_;
    case Source::Kind::kSlowdown:
      return slowdown(snapshot, index);
    case Source::Kind::kSignal:
      return or_unknown(snapshot.signals[index]);
  }
  return kUnknown;
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
  return latency_ms / fastest_ms;
}

}  // namespace rein
