#pragma once

#include <optional>
#include <string>
#include <vector>

#include "platform/board.hpp"
#include "platform/sensor.hpp"
#include "platform/sysfs_root.hpp"

namespace rein {

class ControlGuard;

/// The operating points that cpufreq lists for a policy, in MHz, ascending. If the driver takes any
/// frequency: five in equal steps from the least to the greatest. Empty if it says neither.
std::vector<double> kernel_opps_mhz(const SysfsRoot& root, const std::string& policy);

/// CPUs that share a clock, set through cpufreq: by its `userspace` governor, or where there is
/// none by drawing the limits together.
class FrequencyDomain {
 public:
  /// What stands in the way of setting this domain's frequency; nothing if nothing does.
  static std::optional<Missing> obstacle(const SysfsRoot& root, const DomainSpec& spec);

  /// Saves governor and limits, changes nothing yet.
  /// @pre obstacle() found nothing. @throws Error if something cannot be saved.
  FrequencyDomain(const SysfsRoot& root, const DomainSpec& spec, ControlGuard& guard);

  /// Ascending; never empty.
  const std::vector<double>& opps_mhz() const { return opps_mhz_; }

  /// Requests an operating point by its index. The hardware may grant less (heat): read the signal
  /// `frequency_mhz`. @throws std::out_of_range. @throws Error naming path and value, if the
  /// kernel refuses.
  void set_level(std::size_t level);

 private:
  SysfsRoot root_;
  std::string folder_;
  std::vector<double> opps_mhz_;
  bool has_userspace_;
};

/// `frequency_mhz.<domain>`: the frequency that was granted, of each domain that says it.
class FrequencySensor final : public Sensor {
 public:
  FrequencySensor(const SysfsRoot& root, const std::vector<DomainSpec>& domains);

  const std::vector<Signal>& signals() const override { return signals_; }
  void sample(const SampleContext& context, std::vector<std::optional<double>>& values) override;

 private:
  SysfsRoot root_;
  std::vector<Signal> signals_;
};

}  // namespace rein
