#include "platform/placement.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include "common/error.hpp"
#include "platform/control_guard.hpp"
#include "platform/sensor.hpp"

namespace rein {

namespace {

using CpusOfThread = std::function<const CpuList&(int thread)>;

/// A thread that is born meanwhile may have inherited the old CPUs, so the list is read again until
/// it holds nothing new.
void move_threads(const SysfsRoot& root, const CpusOfThread& cpus_of) {
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
      const int error = root.calls().set_affinity(thread, cpus);
      if (error != 0 && error != ESRCH) {
        throw Error(fmt::format("sched_setaffinity: cannot move thread {} to CPUs {}: {}", thread,
                                format_cpu_list(cpus), std::strerror(error)));
      }
    }
  }
}

std::string online_file(int cpu) {
  return fmt::format("/sys/devices/system/cpu/cpu{}/online", cpu);
}

}  // namespace

std::optional<Missing> Placement::foreign_device(const Place& place) {
  if (place.device == "cpu") {
    return std::nullopt;
  }
  return Missing{"place " + place.name,
                 "is on the " + place.device + ", and a real run computes on CPUs alone",
                 "it is there on the simulated board (`platform: {kind: simulated}`)"};
}

std::optional<Missing> Placement::obstacle(const SysfsRoot& root, const Place& place) {
  const std::string file = "/sys/devices/system/cpu/online";
  const CpuList online = parse_cpu_list(root.try_read(file).value_or(""));
  if (!std::ranges::includes(online, place.cpus)) {
    return Missing{file,
                   fmt::format("the CPUs {} of the place {} are not all online, only {} are",
                               format_cpu_list(place.cpus), place.name, format_cpu_list(online)),
                   "bring them online, or take the place out of the board file"};
  }
  for (const int cpu : place.offline) {
    if (!root.writable(online_file(cpu))) {
      return Missing{
          online_file(cpu),
          fmt::format("cannot be written, but the place {} takes the CPU offline", place.name),
          "run as root; some CPUs, often the first, cannot go offline at all"};
    }
  }
  return std::nullopt;
}

Placement::Placement(const SysfsRoot& root, const std::string& application,
                     std::vector<Place> places, ControlGuard& guard)
    : root_(root), places_(std::move(places)) {
  control_ = {.name = "mapping." + application, .unit = "threads", .levels = {}};
  for (const auto& place : places_) {
    control_.levels.push_back({.label = place.name, .value = static_cast<double>(place.threads)});
    for (const int cpu : place.offline) {
      if (online_.try_emplace(cpu, root_.read(online_file(cpu)) == "1").second) {
        guard.save(online_file(cpu));
      }
    }
  }
  std::map<int, CpuList> before;
  for (const int thread : list_threads(root_)) {
    if (auto cpus = root_.calls().affinity(thread)) {
      before.emplace(thread, std::move(*cpus));
    }
  }
  const auto main_thread = before.find(root_.calls().process_id());
  if (main_thread == before.end()) {
    throw Error(fmt::format("{}: expected this process's threads, found {} but not the main one",
                            root_.resolve("/proc/self/task").string(), before.size()));
  }
  guard.on_restore([root, before, others = main_thread->second] {
    move_threads(root, [&](int thread) -> const CpuList& {
      const auto found = before.find(thread);
      return found == before.end() ? others : found->second;
    });
  });
}

void Placement::set_online(int cpu, bool online) {
  bool& now = online_.at(cpu);
  if (now != online) {
    root_.write(online_file(cpu), online ? "1" : "0");
    now = online;
  }
}

void Placement::set(std::size_t level) {
  const Place& place = places_.at(level);
  level_.reset();
  for (const auto& [cpu, online] : online_) {
    if (std::ranges::find(place.offline, cpu) == place.offline.end()) {
      set_online(cpu, true);
    }
  }
  move_threads(root_, [&place](int) -> const CpuList& { return place.cpus; });
  const auto granted = root_.calls().affinity(root_.calls().process_id());
  if (granted != place.cpus) {
    throw Error(fmt::format("sched_setaffinity: expected CPUs {}, found {} granted",
                            format_cpu_list(place.cpus),
                            granted ? format_cpu_list(*granted) : std::string("nothing")));
  }
  for (const int cpu : place.offline) {
    set_online(cpu, false);
  }
  level_ = level;
}

std::optional<double> Placement::granted() {
  const auto cpus = root_.calls().affinity(root_.calls().process_id());
  if (!cpus) {
    return std::nullopt;
  }
  // A network that computes on several threads gives each a part of the place.
  if (level_ && std::ranges::includes(places_[*level_].cpus, *cpus)) {
    return places_[*level_].threads;
  }
  const auto place = std::ranges::find(places_, *cpus, &Place::cpus);
  return place == places_.end() ? std::nullopt : std::optional<double>(place->threads);
}

}  // namespace rein
