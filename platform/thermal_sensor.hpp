#pragma once

#include <optional>
#include <vector>

#include "platform/sensor.hpp"
#include "platform/sysfs_root.hpp"

namespace rein {

/// `temperature_c.<type>` of each thermal zone; zones of the same type carry their number as well.
/// What is not from -40 to 150 degrees C is no temperature.
class ThermalSensor final : public Sensor {
 public:
  /// What is not there is added to `missing`.
  ThermalSensor(const SysfsRoot& root, std::vector<Missing>& missing);

  const std::vector<Signal>& signals() const override { return signals_; }
  void sample(const SampleContext& context, std::vector<std::optional<double>>& values) override;

 private:
  SysfsRoot root_;
  std::vector<Signal> signals_;
};

}  // namespace rein
