#include "agent/core/situation.hpp"

#include <algorithm>

namespace rein {

Situation Situation::of(const Task& task) {
  Situation now;
  if (!task.applications.empty()) {
    const ApplicationTask& application = task.applications.front();
    if (application.latency) {
      now.deadline_ms = application.latency->deadline_ms;
      now.miss_rate = application.latency->miss_rate;
    }
    if (application.accuracy) {
      now.min_top1 = application.accuracy->min_top1;
    }
    now.rate_hz = application.rate_hz;
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
  const double between_ms = 1e3 / rate_hz;
  return std::min(deadline_ms.value_or(between_ms), between_ms);
}

PowerSignal ruling_power(const Task& task) {
  return task.power    ? task.power->signal
         : task.energy ? task.energy->signal
                       : task.objective.signal;
}

}  // namespace rein
