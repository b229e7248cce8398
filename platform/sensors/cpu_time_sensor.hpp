#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/kernel/cpu_set.hpp"
#include "platform/kernel/kernel_file.hpp"
#include "platform/kernel/subject.hpp"
#include "platform/kernel/sysfs_root.hpp"
#include "platform/sensors/sensor.hpp"

namespace rein {

/// Who used each CPU, we (the subject) or others: `cpu_ours_share.cpuN`, `cpu_others_share.cpuN`,
/// `cpu_steal_share.cpuN`; below a root that is not where we run, the last alone.
///
/// Busy time comes from /proc/stat, in ticks of mostly 10 ms. Ours comes from each thread's
/// run time in ns, all of which counts for the CPU that the thread was last seen on: right for
/// threads that are pinned, approximate for those that wander. What a thread did between the last
/// sample and its end is lost, and so is what one did before it joined a control group. A CPU that
/// is offline has shares of 0.
class CpuTimeSensor final : public Sensor {
 public:
  CpuTimeSensor(const SysfsRoot& root, const CpuList& cpus, Subject subject = {});

  const std::vector<Signal>& signals() const override { return signals_; }
  void sample(const SampleContext& context, std::vector<Measurement>& measurements) override;

  /// Of the last sample: how many CPUs' worth of time were busy, with ours and with anything; the
  /// problem is why not, if there is one.
  const Measurement& ours_cpus() const { return ours_cpus_; }
  const Measurement& busy_cpus() const { return busy_cpus_; }

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
  struct Cpu {
    int number;
    std::optional<Ticks> last;
    std::optional<Ticks> now;
    std::optional<Share> share;
    std::string problem;  ///< Why there is no share, if that is trouble.
    double ours_s = 0.0;
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

  static std::optional<Ticks> parse_ticks(std::string_view numbers);
  Cpu* find_cpu(int number);
  void read_ticks();
  bool is_offline(int number);
  /// What became of a CPU since the sample before.
  void advance_share(Cpu& cpu);
  /// Adds up our run time on each CPU since the sample before, in s. @return false if unknown.
  bool advance_ours(const SampleContext& context);
  static std::optional<ThreadTime> read_thread(Thread& thread);
  void sum_up(bool ours_known, double interval_s);

  SysfsRoot root_;
  Subject subject_;
  std::vector<Cpu> cpus_;
  std::vector<Signal> signals_;
  bool with_threads_;
  KernelFile stat_;
  KernelFile online_;
  std::optional<CpuList> online_now_;  ///< Of the present sample, if it was needed.
  std::map<int, Thread> threads_;
  bool has_before_ = false;   ///< A sample that knows what our threads did.
  double elsewhere_s_ = 0.0;  ///< Our run time on CPUs that are unknown or not the board's.
  Measurement ours_cpus_;
  Measurement busy_cpus_;
};

}  // namespace rein
