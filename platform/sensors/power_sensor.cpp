#include "platform/sensors/power_sensor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "platform/quantities.hpp"

namespace rein {

TotalPowerSensor::TotalPowerSensor(std::vector<std::size_t> parts, const std::string& source,
                                   double min_w)
    : parts_(std::move(parts)), min_w_(min_w), signals_{make_signal("power_w", "", source)} {}

void TotalPowerSensor::sample(const SampleContext&, std::vector<Measurement>& measurements) {
  Measurement total;
  Folded sum(quantity_of(signals_.front().name).over_signals);
  bool is_complete = true;
  for (const std::size_t i : parts_) {
    const Measurement& part = measurements.at(i);
    sum.add(part.value.value_or(0.0));
    is_complete = is_complete && part.value;
    total.age = std::max(total.age, part.age);
    if (total.problem.empty()) {
      total.problem = part.problem;
    }
  }
  total.value = is_complete ? sum.value() : std::nullopt;
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
  signals_.push_back(make_signal("power_ours_w", "", source, /*estimated=*/true));
  if (with_total) {
    signals_.push_back(make_signal("power_w", "",
                                   fmt::format("{} and {} W idle", source, model.idle_w),
                                   /*estimated=*/true));
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
