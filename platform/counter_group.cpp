#include "platform/counter_group.hpp"

#include <fmt/format.h>
#include <linux/perf_event.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "platform/system_calls.hpp"

namespace rein {

struct CounterKind {
  const char* name;
  const char* unit;
  std::uint32_t type;
  std::uint64_t config;
  double scale;    ///< From the kernel's unit to ours.
  bool user_only;  ///< Means something even if only what happens in user mode is counted.
};

namespace {

constexpr std::array<CounterKind, 3> kHardware{{
    {"instructions", "1", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS, 1.0, true},
    {"cycles", "1", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, 1.0, true},
    {"cache_misses", "1", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES, 1.0, true},
}};
constexpr std::array<CounterKind, 4> kSoftware{{
    {"context_switches", "1", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES, 1.0, false},
    {"cpu_migrations", "1", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_MIGRATIONS, 1.0, false},
    {"page_faults", "1", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS, 1.0, true},
    {"task_clock_s", "s", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK, 1e-9, true},
}};
constexpr std::size_t kHeader = 3;  ///< Numbers before the counts: how many, enabled, running.

int open_kind(SystemCalls& calls, const CounterKind& kind, bool user_only, int thread, int leader) {
  perf_event_attr attributes{};
  attributes.size = sizeof(attributes);
  attributes.type = kind.type;
  attributes.config = kind.config;
  attributes.exclude_kernel = user_only ? 1 : 0;
  attributes.exclude_hv = user_only ? 1 : 0;
  attributes.read_format =
      PERF_FORMAT_GROUP | PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
  return calls.open_counter(attributes, thread, leader);
}

}  // namespace

CounterGroup::CounterGroup(SystemCalls& calls, int thread, std::vector<Missing>& missing)
    : calls_(calls) {
  const int trial = open_kind(calls_, kHardware.front(), false, thread, -1);
  if (trial >= 0) {
    calls_.close_counter(trial);
  }
  user_only_ = trial == -EACCES || trial == -EPERM;
  choose(kHardware, thread);
  if (kinds_.empty()) {
    missing.push_back({"perf_event_open: instructions, cycles, cache_misses",
                       "the processor's counters are not offered",
                       "a machine, not a virtual one, and perf_event_paranoid of at most 2"});
    choose(kSoftware, thread);
  }
  if (kinds_.empty()) {
    missing.push_back({"perf_event_open", "no counters are offered",
                       "lower /proc/sys/kernel/perf_event_paranoid, or run as root"});
  }
  for (const auto* kind : kinds_) {
    signals_.push_back(
        {.name = kind->name,
         .unit = kind->unit,
         .source = user_only_ ? "perf_event_open, user mode only" : "perf_event_open"});
  }
}

CounterGroup::~CounterGroup() {
  for (const auto& [thread, group] : groups_) {
    close_group(group);
  }
}

void CounterGroup::choose(std::span<const CounterKind> kinds, int thread) {
  Group group;
  for (const auto& kind : kinds) {
    if (user_only_ && !kind.user_only) {
      continue;
    }
    const int leader = group.descriptors.empty() ? -1 : group.descriptors.front();
    const int descriptor = open_kind(calls_, kind, user_only_, thread, leader);
    if (descriptor >= 0) {
      group.descriptors.push_back(descriptor);
      kinds_.push_back(&kind);
    }
  }
  close_group(group);
}

int CounterGroup::open_group(int thread) {
  Group group;
  for (const auto* kind : kinds_) {
    const int leader = group.descriptors.empty() ? -1 : group.descriptors.front();
    const int descriptor = open_kind(calls_, *kind, user_only_, thread, leader);
    if (descriptor < 0) {
      close_group(group);
      return -descriptor;
    }
    group.descriptors.push_back(descriptor);
  }
  group.last.resize(kHeader + kinds_.size());
  groups_.emplace(thread, std::move(group));
  return 0;
}

void CounterGroup::close_group(const Group& group) {
  for (const int descriptor : group.descriptors) {
    calls_.close_counter(descriptor);
  }
}

bool CounterGroup::advance(Group& group, std::vector<double>& sums) {
  std::vector<std::uint64_t> now(group.last.size());
  if (!calls_.read_counters(group.descriptors.front(), now) || now[0] != kinds_.size() ||
      now[1] < group.last[1] || now[2] < group.last[2]) {
    return false;
  }
  const std::uint64_t enabled = now[1] - group.last[1];
  const std::uint64_t running = now[2] - group.last[2];
  if (running == 0 && enabled > 0) {
    return false;
  }
  const double scale =
      running == 0 ? 1.0 : static_cast<double>(enabled) / static_cast<double>(running);
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const std::size_t at = kHeader + i;
    if (now[at] < group.last[at]) {
      return false;
    }
    sums[i] += static_cast<double>(now[at] - group.last[at]) * scale * kinds_[i]->scale;
  }
  group.last = std::move(now);
  return true;
}

void CounterGroup::sample(const SampleContext& context,
                          std::vector<std::optional<double>>& values) {
  if (kinds_.empty()) {
    return;
  }
  const bool has_before = std::exchange(has_groups_, true);
  bool complete = true;
  for (const int thread : context.threads) {
    const int error = groups_.contains(thread) ? 0 : open_group(thread);
    complete = complete && (error == 0 || error == ESRCH);
  }
  std::vector<double> sums(kinds_.size());
  for (auto entry = groups_.begin(); entry != groups_.end();) {
    // The counters of a thread that has ended can still be read, this once.
    const bool read = advance(entry->second, sums);
    const bool alive =
        std::binary_search(context.threads.begin(), context.threads.end(), entry->first);
    complete = complete && (read || !alive);
    if (alive) {
      ++entry;
    } else {
      close_group(entry->second);
      entry = groups_.erase(entry);
    }
  }
  complete = complete && has_before && !groups_.empty();
  for (const double sum : sums) {
    values.push_back(complete ? std::optional(sum) : std::nullopt);
  }
}

}  // namespace rein
