#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "platform/board/board.hpp"
#include "platform/controls/actuator.hpp"
#include "platform/kernel/cgroup.hpp"
#include "platform/kernel/kernel_file.hpp"
#include "platform/kernel/sysfs_root.hpp"

namespace rein {

class ControlGuard;

/// What of a board's bandwidth can be had here: what `rein probe` shows is what a run does.
struct BandwidthPlan {
  CpuCgroup cgroup;
  Subject subject;
  BandwidthSpec spec;          ///< With levels that the limits of the groups above leave.
  double unlimited_cpus = 0;   ///< From here on a level is no limit of our own.
  std::optional<Missing> cut;  ///< Which levels are above a limit, and of which file.
};

/// Changes nothing. @return or what is missing.
std::variant<BandwidthPlan, Missing> plan_bandwidth(const SysfsRoot& root, BandwidthSpec spec,
                                                    std::size_t num_cpus,
                                                    const Subject& subject = {});

/// `bandwidth.<name>`: limits the CPU time of this process by a control group of its own,
/// `rein-<process id>`; that of another process and all that comes of it likewise, by
/// `rein-<process id>-<the other's>`; that of a control group by its own quota.
///
/// Work limiting, not DVFS: within each period all threads together run for the quota, then wait.
/// Processes that this one forked before stay outside; those forked later are inside.
class BandwidthControl final : public Actuator {
 public:
  /// Removes empty groups of dead runs, makes a group, moves the subject into it without a limit,
  /// and notes with `guard` how to undo that. Or says why it cannot be; then nothing is changed.
  /// Processes that are not in the same group cannot: none would find back.
  static std::variant<std::unique_ptr<BandwidthControl>, Missing> create(const SysfsRoot& root,
                                                                         const BandwidthPlan& plan,
                                                                         ControlGuard& guard);

  const Control& control() const override { return control_; }
  /// No limit from what can be had at most on.
  void set(std::size_t level) override;
  /// The level that was set, while the kernel has it to the microsecond.
  std::optional<double> granted() override;

 private:
  /// As the kernel accounts, in us.
  struct Quota {
    std::optional<std::uint64_t> us;  ///< Nothing: no limit.
    std::uint64_t period_us = 0;
    bool operator==(const Quota&) const = default;
  };

  /// @param cgroup  with the group whose quota is set as its own.
  BandwidthControl(const SysfsRoot& root, const BandwidthPlan& plan, const CpuCgroup& cgroup);
  static std::unique_ptr<BandwidthControl> of_group(const SysfsRoot& root,
                                                    const BandwidthPlan& plan, ControlGuard& guard);
  Quota quota_of(double cpus) const;
  void write(const Quota& quota);
  std::optional<Quota> read();

  SysfsRoot root_;
  int version_;
  std::string path_;
  std::string period_path_;  ///< Of version 1, which has a file for it.
  KernelFile file_;
  KernelFile period_file_;
  std::uint64_t period_us_;
  double unlimited_cpus_;
  Control control_;
  std::optional<std::size_t> level_;  ///< That was set last.
  std::optional<Quota> unlimited_;    ///< What no limit of ours is, where there was another's.
};

}  // namespace rein
