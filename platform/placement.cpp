#include "platform/placement.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <map>
#include <set>

#include "common/error.hpp"
#include "platform/control_guard.hpp"
#include "platform/sensor.hpp"
#include "platform/system_calls.hpp"

namespace rein {

namespace {

using CpusOfThread = std::function<const CpuList&(int thread)>;

/// A thread that is born meanwhile may have inherited the old CPUs, so the list is read again until
/// it holds nothing new.
void move_threads(const SysfsRoot& root, SystemCalls& calls, const CpusOfThread& cpus_of) {
  std::set<int> moved;
  bool found_new = true;
  while (found_new) {
    found_new = false;
    for (const int thread : list_threads(root)) {
      if (!moved.insert(thread).second) {
        continue;
      }
      found_new = true;
      const CpuList& cpus = cpus_of(thread);
      const int error = calls.set_affinity(thread, cpus);
      if (error != 0 && error != ESRCH) {
        throw Error(fmt::format("sched_setaffinity: cannot move thread {} to CPUs {}: {}", thread,
                                format_cpu_list(cpus), std::strerror(error)));
      }
    }
  }
}

}  // namespace

Placement::Placement(const SysfsRoot& root, SystemCalls& calls, ControlGuard& guard)
    : root_(root), calls_(calls) {
  std::map<int, CpuList> before;
  for (const int thread : list_threads(root_)) {
    if (auto cpus = calls_.affinity(thread)) {
      before.emplace(thread, std::move(*cpus));
    }
  }
  const auto main_thread = before.find(calls_.process_id());
  if (main_thread == before.end()) {
    throw Error(fmt::format("{}: expected this process's threads, found {} but not the main one",
                            root_.resolve("/proc/self/task").string(), before.size()));
  }
  guard.on_restore([root, &calls, before, others = main_thread->second] {
    move_threads(root, calls, [&](int thread) -> const CpuList& {
      const auto found = before.find(thread);
      return found == before.end() ? others : found->second;
    });
  });
}

void Placement::set(const CpuList& cpus) {
  move_threads(root_, calls_, [&cpus](int) -> const CpuList& { return cpus; });
  const auto granted = calls_.affinity(calls_.process_id());
  if (granted != cpus) {
    throw Error(fmt::format("sched_setaffinity: expected CPUs {}, found {} granted",
                            format_cpu_list(cpus),
                            granted ? format_cpu_list(*granted) : std::string("nothing")));
  }
}

}  // namespace rein
