#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "platform/kernel/cpu_set.hpp"
#include "platform/kernel/subject.hpp"
#include "platform/sensors/sensor.hpp"

namespace rein {

class SysfsRoot;

class SystemCalls;
struct CounterKind;
struct Pmu;

/// What the kernel counts for the subject, over each period: `instructions`, `cycles` and
/// `cache_misses` from the processor, or where it offers none `context_switches`,
/// `cpu_migrations`, `page_faults` and `task_clock_s` from the kernel. A processor with cores of
/// several kinds, each with counters of its own, gives `cycles.<unit>` of each as well.
///
/// One group of counters a thread and kind of core, so that ratios are of the same time; scaled up
/// where the processor's counters had to be shared. The kernel lets no child inherit a group that
/// is read as one: so each thread has its own from when it is first seen, and what it does before
/// is lost.
class CounterGroup final : public Sensor {
 public:
  /// What is not offered is added to `missing`. The calls of `root` must outlive this.
  /// What is offered is tried on a thread of the subject, or if there is none on this one.
  CounterGroup(const SysfsRoot& root, std::vector<Missing>& missing, const Subject& subject = {});
  ~CounterGroup() override;
  CounterGroup(const CounterGroup&) = delete;
  CounterGroup& operator=(const CounterGroup&) = delete;

  const std::vector<Signal>& signals() const override { return signals_; }
  void sample(const SampleContext& context, std::vector<Measurement>& measurements) override;

 private:
  struct Counter {
    const CounterKind* kind;
    std::uint32_t type;
    std::uint64_t config;
    std::uint64_t config1;
    std::uint64_t config2;
  };
  /// What is counted together, on CPUs of one kind.
  struct Unit {
    std::string name;  ///< Empty if there is but one.
    CpuList cpus;      ///< If there are several.
    std::vector<Counter> counters;
    std::vector<double> sums;  ///< Of the present sample, one for each counter.
  };
  struct Group {
    std::vector<int> descriptors;     ///< The leader first; one for each counter of the unit.
    std::vector<std::uint64_t> last;  ///< As read: number of counters, enabled, running, counts.
    std::vector<std::uint64_t> now;
    bool has_last = true;  ///< They began at 0.
  };
  using Groups = std::vector<Group>;  ///< Of one thread, one for each unit.
  /// What a signal adds up: counters, as unit and index.
  using Parts = std::vector<std::pair<std::size_t, std::size_t>>;

  /// @return a descriptor, or minus an error.
  int open_counter(const Counter& counter, int thread, int leader);
  /// Whether the kernel keeps its own work from us.
  bool is_kernel_private(const Counter& counter, int thread);
  void add_generic_unit(std::span<const CounterKind> kinds, int thread);
  void add_core_units(const SysfsRoot& root, const std::vector<Pmu>& pmus, int thread,
                      std::vector<Missing>& missing);
  /// Adds the unit with those of its counters that can be opened together, if there are any.
  void add_unit(Unit unit, int thread);
  void add_signals(const CpuList& all_cpus);
  /// `unit`: its name; empty: the sum over all of them.
  void add_signal(const CounterKind& kind, const std::string& unit, Parts parts);

  /// @return 0 or an error; ESRCH if the thread is gone.
  int open_groups(int thread);
  void close_groups(const Groups& groups);
  bool read(Group& group);
  /// Adds to the units' sums what was counted since the call before. @return false if that is not
  /// known.
  bool advance(Groups& groups);
  /// The same of all threads. @return false, and why in problem_, if some are not known.
  bool advance_all(const std::vector<int>& threads);

  SystemCalls& calls_;
  bool is_self_;
  bool user_only_ = false;  ///< The kernel keeps its own work from us.
  bool covers_all_ = true;  ///< Some unit counts on each CPU.
  std::vector<Unit> units_;
  std::vector<Signal> signals_;
  std::vector<Parts> parts_;  ///< One for each signal.
  std::map<int, Groups> threads_;
  bool has_before_ = false;
  std::string problem_;
};

}  // namespace rein
