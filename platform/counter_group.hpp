#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "platform/sensor.hpp"

namespace rein {

class SystemCalls;
struct CounterKind;

/// What the kernel counts for this process, over each period: `instructions`, `cycles` and
/// `cache_misses` from the processor, or where it offers none `context_switches`,
/// `cpu_migrations`, `page_faults` and `task_clock_s` from the kernel.
///
/// One group of counters a thread, so that ratios are of the same time; scaled up where the
/// processor's counters had to be shared. What a thread does before it is first seen is lost.
class CounterGroup final : public Sensor {
 public:
  /// Which counters the kernel lets us have is found out with `thread`, one of this process.
  /// `calls` must outlive this. What is not offered is added to `missing`.
  CounterGroup(SystemCalls& calls, int thread, std::vector<Missing>& missing);
  ~CounterGroup() override;
  CounterGroup(const CounterGroup&) = delete;
  CounterGroup& operator=(const CounterGroup&) = delete;

  const std::vector<Signal>& signals() const override { return signals_; }
  void sample(const SampleContext& context, std::vector<std::optional<double>>& values) override;

 private:
  struct Group {
    std::vector<int> descriptors;     ///< The leader first.
    std::vector<std::uint64_t> last;  ///< As read: number of counters, enabled, running, counts.
  };

  /// Takes of `kinds` those that can be counted together.
  void choose(std::span<const CounterKind> kinds, int thread);
  /// @return 0 or an error; ESRCH if the thread is gone.
  int open_group(int thread);
  void close_group(const Group& group);
  /// Adds what has been counted since the call before; false if the group was not on the processor
  /// although its thread was.
  bool advance(Group& group, std::vector<double>& sums);

  SystemCalls& calls_;
  bool user_only_ = false;  ///< The kernel keeps its own work from us.
  std::vector<const CounterKind*> kinds_;
  std::vector<Signal> signals_;
  std::map<int, Group> groups_;
  bool has_groups_ = false;
};

}  // namespace rein
