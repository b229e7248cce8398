#include "platform/sensors/counter_group.hpp"

#include <fmt/format.h>
#include <linux/perf_event.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <utility>

#include "platform/kernel/pmu.hpp"
#include "platform/kernel/sysfs_root.hpp"
#include "platform/kernel/system_calls.hpp"
#include "platform/kernel/thread_list.hpp"
#include "platform/quantities.hpp"

namespace rein {

struct CounterKind {
  const char* name;
  std::uint32_t type;
  std::uint64_t config;
  double scale;    ///< From the kernel's unit to ours.
  bool user_only;  ///< Means something even if only what happens in user mode is counted.
  /// As units of their own list it; the first that is there is it.
  std::array<const char*, 4> events{};
};

namespace {

constexpr std::array<CounterKind, 3> kHardware{{
    {"instructions",
     PERF_TYPE_HARDWARE,
     PERF_COUNT_HW_INSTRUCTIONS,
     1.0,
     true,
     {"inst_retired", "instructions"}},
    {"cycles",
     PERF_TYPE_HARDWARE,
     PERF_COUNT_HW_CPU_CYCLES,
     1.0,
     true,
     {"cpu_cycles", "cpu-cycles"}},
    {"cache_misses",
     PERF_TYPE_HARDWARE,
     PERF_COUNT_HW_CACHE_MISSES,
     1.0,
     true,
     {"cache-misses", "l2d_cache_refill", "ll_cache_miss_rd", "l1d_cache_refill"}},
}};
constexpr std::array<CounterKind, 4> kSoftware{{
    {"context_switches", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES, 1.0, false},
    {"cpu_migrations", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_MIGRATIONS, 1.0, false},
    {"page_faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS, 1.0, true},
    {"task_clock_s", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK, 1e-9, true},
}};
// What a group gives: how many counters, how long they were enabled and on the processor, counts.
constexpr std::size_t kEnabled = 1;
constexpr std::size_t kRunning = 2;
constexpr std::size_t kCounts = 3;

CpuList merge(const CpuList& left, const CpuList& right) {
  CpuList all;
  std::set_union(left.begin(), left.end(), right.begin(), right.end(), std::back_inserter(all));
  return all;
}

/// Those of the names that are given.
std::vector<const char*> given_names(const CounterKind& kind) {
  std::vector<const char*> names(kind.events.begin(), kind.events.end());
  std::erase(names, nullptr);
  return names;
}

int thread_to_try(const SysfsRoot& root, const Subject& subject) {
  std::vector<int> threads;
  if (!subject.is_self()) {
    ThreadList(root, subject).read(threads);
  }
  return threads.empty() ? root.calls().process_id() : threads.front();
}

}  // namespace

CounterGroup::CounterGroup(const SysfsRoot& root, std::vector<Missing>& missing,
                           const Subject& subject)
    : calls_(root.calls()), is_self_(subject.is_self()) {
  const int thread = thread_to_try(root, subject);
  const auto pmus = find_core_pmus(root);
  CpuList cpus;
  if (pmus.size() > 1) {
    add_core_units(root, pmus, thread, missing);
    for (const auto& pmu : pmus) {
      cpus = merge(cpus, pmu.cpus);
    }
  } else {
    add_generic_unit(kHardware, thread);
    const auto offers = [this](const CounterKind& kind) {
      return std::ranges::any_of(units_[0].counters,
                                 [&kind](const Counter& each) { return each.kind == &kind; });
    };
    for (const auto& kind : kHardware) {
      if (!units_.empty() && !offers(kind)) {
        missing.push_back({fmt::format("perf_event_open: {}", kind.name),
                           "the processor does not count them, or not beside the others",
                           "nothing: it is left out"});
      }
    }
  }
  if (units_.empty()) {
    missing.push_back({"perf_event_open: instructions, cycles, cache_misses",
                       "the processor's counters are not offered",
                       fmt::format("a machine, not a virtual one, and perf_event_paranoid of at "
                                   "most 2{}",
                                   is_self_ ? "" : ", and root, or threads of your own user")});
    cpus.clear();
    add_generic_unit(kSoftware, thread);
  }
  if (units_.empty()) {
    missing.push_back({"perf_event_open", "no counters are offered",
                       "lower /proc/sys/kernel/perf_event_paranoid, or run as root"});
  }
  add_signals(cpus);
}

CounterGroup::~CounterGroup() {
  for (const auto& [thread, groups] : threads_) {
    close_groups(groups);
  }
}

int CounterGroup::open_counter(const Counter& counter, int thread, int leader) {
  perf_event_attr attributes{};
  attributes.size = sizeof(attributes);
  attributes.type = counter.type;
  attributes.config = counter.config;
  attributes.config1 = counter.config1;
  attributes.config2 = counter.config2;
  attributes.exclude_kernel = user_only_ ? 1 : 0;
  attributes.exclude_hv = user_only_ ? 1 : 0;
  attributes.read_format =
      PERF_FORMAT_GROUP | PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
  return calls_.open_counter(attributes, thread, /*cpu=*/-1, leader);
}

bool CounterGroup::is_kernel_private(const Counter& counter, int thread) {
  const int trial = open_counter(counter, thread, -1);
  if (trial >= 0) {
    calls_.close_counter(trial);
  }
  return trial == -EACCES || trial == -EPERM;
}

void CounterGroup::add_generic_unit(std::span<const CounterKind> kinds, int thread) {
  Unit unit;
  for (const auto& kind : kinds) {
    unit.counters.push_back({&kind, kind.type, kind.config, 0, 0});
  }
  add_unit(std::move(unit), thread);
}

void CounterGroup::add_core_units(const SysfsRoot& root, const std::vector<Pmu>& pmus, int thread,
                                  std::vector<Missing>& missing) {
  for (const auto& pmu : pmus) {
    Unit unit{.name = pmu.name, .cpus = pmu.cpus, .counters = {}, .sums = {}};
    for (const auto& kind : kHardware) {
      if (const auto event = find_event(root, pmu, given_names(kind))) {
        unit.counters.push_back({&kind, pmu.type, event->config, event->config1, event->config2});
      }
    }
    const std::size_t before = units_.size();
    add_unit(std::move(unit), thread);
    const std::size_t offered = units_.size() > before ? units_.back().counters.size() : 0;
    if (offered < kHardware.size()) {
      missing.push_back({pmu.path,
                         fmt::format("offers {} of instructions, cycles and cache misses", offered),
                         "a kernel that knows these cores, and perf_event_paranoid of at most 2"});
    }
  }
}

void CounterGroup::add_unit(Unit unit, int thread) {
  if (unit.counters.empty()) {
    return;
  }
  user_only_ = user_only_ || is_kernel_private(unit.counters.front(), thread);
  std::vector<int> trial;
  std::erase_if(unit.counters, [&](const Counter& counter) {
    if (user_only_ && !counter.kind->user_only) {
      return true;
    }
    const int descriptor = open_counter(counter, thread, trial.empty() ? -1 : trial.front());
    if (descriptor >= 0) {
      trial.push_back(descriptor);
    }
    return descriptor < 0;
  });
  for (const int descriptor : trial) {
    calls_.close_counter(descriptor);
  }
  if (!unit.counters.empty()) {
    unit.sums.resize(unit.counters.size());
    units_.push_back(std::move(unit));
  }
}

void CounterGroup::add_signals(const CpuList& all_cpus) {
  CpuList counted;
  for (const auto& unit : units_) {
    counted = merge(counted, unit.cpus);
  }
  covers_all_ = counted == all_cpus;
  // The sum over all units, where each CPU has its part in it.
  for (const auto kinds : {std::span<const CounterKind>(kHardware), {kSoftware}}) {
    for (const auto& kind : kinds) {
      Parts parts;
      CpuList cpus;
      for (std::size_t unit = 0; unit < units_.size(); ++unit) {
        for (std::size_t i = 0; i < units_[unit].counters.size(); ++i) {
          if (units_[unit].counters[i].kind == &kind) {
            parts.emplace_back(unit, i);
            cpus = merge(cpus, units_[unit].cpus);
          }
        }
      }
      if (!parts.empty() && cpus == all_cpus) {
        add_signal(kind, "", std::move(parts));
      }
    }
  }
  for (std::size_t unit = 0; unit < units_.size(); ++unit) {
    const auto& [name, cpus, counters, sums] = units_[unit];
    for (std::size_t i = 0; i < counters.size() && !name.empty(); ++i) {
      add_signal(*counters[i].kind, name, {{unit, i}});
    }
  }
}

void CounterGroup::add_signal(const CounterKind& kind, const std::string& unit, Parts parts) {
  signals_.push_back(make_signal(
      kind.name, unit, user_only_ ? "perf_event_open, user mode only" : "perf_event_open"));
  parts_.push_back(std::move(parts));
}

int CounterGroup::open_groups(int thread) {
  Groups groups;
  for (const auto& unit : units_) {
    Group& group = groups.emplace_back();
    for (const auto& counter : unit.counters) {
      const int leader = group.descriptors.empty() ? -1 : group.descriptors.front();
      const int descriptor = open_counter(counter, thread, leader);
      if (descriptor < 0) {
        close_groups(groups);
        return -descriptor;
      }
      group.descriptors.push_back(descriptor);
    }
    group.last.resize(kCounts + unit.counters.size());
    group.now.resize(group.last.size());
  }
  threads_.emplace(thread, std::move(groups));
  return 0;
}

void CounterGroup::close_groups(const Groups& groups) {
  for (const auto& group : groups) {
    for (const int descriptor : group.descriptors) {
      calls_.close_counter(descriptor);
    }
  }
}

bool CounterGroup::read(Group& group) {
  if (!calls_.read_counters(group.descriptors.front(), group.now) ||
      group.now[0] != group.descriptors.size()) {
    group.has_last = false;
    return false;
  }
  const bool grows = std::equal(group.now.begin() + kEnabled, group.now.end(),
                                group.last.begin() + kEnabled, std::greater_equal<>());
  return std::exchange(group.has_last, true) && grows;
}

bool CounterGroup::advance(Groups& groups) {
  bool known = true;
  std::uint64_t enabled = 0;
  std::uint64_t running = 0;
  for (auto& group : groups) {
    known = read(group) && known;
    enabled = std::max(enabled, group.now[kEnabled] - group.last[kEnabled]);
    running += group.now[kRunning] - group.last[kRunning];
  }
  // All units are enabled while the thread runs, but only that of its CPU counts: what one unit
  // missed because the thread was elsewhere is no reason to scale it up.
  known = known && (running > 0 || enabled == 0 || !covers_all_);
  const double scale = covers_all_ && running > 0
                           ? static_cast<double>(enabled) / static_cast<double>(running)
                           : 1.0;
  for (std::size_t unit = 0; unit < groups.size(); ++unit) {
    Group& group = groups[unit];
    for (std::size_t i = 0; known && i < group.descriptors.size(); ++i) {
      units_[unit].sums[i] +=
          static_cast<double>(group.now[kCounts + i] - group.last[kCounts + i]) * scale *
          units_[unit].counters[i].kind->scale;
    }
    std::swap(group.last, group.now);
  }
  return known;
}

bool CounterGroup::advance_all(const std::vector<int>& threads) {
  problem_.clear();
  for (const int thread : threads) {
    const int error = threads_.contains(thread) ? 0 : open_groups(thread);
    if (error != 0 && error != ESRCH) {
      problem_ = fmt::format("perf_event_open: thread {} cannot be counted: {}", thread,
                             std::strerror(error));
    }
  }
  for (auto entry = threads_.begin(); entry != threads_.end();) {
    // The counters of a thread that has ended can still be read, this once.
    const bool known = advance(entry->second);
    const bool alive = std::binary_search(threads.begin(), threads.end(), entry->first);
    if (alive && !known && problem_.empty()) {
      problem_ = fmt::format("perf_event_open: thread {} was not counted", entry->first);
    }
    if (alive) {
      ++entry;
    } else {
      close_groups(entry->second);
      entry = threads_.erase(entry);
    }
  }
  if (threads_.empty() && is_self_ && problem_.empty()) {
    problem_ = "perf_event_open: there are no threads to count";
  }
  return problem_.empty();
}

void CounterGroup::sample(const SampleContext& context, std::vector<Measurement>& measurements) {
  for (auto& unit : units_) {
    std::fill(unit.sums.begin(), unit.sums.end(), 0.0);
  }
  const bool complete = signals_.empty() || advance_all(context.threads);
  const bool has_before = std::exchange(has_before_, true);
  for (const auto& parts : parts_) {
    Measurement& measurement = measurements.emplace_back();
    measurement.problem = problem_;
    if (!complete || !has_before || context.interval <= Duration::zero()) {
      continue;
    }
    measurement.value = 0.0;
    for (const auto& [unit, counter] : parts) {
      *measurement.value += units_[unit].sums[counter];
    }
  }
}

}  // namespace rein
