#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/core/problem.hpp"
#include "agent/core/profile.hpp"
#include "support/asked.hpp"
#include "support/driven.hpp"

namespace rein {

/// Two widths and two clocks of two CPUs, with a profile that can be reckoned with by hand:
///
/// | action | width | MHz  | ms | W   | mJ | top-1 |
/// | 0      | 0.5   | 500  | 12 | 2   | 40 | 0.6   |
/// | 1      | 0.5   | 1000 | 6  | 3   | 50 | 0.6   |
/// | 2      | 1.0   | 500  | 20 | 2.5 | 60 | 0.8   |
/// | 3      | 1.0   | 1000 | 10 | 4   | 80 | 0.8   |
struct RivalTask {
  static Profile profile() {
    return {{{0, 100, 12.0, 0.0, 12.0, 2.0, 40.0, 0.6},
             {1, 100, 6.0, 0.0, 6.0, 3.0, 50.0, 0.6},
             {2, 100, 20.0, 0.0, 20.0, 2.5, 60.0, 0.8},
             {3, 100, 10.0, 0.0, 10.0, 4.0, 80.0, 0.8}}};
  }

  Problem problem(Objective::Kind objective = Objective::Kind::kMaxAccuracy) const {
    return {actions,
            observations,
            {0.6, 0.6, 0.8, 0.8},
            signals,
            {.top1 = {0.6, 0.8}, .objective = {objective, 100.0}, .prices = {}}};
  }

  /// 10 requests a second, of which one in a hundred may miss.
  static Asked asked(double deadline_ms, double power_limit_w) {
    return Asked({.deadline_ms = deadline_ms, .power_limit_w = power_limit_w, .rate_hz = 10.0});
  }

  /// A period of 100 ms in which two requests were served.
  static StepInfo info(double service_ms, double power_w, std::size_t late = 0) {
    StepInfo info;
    info.interval_s = 0.1;
    info.applications.resize(1);
    ServiceReport& service = info.applications.front().service;
    service.served = 2;
    service.late = late;
    service.latencies_ms = {service_ms, service_ms};
    service.busy_ms = 2.0 * service_ms;
    info.signals = {power_w, 0.3, 0.1, 0.5, 0.2, 60.0};
    return info;
  }

  ActionSpace actions{{
      {"width.app", "1", Knob::Kind::kWidth, {{"0.5", 0.5}, {"1.0", 1.0}}},
      {"frequency.cpu",
       "MHz",
       Knob::Kind::kFrequency,
       {{"500MHz", 500.0}, {"1000MHz", 1000.0}},
       {0, 1}},
  }};
  ObservationSpec observations{{Feature{.name = "x"}}};
  std::vector<SignalDescription> signals = {
      {"power_w", "W", "test"},
      {"cpu_ours_share.cpu0", "1", "test"},
      {"cpu_others_share.cpu0", "1", "test"},
      {"cpu_ours_share.cpu1", "1", "test"},
      {"cpu_others_share.cpu1", "1", "test"},
      {"temperature_c.soc", "degC", "test", false, true},
  };
};

/// One step of an agent's, as an environment would report it.
inline ActionId step(Driven& agent, const Asked& asked, const StepInfo& info) {
  const ActionId action = agent.act(asked);
  agent.show(record_of(asked, agent.decision().action, info));
  return action;
}

}  // namespace rein
