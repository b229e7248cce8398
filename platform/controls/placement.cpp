#include "platform/controls/placement.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "common/error.hpp"
#include "platform/giving_back/control_guard.hpp"
#include "platform/kernel/birth.hpp"
#include "platform/kernel/thread_list.hpp"
#include "platform/kernel/usable_cpus.hpp"

namespace rein {

namespace {

std::string online_file(int cpu) {
  return fmt::format("/sys/devices/system/cpu/cpu{}/online", cpu);
}

}  // namespace

class Placement::Threads {
 public:
  Threads(const SysfsRoot& root, const Subject& subject) : root_(root), list_(root, subject) {
    for (const int thread : list()) {
      if (auto cpus = root_.calls().affinity(thread)) {
        before_.emplace(thread, std::move(*cpus));
      }
    }
    const auto main = before_.find(main_thread());
    if (main != before_.end()) {
      others_ = main->second;
    } else if (!subject.is_self()) {
      others_ = before_.empty() ? nameable_cpus(root) : before_.begin()->second;
    } else {
      throw Error(fmt::format("{}: expected this process's threads, found {} but not the main one",
                              root_.resolve(subject.list_path()).string(), before_.size()));
    }
  }

  /// Valid until the next call. @throws Error.
  const std::vector<int>& list() {
    if (const int error = list_.read(ids_); error != 0) {
      throw Error(fmt::format("{}: cannot be read: {}",
                              root_.resolve(list_.subject().list_path()).string(),
                              std::strerror(error)));
    }
    return ids_;
  }
  bool is_self() const { return list_.subject().is_self(); }

  /// Others live on whatever ends this process. What has lost its parent by then, and was not
  /// there yet, is not found.
  void note(ControlGuard& guard) const {
    const auto note = [&](const std::string& folder, const CpuList& cpus) {
      int ignored = 0;
      const auto stat = root_.resolve(folder + "/stat");
      if (const auto birth = read_birth(root_.calls(), stat.c_str(), ignored)) {
        guard.restore_cpus(folder, fmt::format("{} {}", birth->at, format_cpu_list(cpus)));
      }
    };
    for (const auto& [thread, cpus] : before_) {
      note(list_.subject().folder_of(thread), cpus);
    }
    if (list_.subject().kind() == Subject::Kind::kProcess) {
      note(fmt::format("/proc/{}", list_.subject().process_id()), others_);
    } else if (root_.exists(list_.subject().group_path())) {
      guard.restore_cpus(list_.subject().group_path(), format_cpu_list(others_));
    }
  }

  void move_to(const CpuList& cpus) {
    move([&cpus](int) -> const CpuList& { return cpus; });
  }
  void move_back() {
    move([this](int thread) -> const CpuList& {
      const auto found = before_.find(thread);
      return found == before_.end() ? others_ : found->second;
    });
  }
  /// Of the main thread, or of another subject the first that there is. Nothing if there is none.
  std::optional<CpuList> cpus() {
    if (is_self()) {
      return root_.calls().affinity(main_thread());
    }
    const auto& threads = list();
    return threads.empty() ? std::nullopt : root_.calls().affinity(threads.front());
  }
  /// The same of a thread that may run elsewhere than on `cpus`, if there is one.
  std::optional<CpuList> cpus_but(const CpuList& cpus) {
    if (is_self()) {
      return this->cpus();
    }
    std::optional<CpuList> of_first;
    for (const int thread : list()) {
      auto now = root_.calls().affinity(thread);
      of_first = of_first ? of_first : now;
      if (now && !std::ranges::includes(cpus, *now)) {
        return now;
      }
    }
    return of_first;
  }

 private:
  int main_thread() const {
    return is_self() ? root_.calls().process_id() : list_.subject().process_id();
  }

  /// A thread that is born meanwhile may have inherited the old CPUs, so the list is read again
  /// until it holds nothing new.
  void move(const std::function<const CpuList&(int thread)>& cpus_of) {
    std::set<int> moved;
    bool found_new = true;
    while (found_new) {
      found_new = false;
      for (const int thread : list()) {
        if (!moved.insert(thread).second) {
          continue;
        }
        found_new = true;
        const CpuList& cpus = cpus_of(thread);
        const int error = root_.calls().set_affinity(thread, cpus);
        if (error != 0 && error != ESRCH) {
          throw Error(fmt::format("sched_setaffinity: cannot move thread {} to CPUs {}: {}", thread,
                                  format_cpu_list(cpus), std::strerror(error)));
        }
      }
    }
  }

