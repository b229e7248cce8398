#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <vector>

#include "agent/core/policy.hpp"
#include "agent/core/problem.hpp"
#include "support/asked.hpp"

namespace rein {

/// A machine whose response to twelve actions can be reckoned by hand: two widths, two places,
/// three clocks. With nobody else there, at 30 requests a second:
///
/// | place | MHz  | half ms | full ms | half W | full W |
/// | cpu   | 500  | 18.2    | 36.4    | 1.08   | 1.13   |
/// | cpu   | 1000 | 10.4    | 20.9    | 1.24   | 1.36   |
/// | cpu   | 2000 | 6       | 12      | 1.77   | 2.04   |
/// | gpu   | 500  | 9.1     | 18.2    | 1.08   | 1.13   |
/// | gpu   | 1000 | 5.2     | 10.4    | 1.24   | 1.36   |
/// | gpu   | 2000 | 3       | 6       | 1.77   | 2.04   |
struct ResponsiveMachine {
  Problem problem(const Objective& objective = {}) const {
    return {actions,
            observations,
            std::vector<double>(actions.size(), 1.0),
            signals,
            {.top1 = {0.6, 0.8}, .objective = objective, .prices = {}}};
  }

  /// 30 requests a second, of which one in a hundred may miss. No limit: no such budget.
  static Asked asked(std::optional<double> deadline_ms, std::optional<double> power_limit_w,
                     const Objective& objective = {}) {
    return Asked({.deadline_ms = deadline_ms, .power_limit_w = power_limit_w, .rate_hz = 30.0},
                 objective);
  }

  ActionId id(std::size_t width, std::size_t place, std::size_t clock) const {
    return actions.encode({width, place, clock});
  }

  double service_ms(ActionId action) const {
    const auto levels = actions.decode(action);
    return 3.0 * static_cast<double>(1U << levels[0]) * (levels[1] == 0 ? 2.0 : 1.0) *
           std::pow(2.0, 0.8 * static_cast<double>(2 - levels[2])) * slowdown *
           (is_another && (levels[0] + levels[1] + levels[2]) % 2 == 0 ? 1.7 : 1.0);
  }
  double power_w(ActionId action) const {
    const auto levels = actions.decode(action);
    const double clock = std::pow(0.25, static_cast<double>(2 - levels[2]));
    return 1.0 + 0.5 * clock + (levels[1] == 0 ? 1.5 : 3.0) * clock * busy(action);
  }

  /// A period in which three requests were served with the action.
  StepInfo period(ActionId action) const {
    StepInfo info;
    info.interval_s = 0.1;
    for (const std::size_t level : actions.decode(action)) {
      info.granted.push_back({.label = {}, .level = level, .value = std::nullopt});
    }
    info.applications.resize(1);
    ServiceReport& service = info.applications.front().service;
    service.arrived = service.served = 3;
    for (const double ratio : {0.98, 1.0, 1.02}) {
      service.services_ms.push_back(ratio * service_ms(action));
      service.busy_ms += service.services_ms.back();
    }
    info.signals = {power_w(action), others};
    return info;
  }

  double slowdown = 1.0;    ///< By others, who take ...
  double others = 0.1;      ///< ... this share of the CPU.
  bool is_another = false;  ///< Every other action takes longer, as no factor has it.

  ActionSpace actions{{{"width.app", "1", Knob::Kind::kWidth, {{"0.5", 0.5}, {"1.0", 1.0}}},
                       {"mapping.app", "", Knob::Kind::kMapping, {{"cpu", 1}, {"gpu", 2}}},
                       {"frequency.soc",
                        "MHz",
                        Knob::Kind::kFrequency,
                        {{"500MHz", 500}, {"1000MHz", 1000}, {"2000MHz", 2000}}}}};
  ObservationSpec observations{{Feature{.name = "x"}}};
  std::vector<SignalDescription> signals = {{"power_w", "W", "test"},
                                            {"cpu_others_share.cpu0", "1", "test"}};

 private:
  double busy(ActionId action) const { return std::min(1.0, 0.03 * service_ms(action)); }
};

}  // namespace rein
