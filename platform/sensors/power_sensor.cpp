#include "platform/sensors/power_sensor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rein {

TotalPowerSensor::TotalPowerSensor(std::vector<std::size_t> parts, const std::string& source,
                                   double min_w)
    : parts_(std::move(parts)),
      min_w_(min_w),
      signals_{{.name = "power_w", .unit = "W", .source = source}} {}

void TotalPowerSensor::sample(const SampleContext&, std::vector<Measurement>& measurements) {
  Measurement total{.value = 0.0, .age = {}, .problem = {}};
  for (const std::size_t i : parts_) {
    const Measurement& part = measurements.at(i);
    total.value =
        total.value && part.value ? std::optional(*total.value + *part.value) : std::nullopt;
    total.age = std::max(total.age, part.age);
    if (total.problem.empty()) {
      total.problem = part.problem;
    }
  }
  if (total.value && *total.value < min_w_) {
    total.problem = fmt::format(
        "{}: expected at least {} W of a whole machine, found {:.4g}; if its unit is another, name "
        "the file with its scale under `sensors` of the board file",
        signals_.front().source, min_w_, *total.value);
    total.value.reset();
  }
  measurements.push_back(std::move(total));
}

ModelledPowerSensor::ModelledPowerSensor(const PowerModel& model, const CpuTimeSensor& cpu_time,
                                         bool with_total)
    : model_(model), cpu_time_(cpu_time) {
  const std::string source =
      fmt::format("{}model: {} W a busy CPU", model.is_assumed ? "assumed " : "", model.cpu_w);
  signals_.push_back({.name = "power_ours_w", .unit = "W", .source = source, .estimated = true});
  if (with_total) {
    signals_.push_back({.name = "power_w",
                        .unit = "W",
                        .source = fmt::format("{} and {} W idle", source, model.idle_w),
                        .estimated = true});
  }
}

void ModelledPowerSensor::sample(const SampleContext&, std::vector<Measurement>& measurements) {
  Measurement ours = cpu_time_.ours_cpus();
  if (ours.value) {
    *ours.value *= model_.cpu_w;
  }
  measurements.push_back(std::move(ours));
  if (signals_.size() > 1) {
    Measurement total = cpu_time_.busy_cpus();
    if (total.value) {
      *total.value = model_.idle_w + *total.value * model_.cpu_w;
    }
    measurements.push_back(std::move(total));
  }
}

}  // namespace rein
