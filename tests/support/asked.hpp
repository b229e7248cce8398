#pragma once

#include <optional>
#include <vector>

#include "agent/core/policy.hpp"
#include "agent/core/problem.hpp"

namespace rein {

/// What is asked of one application, `app`, with an observation that says nothing.
struct Asked {
  struct Limits {
    std::optional<double> deadline_ms;
    double miss_rate = 0.01;
    std::optional<double> power_limit_w;
    std::optional<double> energy_limit_mj;
    std::optional<double> allowance_w;
    std::optional<double> min_top1;
    std::optional<double> temperature_limit_c;
    double rate_hz = 10.0;
    RequestSpec::Arrival arrival = RequestSpec::Arrival::kPeriodic;
  };

  Asked() = default;
  explicit Asked(const Limits& limits, const Objective& objective = {}) {
    task.objective = objective;
    ApplicationTask& application = task.applications.emplace_back();
    application.name = "app";
    application.rate_hz = limits.rate_hz;
    application.arrival = limits.arrival;
    if (limits.deadline_ms) {
      application.latency = LatencyBudget{*limits.deadline_ms, limits.miss_rate};
    }
    if (limits.min_top1) {
      application.accuracy = AccuracyBudget{.min_top1 = *limits.min_top1};
    }
    if (limits.power_limit_w) {
      task.power = PowerBudget{.limit_w = *limits.power_limit_w};
    }
    if (limits.energy_limit_mj || limits.allowance_w) {
      task.energy = EnergyBudget{.limit_mj = limits.energy_limit_mj, .total_j = std::nullopt};
    }
    if (limits.allowance_w) {
      task.energy->total_j = 1e3;
      task.battery_allowance_w = limits.allowance_w;
    }
    if (limits.temperature_limit_c) {
      task.temperature = TemperatureBudget{*limits.temperature_limit_c};
    }
  }

  operator View() const { return {observation, task}; }  // NOLINT: it is one.

  Observation observation{0.0};
  Task task;
};

}  // namespace rein
