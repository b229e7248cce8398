#include "platform/cgroup.hpp"

#include <algorithm>
#include <sstream>

#include "platform/access.hpp"
#include "platform/kernel_file.hpp"
#include "platform/sysfs_root.hpp"

namespace rein {

namespace {

struct Mount {
  std::string root;  ///< The group that is seen at `point`.
  std::string point;
};

bool has_part(std::string_view list, std::string_view part) {
  std::istringstream parts{std::string(list)};
  for (std::string each; std::getline(parts, each, ',');) {
    if (each == part) {
      return true;
    }
  }
  return false;
}

/// The mount of the given type that has `option` among its own; any if that is empty.
std::optional<Mount> find_mount(const SysfsRoot& root, std::string_view type,
                                std::string_view option) {
  std::istringstream lines(root.try_read("/proc/self/mountinfo").value_or(""));
  for (std::string line; std::getline(lines, line);) {
    // id parent major:minor root point options [tags...] - type source super-options
    const auto words = split_words(line);
    const auto dash = std::find(words.begin(), words.end(), "-");
    if (words.end() - dash < 4 || dash - words.begin() < 6 || dash[1] != type ||
        (!option.empty() && !has_part(dash[3], option))) {
      continue;
    }
    return Mount{std::string(words[3]), std::string(words[4])};
  }
  return std::nullopt;
}

/// The group of this process in the hierarchy with the given controller ("": version 2).
std::optional<std::string> own_group(const SysfsRoot& root, std::string_view controller) {
  std::istringstream lines(root.try_read("/proc/self/cgroup").value_or(""));
  for (std::string line; std::getline(lines, line);) {
    // number:controllers:path
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) {
      continue;
    }
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (controllers == controller || (!controller.empty() && has_part(controllers, controller))) {
      return line.substr(second + 1);
    }
  }
  return std::nullopt;
}

/// The kernel path of `group`; a container may see only a part of the hierarchy.
std::string path_of(const Mount& mount, std::string group) {
  if (mount.root != "/" && group.starts_with(mount.root)) {
    group = group.substr(mount.root.size());
  }
  return group == "/" || group.empty() ? mount.point : mount.point + group;
}

}  // namespace

std::variant<CpuCgroup, Missing> find_cpu_cgroup(const SysfsRoot& root) {
  if (const auto mount = find_mount(root, "cgroup", "cpu")) {
    const auto group = own_group(root, "cpu");
    if (!group) {
      return Missing{"/proc/self/cgroup", "names no group of the controller cpu",
                     "mount the cpu controller where this program runs"};
    }
    const std::string own = path_of(*mount, *group);
    return CpuCgroup{.version = 1, .own = own, .parents = {own}};
  }
  const auto mount = find_mount(root, "cgroup2", "");
  const auto group = own_group(root, "");
  if (!mount || !group) {
    return Missing{"/proc/self/mountinfo", "no control groups are mounted",
                   "mount cgroup2 at /sys/fs/cgroup"};
  }
  const std::string own = path_of(*mount, *group);
  CpuCgroup cgroup{.version = 2, .own = own, .parents = {own}};
  if (own != mount->point) {
    cgroup.parents.push_back(own.substr(0, own.rfind('/')));
  }
  return cgroup;
}

std::optional<Missing> cgroup_obstacle(const SysfsRoot& root, const CpuCgroup& cgroup) {
  std::optional<Missing> obstacle;
  for (const auto& parent : cgroup.parents) {
    const std::string controllers = root.try_read(parent + "/cgroup.controllers").value_or("");
    const auto offered = split_words(controllers);
    if (cgroup.version == 2 && std::find(offered.begin(), offered.end(), "cpu") == offered.end()) {
      obstacle = Missing{parent + "/cgroup.controllers", "does not offer the controller cpu",
                         "enable it in cgroup.subtree_control of the groups above"};
    } else if (!root.exists(parent)) {
      obstacle = Missing{parent, "does not exist", "run where this group is mounted"};
    } else if (const std::string procs = parent + "/cgroup.procs";
               !root.writable(parent) || !root.writable(procs)) {
      obstacle = unwritable(root, root.writable(parent) ? procs : parent,
                            "run where this group is mounted",
                            "run as root, or in a group that was delegated to you");
      obstacle->reason = "a group cannot be made here: " + obstacle->reason;
    } else {
      return std::nullopt;
    }
  }
  return obstacle;
}

std::vector<std::string> cgroup_mounts(const SysfsRoot& root) {
  std::vector<std::string> mounts;
  const std::string text = root.try_read("/proc/self/mountinfo").value_or("");
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto words = split_words(line);
    const auto dash = std::find(words.begin(), words.end(), "-");
    if (words.end() - dash >= 2 && dash - words.begin() >= 5 &&
        (dash[1] == "cgroup" || dash[1] == "cgroup2")) {
      mounts.emplace_back(words[4]);
    }
  }
  return mounts;
}

}  // namespace rein
