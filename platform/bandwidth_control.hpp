#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "platform/actuator.hpp"
#include "platform/board.hpp"
#include "platform/cgroup.hpp"
#include "platform/sysfs_root.hpp"

namespace rein {

class ControlGuard;

/// `bandwidth.<name>`: limits the CPU time of this process by a control group of its own,
/// `rein-<process id>`.
///
/// Work limiting, not DVFS: within each period all threads together run for the quota, then wait.
/// Processes that were forked before stay outside; those forked later are inside.
class BandwidthControl final : public Actuator {
 public:
  /// Removes empty groups of dead runs, makes a group, moves this process into it without a limit,
  /// and notes with `guard` how to undo that. Or says why it cannot be; then nothing is changed.
  static std::variant<std::unique_ptr<BandwidthControl>, Missing> create(const SysfsRoot& root,
                                                                         const BandwidthSpec& spec,
                                                                         std::size_t num_cpus,
                                                                         ControlGuard& guard);

  const Control& control() const override { return control_; }
  /// No limit from the machine's number of CPUs on.
  void set(std::size_t level) override;
  std::optional<double> granted() override;

 private:
  BandwidthControl(const SysfsRoot& root, int version, const std::string& group,
                   const BandwidthSpec& spec, std::size_t num_cpus);
  void set_cpus(double cpus);

  SysfsRoot root_;
  int version_;
  std::string path_;
  long period_us_;
  double num_cpus_;
  Control control_;
};

}  // namespace rein
