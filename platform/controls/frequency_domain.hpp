#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "platform/board/board.hpp"
#include "platform/board/clock_files.hpp"
#include "platform/controls/actuator.hpp"
#include "platform/kernel/kernel_file.hpp"
#include "platform/kernel/sysfs_root.hpp"
#include "platform/sensors/sensor.hpp"

namespace rein {

class ControlGuard;

/// `frequency.<name>`: the clock of CPUs, a GPU or a memory controller, by a governor that leaves
/// it to us, or where there is none by drawing the limits together.
class FrequencyDomain final : public Actuator {
 public:
  /// What stands in the way of setting this domain's frequency; nothing if nothing does.
  static std::optional<Missing> obstacle(const SysfsRoot& root, const DomainSpec& spec);

  /// Saves governor and limits, changes nothing yet.
  /// @pre obstacle() found nothing. @throws Error if something cannot be saved.
  FrequencyDomain(const SysfsRoot& root, const DomainSpec& spec, ControlGuard& guard);

  const Control& control() const override { return control_; }
  bool available() override;
  void set(std::size_t level) override;
  bool is_undone() override;
  std::optional<double> granted() override;

 private:
  /// One of the directories that make up the domain.
  struct Clock {
    /// `cpus`: whose clock it is; none for a device's.
    Clock(const SysfsRoot& root, std::string folder, const ClockFiles& files, const CpuList& cpus);
    /// Whether it can be set: the kernel refuses that while all of its CPUs are offline.
    bool is_there();

    std::string folder;
    std::optional<std::uint64_t> lowest;  ///< That it takes, in the kernel's unit.
    std::optional<std::uint64_t> highest;
    KernelFile governor;
    KernelFile max;
    KernelFile current;
    std::vector<KernelFile> online;  ///< Of each of its CPUs; empty if one is always online.
    bool was_away = false;           ///< Since it was set last.
  };
  void save(const Clock& clock, ControlGuard& guard) const;
  void save_tunables(const std::string& folder, ControlGuard& guard) const;
  void set_clock(Clock& clock, const std::string& value);
  void set_limits(Clock& clock, const std::string& value);

  SysfsRoot root_;
  const ClockFiles& files_;
  std::vector<Clock> clocks_;
  Control control_;
  bool manual_;           ///< By governor and set-point, not by limits.
  std::string last_set_;  ///< In the kernel's unit; empty before.
};

}  // namespace rein
