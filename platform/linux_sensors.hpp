#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "platform/board.hpp"
#include "platform/sensor.hpp"
#include "platform/sysfs_root.hpp"

namespace rein {

class SystemCalls;

/// All that a Linux machine can measure, read together.
class LinuxSensors {
 public:
  /// `calls`: for the counters, and must outlive this; null: no counters.
  LinuxSensors(const Board& board, const SysfsRoot& root, SystemCalls* calls);

  const std::vector<Signal>& signals() const { return signals_; }
  /// What is not there, or not for us.
  const std::vector<Missing>& missing() const { return missing_; }

  /// Reads everything; what is a rate covers the time since the call before. One reading for each
  /// of signals(); those that are not valid have the age of the last one that was.
  Telemetry sample(TimePoint now);

 private:
  SysfsRoot root_;
  std::vector<std::unique_ptr<Sensor>> sensors_;
  std::vector<Signal> signals_;
  std::vector<Missing> missing_;
  std::optional<TimePoint> last_sample_;
  std::vector<TimePoint> last_valid_;
  std::vector<std::optional<double>> values_;
};

}  // namespace rein
