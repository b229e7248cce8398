#pragma once

#include <optional>
#include <string>
#include <vector>

#include "platform/board.hpp"
#include "platform/cpu_time_sensor.hpp"
#include "platform/kernel_file.hpp"
#include "platform/sensor.hpp"
#include "platform/sysfs_root.hpp"

namespace rein {

/// `power_w` and `power_w.<rail>` from RAPL's energy counters (powercap): the mean over the period.
/// power_w is the sum of the packages; what lies within or beside them (core, dram, psys) is a
/// rail.
class RaplPowerSensor final : public Sensor {
 public:
  /// What is there and cannot be read is added to `missing`.
  RaplPowerSensor(const SysfsRoot& root, std::vector<Missing>& missing);

  const std::vector<Signal>& signals() const override { return signals_; }
  void sample(const SampleContext& context, std::vector<std::optional<double>>& values) override;

 private:
  struct Zone {
    std::string path;
    bool package = false;
    std::optional<std::uint64_t> max_uj;  ///< Where the counter wraps to 0.
    std::optional<std::uint64_t> last_uj;
  };
  std::optional<double> advance(Zone& zone, const SampleContext& context);

  SysfsRoot root_;
  std::vector<Signal> signals_;
  std::vector<Zone> zones_;
  bool has_packages_ = false;
};

/// `power_w.<rail>` from hwmon: power in uW, or voltage in mV times current in mA (INA3221).
///
/// The sum of rails is not the total, as rails may contain each other: `power_w` is the rail
/// labelled VDD_IN, or the only one.
class HwmonPowerSensor final : public Sensor {
 public:
  /// `with_total`: whether power_w is wanted, since no better source has it.
  HwmonPowerSensor(const SysfsRoot& root, bool with_total);

  const std::vector<Signal>& signals() const override { return signals_; }
  void sample(const SampleContext& context, std::vector<std::optional<double>>& values) override;

 private:
  struct Rail {
    std::string path;          ///< uW, or mA if there is a voltage.
    std::string voltage_path;  ///< mV; empty if there is none.
  };
  SysfsRoot root_;
  std::vector<Signal> signals_;
  std::vector<Rail> rails_;
  std::optional<std::size_t> total_;  ///< Index of the rail that is power_w; the last signal then.
};

/// What the board's PowerModel makes of CPU time: `power_ours_w`, what the managed network adds,
/// and `power_w` of the whole machine if no sensor gives it.
class ModelledPowerSensor final : public Sensor {
 public:
  /// `cpu_time` must outlive this, and be sampled before.
  ModelledPowerSensor(const PowerModel& model, const CpuTimeSensor& cpu_time, bool with_total);

  const std::vector<Signal>& signals() const override { return signals_; }
  void sample(const SampleContext& context, std::vector<std::optional<double>>& values) override;

 private:
  PowerModel model_;
  const CpuTimeSensor& cpu_time_;
  std::vector<Signal> signals_;
};

/// Whether one of the signals is the power of the whole machine.
bool has_total_power(const std::vector<Signal>& signals);

}  // namespace rein