  SysfsRoot root_;
  ThreadList list_;
  std::vector<int> ids_;
  std::map<int, CpuList> before_;  ///< Of each thread, as found.
  CpuList others_;                 ///< For those that came later.
};

std::vector<Missing> Placement::leave_out_unusable(const SysfsRoot& root,
                                                   std::vector<Place>& places,
                                                   const DeviceObstacle& obstacle) {
  CpuList usable;
  try {
    usable = nameable_cpus(root);
  } catch (const Error&) {
    // A machine that tells of none: then no place can be used, which is told as well.
  }
  std::vector<Missing> missing;
  std::set<int> lacking;
  std::vector<std::string> names;
  std::erase_if(places, [&](const Place& place) {
    if (const auto why = obstacle(place.device)) {
      missing.push_back({"place " + place.name,
                         fmt::format("is on the {}, which cannot be used: {}", place.device, *why),
                         "docs/boards.md says what such a place needs on a real run"});
      return true;
    }
    if (!std::ranges::includes(usable, place.cpus)) {
      std::ranges::set_difference(place.cpus, usable, std::inserter(lacking, lacking.end()));
      names.push_back(place.name);
      return true;
    }
    for (const int cpu : place.offline) {
      if (!root.writable(online_file(cpu))) {
        missing.push_back(
            {online_file(cpu),
             fmt::format("cannot be written, but the place {} takes the CPU offline", place.name),
             "run as root; some CPUs, often the first, cannot go offline at all"});
        return true;
      }
    }
    return false;
  });
  if (!names.empty()) {
    const CpuList cpus(lacking.begin(), lacking.end());
    const bool offline =
        std::ranges::none_of(cpus, [&root](int cpu) { return is_online(root, cpu); });
    missing.insert(
        missing.begin(),
        Missing{
            offline ? "/sys/devices/system/cpu/online" : "sched_getaffinity",
            fmt::format("the CPUs {} of the place{} {} {}, {} can be used", format_cpu_list(cpus),
                        names.size() == 1 ? "" : "s", fmt::join(names, ", "),
                        offline ? "are offline" : "are not ours",
                        usable.empty() ? "none" : fmt::format("only {}", format_cpu_list(usable))),
            offline ? "bring them online, or take what names them out of the board file"
                    : "start Rein where it may use them (taskset, cpuset, container), or take "
                      "what names them out of the board file"});
  }
  return missing;
}

Placement::Placement(const SysfsRoot& root, const std::string& application,
                     std::vector<Place> places, ControlGuard& guard, const Subject& subject)
    : root_(root), control_(mapping_control(application, std::move(places))) {
  for (const auto& place : control_.places) {
    for (const int cpu : place.offline) {
      if (online_.try_emplace(cpu, root_.read(online_file(cpu)) == "1").second) {
        guard.save(online_file(cpu));
      }
    }
  }
  threads_ = std::make_shared<Threads>(root, subject);
  if (!subject.is_self()) {
    threads_->note(guard);
  }
  guard.on_restore([threads = threads_] { threads->move_back(); });
}

bool Placement::available() {
  try {
    return threads_->is_self() || !threads_->list().empty();
  } catch (const Error&) {
    return true;  // That it cannot be told is told by what is tried.
  }
}

void Placement::set_online(int cpu, bool online) {
  bool& now = online_.at(cpu);
  if (now != online) {
    root_.write(online_file(cpu), online ? "1" : "0");
    now = online;
  }
}

void Placement::set(std::size_t level) {
  const auto previous = std::exchange(level_, std::nullopt);
  try {
    enter(control_.places.at(level));
  } catch (const Error&) {
    put_back(previous);
    throw;
  }
  level_ = level;
}

void Placement::enter(const Place& place) {
  for (const auto& [cpu, online] : online_) {
    if (std::ranges::find(place.offline, cpu) == place.offline.end()) {
      set_online(cpu, true);
    }
  }
  threads_->move_to(place.cpus);
  const auto granted = threads_->cpus();
  if (granted != place.cpus && (threads_->is_self() || granted)) {
    throw Error(fmt::format("sched_setaffinity: expected CPUs {}, found {} granted",
                            format_cpu_list(place.cpus),
                            granted ? format_cpu_list(*granted) : std::string("nothing")));
  }
  for (const int cpu : place.offline) {
    set_online(cpu, false);
  }
}

bool Placement::is_refused_meanwhile(std::size_t level) const {
  return std::ranges::any_of(control_.places.at(level).cpus, [this](int cpu) {
    const auto ours = online_.find(cpu);
    return (ours == online_.end() || ours->second) && !is_online(root_, cpu);
  });
}

/// What is refused now, too, stays as it is.
void Placement::put_back(std::optional<std::size_t> level) {
  try {
    if (level) {
      enter(control_.places[*level]);
      level_ = level;
    } else {
      threads_->move_back();
    }
  } catch (const Error&) {
    level_.reset();
  }
}

std::optional<double> Placement::granted() {
  const auto& places = control_.places;
  granted_level_.reset();
  std::optional<CpuList> cpus;
  try {
    cpus = level_ ? threads_->cpus_but(places[*level_].cpus) : threads_->cpus();
  } catch (const Error&) {
    return std::nullopt;
  }
  if (!cpus) {
    return std::nullopt;
  }
  // A network that computes on several threads gives each a part of the place.
  if (level_ && std::ranges::includes(places[*level_].cpus, *cpus)) {
    granted_level_ = level_;
  } else if (const auto place = std::ranges::find(places, *cpus, &Place::cpus);
             place != places.end()) {
    granted_level_ = static_cast<std::size_t>(place - places.begin());
  }
  return granted_level_ ? std::optional(control_.levels[*granted_level_].value) : std::nullopt;
}

}  // namespace rein
