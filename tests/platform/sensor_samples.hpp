#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/clock.hpp"
#include "platform/sensors/attribute.hpp"
#include "platform/sensors/sensor.hpp"

namespace rein::test {

using Values = std::vector<std::optional<double>>;

inline std::vector<std::string> names(const Sensor& sensor) {
  std::vector<std::string> result;
  for (const auto& signal : sensor.signals()) {
    result.push_back(signal.name);
  }
  return result;
}

inline std::vector<std::string> names(const std::vector<Attribute>& attributes) {
  std::vector<std::string> result;
  for (const auto& attribute : attributes) {
    result.push_back(attribute.signal.name);
  }
  return result;
}

/// One that was found, after it was given its name.
inline std::vector<Attribute> named(const SysfsRoot& root, std::vector<Attribute> found) {
  return name_signals(root, {}, std::move(found));
}

/// Samples a sensor as LinuxSensors does, at moments that a test chooses.
class Sampler {
 public:
  explicit Sampler(Sensor& sensor) : sensor_(sensor) {}

  /// `after`: the sample before. The first has no interval.
  const std::vector<Measurement>& sample(Duration after = {}, std::vector<int> threads = {}) {
    now_ += after;
    measurements_.clear();
    sensor_.sample({.now = now_,
                    .interval = std::exchange(sampled_, true) ? after : Duration{},
                    .threads = std::move(threads)},
                   measurements_);
    return measurements_;
  }
  Values values(Duration after = {}, std::vector<int> threads = {}) {
    Values result;
    for (const auto& measurement : sample(after, std::move(threads))) {
      result.push_back(measurement.value);
    }
    return result;
  }

 private:
  Sensor& sensor_;
  TimePoint now_ = TimePoint{} + std::chrono::hours(1);
  bool sampled_ = false;
  std::vector<Measurement> measurements_;
};

}  // namespace rein::test
