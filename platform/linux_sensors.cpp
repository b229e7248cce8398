#include "platform/linux_sensors.hpp"

#include <cmath>
#include <utility>

#include "platform/counter_group.hpp"
#include "platform/cpu_time_sensor.hpp"
#include "platform/frequency_domain.hpp"
#include "platform/power_sensor.hpp"
#include "platform/pressure_sensor.hpp"
#include "platform/system_calls.hpp"
#include "platform/thermal_sensor.hpp"

namespace rein {

LinuxSensors::LinuxSensors(const Board& board, const SysfsRoot& root, SystemCalls* calls)
    : root_(root) {
  auto cpu_time = std::make_unique<CpuTimeSensor>(root, board.cpus);
  const CpuTimeSensor& cpu_time_sensor = *cpu_time;
  sensors_.push_back(std::move(cpu_time));
  sensors_.push_back(std::make_unique<PressureSensor>(root, missing_));
  if (calls != nullptr) {
    sensors_.push_back(std::make_unique<CounterGroup>(*calls, calls->process_id(), missing_));
  }
  sensors_.push_back(std::make_unique<FrequencySensor>(root, board.domains));
  sensors_.push_back(std::make_unique<ThermalSensor>(root, missing_));

  auto rapl = std::make_unique<RaplPowerSensor>(root, missing_);
  auto hwmon =
      std::make_unique<HwmonPowerSensor>(root, /*with_total=*/!has_total_power(rapl->signals()));
  const bool measured = has_total_power(rapl->signals()) || has_total_power(hwmon->signals());
  sensors_.push_back(std::move(rapl));
  sensors_.push_back(std::move(hwmon));
  if (!measured) {
    missing_.push_back({"/sys/class/powercap, /sys/class/hwmon",
                        "no sensor gives the power of the whole machine",
                        "give `power_model` in the board file; power_w is then an estimate"});
  }
  if (board.power_model.cpu_w > 0.0) {
    sensors_.push_back(std::make_unique<ModelledPowerSensor>(board.power_model, cpu_time_sensor,
                                                             /*with_total=*/!measured));
  }
  for (const auto& sensor : sensors_) {
    signals_.insert(signals_.end(), sensor->signals().begin(), sensor->signals().end());
  }
}

Telemetry LinuxSensors::sample(TimePoint now) {
  if (!last_sample_) {
    last_valid_.assign(signals_.size(), now);
  }
  const SampleContext context{.interval = now - last_sample_.value_or(now),
                              .threads = list_threads(root_)};
  last_sample_ = now;
  values_.clear();
  for (const auto& sensor : sensors_) {
    sensor->sample(context, values_);
  }

  Telemetry telemetry{.readings = {}, .interval = context.interval};
  telemetry.readings.reserve(values_.size());
  for (std::size_t i = 0; i < values_.size(); ++i) {
    const bool valid = values_[i] && std::isfinite(*values_[i]);
    if (valid) {
      last_valid_[i] = now;
    }
    telemetry.readings.push_back(
        {.value = valid ? *values_[i] : 0.0, .valid = valid, .age = now - last_valid_[i]});
  }
  return telemetry;
}

}  // namespace rein
