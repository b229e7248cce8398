#pragma once

#include <vector>

#include "platform/kernel/kernel_file.hpp"
#include "platform/kernel/sysfs_root.hpp"
#include "platform/sensors/sensor.hpp"

namespace rein {

/// `pressure_cpu_share` and `pressure_memory_share`: the share of the time in which some task of
/// the machine waited for that (the kernel's pressure stall information, "some").
class PressureSensor final : public Sensor {
 public:
  /// What is not there is added to `missing`.
  PressureSensor(const SysfsRoot& root, std::vector<Missing>& missing);

  const std::vector<Signal>& signals() const override { return signals_; }
  void sample(const SampleContext& context, std::vector<Measurement>& measurements) override;

 private:
  struct Resource {
    KernelFile file;
    CounterStep stalled_us;
  };

  std::vector<Signal> signals_;
  std::vector<Resource> resources_;
};

}  // namespace rein
