#include "agent/core/situation.hpp"

#include <algorithm>

#include "agent/core/managed_application.hpp"

namespace rein {

namespace {
/// Longer than any request takes, and finite, so that it can be reckoned with.
constexpr double kForeverMs = 1e9;
}  // namespace

double Situation::gap_ms() const { return is_closed_loop ? kForeverMs : 1e3 / rate_hz; }

Situation Situation::of(const Task& task) {
  Situation now;
  if (!task.applications.empty()) {
    const ApplicationTask& application = task.applications[kManagedApplication];
    if (application.latency) {
      now.deadline_ms = application.latency->deadline_ms;
      now.miss_rate = application.latency->miss_rate;
    }
    if (application.accuracy) {
      now.min_top1 = application.accuracy->min_top1;
    }
    now.rate_hz = application.rate_hz.value_or(1.0);
    now.is_closed_loop = application.arrival == RequestSpec::Arrival::kClosedLoop;
  }
  if (task.power) {
    now.power_limit_w = task.power->limit_w;
    now.power_signal = task.power->signal;
  }
  if (task.energy) {
    now.energy_limit_mj = task.energy->limit_mj;
    now.allowance_w = task.battery_allowance_w;
    now.energy_signal = task.energy->signal;
  }
  if (task.temperature) {
    now.temperature_limit_c = task.temperature->limit_c;
  }
  return now;
}

double Situation::time_for_request_ms() const {
  return std::min(deadline_ms.value_or(kForeverMs), gap_ms());
}

PowerSignal ruling_power(const Task& task) {
  return task.power    ? task.power->signal
         : task.energy ? task.energy->signal
                       : task.objective.signal;
}

}  // namespace rein
