#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "platform/board/board.hpp"
#include "platform/sensors/cpu_time_sensor.hpp"
#include "platform/sensors/sensor.hpp"

namespace rein {

/// `power_w` of the whole machine, as the sum of what others measure.
class TotalPowerSensor final : public Sensor {
 public:
  /// `parts`: indices of the measurements of the same sample that add up to it; at least one. A sum
  /// below `min_w` has no value: what was guessed to be the machine's is not.
  TotalPowerSensor(std::vector<std::size_t> parts, const std::string& source, double min_w = 0.0);

  const std::vector<Signal>& signals() const override { return signals_; }
  /// @pre the measurements of all parts are there.
  void sample(const SampleContext& context, std::vector<Measurement>& measurements) override;

 private:
  std::vector<std::size_t> parts_;
  double min_w_;
  std::vector<Signal> signals_;
};

/// What the board's PowerModel makes of CPU time: `power_ours_w`, what the managed network adds,
/// and `power_w` of the whole machine if no sensor gives it.
class ModelledPowerSensor final : public Sensor {
 public:
  /// `cpu_time` must outlive this, and be sampled before.
  ModelledPowerSensor(const PowerModel& model, const CpuTimeSensor& cpu_time, bool with_total);

  const std::vector<Signal>& signals() const override { return signals_; }
  void sample(const SampleContext& context, std::vector<Measurement>& measurements) override;

 private:
  PowerModel model_;
  const CpuTimeSensor& cpu_time_;
  std::vector<Signal> signals_;
};

}  // namespace rein
