#pragma once

#include <optional>

#include "env/task.hpp"

namespace rein {

/// What a task asks of one application, and of the machine meanwhile, in plain numbers: for agents
/// that reckon instead of looking values up. Empty where there is no such budget.
struct Situation {
  std::optional<double> deadline_ms;
  double miss_rate = 1.0;
  std::optional<double> power_limit_w;
  PowerSignal power_signal = PowerSignal::kMachine;   ///< What the limit is about.
  std::optional<double> energy_limit_mj;              ///< Of a request.
  std::optional<double> allowance_w;                  ///< What a battery leaves for each second.
  PowerSignal energy_signal = PowerSignal::kMachine;  ///< What these two are about.
  std::optional<double> min_top1;
  std::optional<double> temperature_limit_c;
  /// Of arrivals; above 0. In a closed loop as they were served lately; 1 if that is not known.
  double rate_hz = 1.0;
  /// The next request comes when the last one ends, so that none waits, and there is always one.
  bool is_closed_loop = false;

  /// Of kManagedApplication.
  static Situation of(const Task& task);

  /// In which a request has to be served: before its deadline, and before the next one comes.
  double time_for_request_ms() const;
  /// From one arrival to the next; so long that nothing ever waits in a closed loop.
  double gap_ms() const;
};

/// The power that the task is about in the first place: of the power budget, else of the energy
/// budget, else of the objective.
PowerSignal ruling_power(const Task& task);

}  // namespace rein
