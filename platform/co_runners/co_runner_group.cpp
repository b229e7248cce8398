#include "platform/co_runners/co_runner_group.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <string_view>
#include <utility>

#include "common/clock.hpp"
#include "platform/kernel/cgroup.hpp"
#include "platform/kernel/folder_entries.hpp"
#include "platform/kernel/kernel_file.hpp"
#include "platform/kernel/sysfs_root.hpp"

namespace rein {

namespace {

constexpr std::string_view kCoRunnerPrefix = "rein-co-runner-";
constexpr int kMostGroups = 100;  ///< Of one process, those included that could not be removed.
constexpr int kPatienceMs = 2000;
constexpr int kRoundMs = 5;

/// Those that divide what they control among groups: who moves into one competes otherwise.
constexpr std::array<std::string_view, 6> kDividing{"cpu", "cpuset", "cpuacct",
                                                    "io",  "blkio",  "memory"};

bool divides(std::string_view controller) {
  return std::ranges::find(kDividing, controller) != kDividing.end();
}

/// Whether a group below the own one would have a controller that divides.
bool divides_below(const SysfsRoot& root, const CgroupHierarchy& hierarchy) {
  if (hierarchy.version == 1) {
    return std::ranges::any_of(hierarchy.controllers, divides);
  }
  // To the top of all, controllers can be handed down at any time although it has processes.
  const bool is_top = !root.exists(hierarchy.own + "/cgroup.events");
  const std::string text =
      root.try_read(hierarchy.own + (is_top ? "/cgroup.controllers" : "/cgroup.subtree_control"))
          .value_or("");
  return std::ranges::any_of(split_words(text), divides);
}

bool is_control_group(int folder) {
  struct statfs status {};
  return fstatfs(folder, &status) == 0 &&
         (status.f_type == CGROUP2_SUPER_MAGIC || status.f_type == CGROUP_SUPER_MAGIC);
}

int open_folder(int parent, const char* name) {
  return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/// @return whether the group has the file and the kernel took the text.
bool write_file(int folder, const char* name, std::string_view text) {
  const int file = openat(folder, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
  if (file < 0) {
    return false;
  }
  const ssize_t count = write(file, text.data(), text.size());
  close(file);
  return count == static_cast<ssize_t>(text.size());
}

/// Whether processes may be moved into it; in a threaded part of version 2 they may not.
bool takes_processes(int folder) {
  const int members = openat(folder, "cgroup.procs", O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
  if (members < 0) {
    return false;
  }
  close(members);
  const int type = openat(folder, "cgroup.type", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (type < 0) {
    return true;
  }
  std::array<char, 32> text{};
  const ssize_t count = read(type, text.data(), text.size());
  close(type);
  return count > 0 && trim({text.data(), static_cast<std::size_t>(count)}) == "domain";
}

/// Calls `visit` with the folder above, the name and the folder of each group below `folder`, what
/// is below a group before the group.
template <typename Visit>
void visit_groups(int folder, const Visit& visit, int level = 0) {
  visit_entries(folder, [&](const dirent64& entry) {
    if (entry.d_type != DT_DIR || entry.d_name[0] == '.' || level == kMostGroupLevels) {
      return;
    }
    const int group = open_folder(folder, entry.d_name);
    if (group >= 0) {
      visit_groups(group, visit, level + 1);
      visit(folder, static_cast<const char*>(entry.d_name), group);
      close(group);
    }
  });
}

/// Calls `visit` with each process of this group alone.
template <typename Visit>
void visit_members(int group, const Visit& visit) {
  const int file = openat(group, "cgroup.procs", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (file < 0) {
    return;
  }
  std::array<char, 4096> text;
  pid_t process = 0;
  ssize_t count = 0;
  while ((count = read(file, text.data(), text.size())) > 0) {
    for (ssize_t i = 0; i < count; ++i) {
      const char c = text[static_cast<std::size_t>(i)];
      if (c >= '0' && c <= '9') {
        process = process * 10 + (c - '0');
        continue;
      }
      // 0: one that cannot be seen from this PID namespace, and to kill() all of our own.
      if (process > 0) {
        visit(process);
      }
      process = 0;
    }
  }
  close(file);
}

/// The same of it and of all groups below it.
template <typename Visit>
void visit_all_members(int folder, const Visit& visit) {
  visit_members(folder, visit);
  visit_groups(folder, [&visit](int /*above*/, const char* /*name*/, int group) {
    visit_members(group, visit);
  });
}

/// What keeps a group's processes from forking faster than they are killed. Version 1's kills only
/// after the thaw.
struct Freezer {
  const char* file;
  std::string_view freeze;
  std::string_view thaw;
};
constexpr std::array<Freezer, 2> kFreezers{{
    {"cgroup.freeze", "1", "0"},
    {"freezer.state", "FROZEN", "THAWED"},
}};

void kill_members(int folder) {
  if (write_file(folder, "cgroup.kill", "1")) {
    return;
  }
  // Version 1, or a kernel before 5.14.
  for (const auto& freezer : kFreezers) {
    write_file(folder, freezer.file, freezer.freeze);
  }
  const pid_t self = getpid();
  visit_all_members(folder, [self](pid_t process) {
    if (process != self) {
      ::kill(process, SIGKILL);
    }
  });
  for (const auto& freezer : kFreezers) {
    write_file(folder, freezer.file, freezer.thaw);
  }
}

/// Kills what is in `folder` and removes it. @return whether it is gone.
bool end_group(int folder, int above, const char* name) {
  const SteadyClock clock;
  const TimePoint end = clock.now() + std::chrono::milliseconds(kPatienceMs);
  while (true) {
    kill_members(folder);
    visit_groups(folder, [](int above_it, const char* its_name, int /*group*/) {
      unlinkat(above_it, its_name, AT_REMOVEDIR);
    });
    // Refused as long as there are processes, those that are about to end too.
    if (unlinkat(above, name, AT_REMOVEDIR) == 0 || errno == ENOENT) {
      return true;
    }
    if (clock.now() >= end) {
      return false;
    }
    poll(nullptr, 0, kRoundMs);
  }
}

}  // namespace

std::vector<std::filesystem::path> CoRunnerGroup::parents(const SysfsRoot& root) {
  auto hierarchies = cgroup_hierarchies(root);
  std::erase_if(hierarchies, [&root](const auto& each) { return divides_below(root, each); });
  // What kills best: in one call, then with everything frozen.
  std::ranges::stable_sort(hierarchies, {}, [](const CgroupHierarchy& each) {
    const bool freezes = std::ranges::find(each.controllers, "freezer") != each.controllers.end();
    return each.version == 2 ? 0 : freezes ? 1 : 2;
  });
  std::vector<std::filesystem::path> parents;
  parents.reserve(hierarchies.size());
  for (const auto& hierarchy : hierarchies) {
    parents.push_back(root.resolve(hierarchy.own));
  }
  return parents;
}

std::unique_ptr<CoRunnerGroup> CoRunnerGroup::make(
    const std::vector<std::filesystem::path>& parents) {
  for (const auto& parent : parents) {
    for (int number = 0; number < kMostGroups; ++number) {
      auto path = parent / fmt::format("{}{}-{}", kCoRunnerPrefix, getpid(), number);
      // Nobody else is to open it, and hold the lock.
      if (mkdir(path.c_str(), 0700) != 0) {
        if (errno == EEXIST) {
          continue;
        }
        break;
      }
      const int folder = open_folder(AT_FDCWD, path.c_str());
      if (folder >= 0 && is_control_group(folder) && flock(folder, LOCK_EX | LOCK_NB) == 0 &&
          takes_processes(folder)) {
        return std::unique_ptr<CoRunnerGroup>(new CoRunnerGroup(std::move(path), folder));
      }
      if (folder >= 0) {
        close(folder);
      }
      rmdir(path.c_str());
      break;
    }
  }
  return nullptr;
}

CoRunnerGroup::CoRunnerGroup(std::filesystem::path path, int folder)
    : path_(std::move(path)), folder_(folder) {}

CoRunnerGroup::~CoRunnerGroup() {
  end();
  close(folder_);
}

void CoRunnerGroup::enter() const { write_file(folder_, "cgroup.procs", "0"); }

void CoRunnerGroup::kill_all() const { kill_members(folder_); }

bool CoRunnerGroup::end() const { return end_group(folder_, AT_FDCWD, path_.c_str()); }

std::string CoRunnerLeftovers::Ended::line() const {
  std::string line;
  if (processes > 0) {
    line = fmt::format("co-runners of a run that was killed had left {} process{}: ended",
                       processes, processes == 1 ? "" : "es");
  }
  if (stuck > 0) {
    line += fmt::format(
        "{}co-runners of a run that was killed have left {} control group{} with "
        "processes that cannot be ended",
        line.empty() ? "" : "; ", stuck, stuck == 1 ? "" : "s");
  }
  return line;
}

CoRunnerLeftovers::CoRunnerLeftovers(const SysfsRoot& root)
    : own_prefix_(fmt::format("{}{}-", kCoRunnerPrefix, getpid())) {
  if (!root.is_where_we_run()) {
    return;
  }
  for (const auto& hierarchy : cgroup_hierarchies(root)) {
    if (hierarchy.version == 2 || std::ranges::none_of(hierarchy.controllers, divides)) {
      mounts_.push_back(root.resolve(hierarchy.mount));
    }
  }
}

CoRunnerLeftovers::Ended CoRunnerLeftovers::end(int patience_ms) const {
  Ended ended;
  const SteadyClock clock;
  const TimePoint last = clock.now() + std::chrono::milliseconds(patience_ms);
  while (true) {
    ended.stuck = 0;
    ended.attended = 0;
    const auto visit = [&](int above, const char* name, int group) {
      if (!std::string_view(name).starts_with(kCoRunnerPrefix)) {
        return;
      }
      if (flock(group, LOCK_EX | LOCK_NB) != 0) {
        ended.attended += std::string_view(name).starts_with(own_prefix_) ? 1 : 0;
        return;
      }
      int processes = 0;
      visit_all_members(group, [&processes](pid_t) { ++processes; });
      if (end_group(group, above, name)) {
        ended.processes += processes;
      } else {
        ++ended.stuck;
      }
    };
    for (const auto& mount : mounts_) {
      const int top = open(mount.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
      if (top >= 0 && is_control_group(top)) {
        visit_groups(top, visit);
      }
      close(top);
    }
    if (ended.attended == 0 || clock.now() >= last) {
      return ended;
    }
    poll(nullptr, 0, kRoundMs);
  }
}

}  // namespace rein
