#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "platform/sensors/sensor.hpp"

namespace rein {

class SysfsRoot;

class SystemCalls;
struct Pmu;

/// `power_w.<zone>` from RAPL's energy counters by way of perf_event_open: for where powercap has
/// them not, or not for us. The same zones under the same names; the mean over the period.
class PerfPowerSensor final : public Sensor {
 public:
  /// No signals, and nothing missing, if the kernel does not list such counters. Those that cannot
  /// be opened are added to `missing`. The calls of `root` must outlive this.
  PerfPowerSensor(const SysfsRoot& root, std::vector<Missing>& missing);
  ~PerfPowerSensor() override;
  PerfPowerSensor(const PerfPowerSensor&) = delete;
  PerfPowerSensor& operator=(const PerfPowerSensor&) = delete;

  const std::vector<Signal>& signals() const override { return signals_; }
  void sample(const SampleContext& context, std::vector<Measurement>& measurements) override;

  /// Indices of the signals that are packages, which together are the processor.
  const std::vector<std::size_t>& packages() const { return packages_; }

 private:
  struct Counter {
    int descriptor;
    std::string where;  ///< For messages.
    double j;           ///< Of a count.
    bool package;
    std::optional<std::uint64_t> last;
  };
  void open_on(const SysfsRoot& root, const Pmu& pmu, int cpu, std::vector<SensorName>& names,
               std::vector<Missing>& missing);
  Measurement measure(Counter& counter, Duration interval);

  SystemCalls& calls_;
  std::vector<Counter> counters_;
  std::vector<Signal> signals_;
  std::vector<std::size_t> packages_;
};

}  // namespace rein
