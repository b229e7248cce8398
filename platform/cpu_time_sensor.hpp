#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "platform/cpu_set.hpp"
#include "platform/kernel_file.hpp"
#include "platform/sensor.hpp"
#include "platform/sysfs_root.hpp"

namespace rein {

/// Who used each CPU: `cpu_ours_share.cpuN`, `cpu_others_share.cpuN`, `cpu_steal_share.cpuN`.
///
/// Busy time comes from /proc/stat, in ticks of mostly 10 ms. Ours comes from each thread's
/// run time in ns, all of which counts for the CPU that the thread was last seen on: right for
/// threads that are pinned, approximate for those that wander. What a thread did between the last
/// sample and its end is lost.
class CpuTimeSensor final : public Sensor {
 public:
  CpuTimeSensor(const SysfsRoot& root, const CpuList& cpus);

  const std::vector<Signal>& signals() const override { return signals_; }
  void sample(const SampleContext& context, std::vector<std::optional<double>>& values) override;

  /// Of the last sample: how many CPUs' worth of time were busy, with ours and with anything.
  std::optional<double> ours_cpus() const { return ours_cpus_; }
  std::optional<double> busy_cpus() const { return busy_cpus_; }

 private:
  struct Ticks {
    std::uint64_t busy = 0;
    std::uint64_t steal = 0;
    std::uint64_t total = 0;
  };
  struct Share {
    double busy = 0.0;
    double steal = 0.0;
  };
  struct Thread {
    KernelFile schedstat;
    KernelFile stat;
    std::uint64_t run_ns = 0;
    int cpu = -1;  ///< It was last seen on; -1: unknown.
  };
  struct ThreadTime {
    std::uint64_t run_ns = 0;
    int cpu = -1;
  };

  std::map<int, Ticks> read_ticks();
  std::map<int, Share> advance_shares();
  /// Our run time on each CPU since the sample before; nothing if unknown.
  std::optional<std::map<int, double>> advance_ours(const SampleContext& context);
  static std::optional<ThreadTime> read_thread(Thread& thread);

  SysfsRoot root_;
  CpuList cpus_;
  std::vector<Signal> signals_;
  KernelFile stat_;
  std::map<int, Ticks> ticks_;
  std::map<int, Thread> threads_;
  bool has_threads_ = false;
  std::optional<double> ours_cpus_;
  std::optional<double> busy_cpus_;
};

}  // namespace rein
