#include "platform/kernel/cgroup.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "common/error.hpp"
#include "platform/kernel/access.hpp"
#include "platform/kernel/kernel_file.hpp"
#include "platform/kernel/sysfs_root.hpp"

namespace rein {

namespace {

struct Mount {
  std::string root;  ///< The group that is seen at `point`.
  std::string point;
  bool read_only = false;
};

std::vector<std::string> parts_of(std::string_view list) {
  std::vector<std::string> parts;
  std::istringstream text{std::string(list)};
  for (std::string each; std::getline(text, each, ',');) {
    parts.push_back(each);
  }
  return parts;
}

bool has_part(std::string_view list, std::string_view part) {
  const auto parts = parts_of(list);
  return std::ranges::find(parts, part) != parts.end();
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
    return Mount{.root = std::string(words[3]),
                 .point = std::string(words[4]),
                 .read_only = has_part(words[5], "ro")};
  }
  return std::nullopt;
}

const std::string kOwnGroups = "/proc/self/cgroup";

/// A line of /proc/PROCESS/cgroup.
struct OwnGroup {
  std::string controllers;  ///< Separated by commas; none: version 2.
  std::string path;
};

std::vector<OwnGroup> own_groups(const SysfsRoot& root, const std::string& file = kOwnGroups) {
  std::vector<OwnGroup> groups;
  std::istringstream lines(root.try_read(file).value_or(""));
  for (std::string line; std::getline(lines, line);) {
    // number:controllers:path
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first != std::string::npos && second != std::string::npos) {
      groups.push_back({line.substr(first + 1, second - first - 1), line.substr(second + 1)});
    }
  }
  return groups;
}

/// The group in the hierarchy with the given controller ("": version 2).
std::optional<std::string> own_group(const SysfsRoot& root, std::string_view controller,
                                     const std::string& file = kOwnGroups) {
  for (const auto& group : own_groups(root, file)) {
    if (group.controllers == controller ||
        (!controller.empty() && has_part(group.controllers, controller))) {
      return group.path;
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

/// The group and those above it that are seen, from the inside to the outside.
std::vector<std::string> with_uppers(const std::string& group, const std::string& mount) {
  std::vector<std::string> groups{group};
  while (groups.back().size() > mount.size() && groups.back().starts_with(mount)) {
    groups.push_back(groups.back().substr(0, groups.back().rfind('/')));
  }
  return groups;
}

bool has_word(const SysfsRoot& root, const std::string& path, std::string_view word) {
  const std::string text = root.try_read(path).value_or("");
  const auto words = split_words(text);
  return std::ranges::find(words, word) != words.end();
}

/// The file of a group's quota.
std::string quota_file(int version, const std::string& group) {
  return group + (version == 1 ? "/cpu.cfs_quota_us" : "/cpu.max");
}

/// Whether the group has the controller but not its quota, which a kernel may lack. What is at the
/// top of a version 2 hierarchy never has one.
bool lacks_quota(const SysfsRoot& root, const CpuCgroup& cgroup, const std::string& group) {
  if (root.exists(quota_file(cgroup.version, group))) {
    return false;
  }
  if (cgroup.version == 1) {
    return root.exists(group);
  }
  const std::string above = group.substr(0, group.rfind('/'));
  const auto files = root.list(group);
  const bool handed_down =
      group != cgroup.mount && has_word(root, above + "/cgroup.subtree_control", "cpu") &&
      std::ranges::any_of(files, [](const auto& name) { return name.starts_with("cpu."); });
  return root.exists(group + "/cpu.weight") || handed_down;
}

std::optional<Missing> quota_obstacle(const SysfsRoot& root, const CpuCgroup& cgroup) {
  std::vector<std::string> groups{cgroup.own};
  if (cgroup.version == 2) {
    // At the top only what is below it tells.
    for (const auto& name : root.list(cgroup.mount)) {
      groups.push_back(cgroup.mount + "/" + name);
    }
  }
  const auto lacking = std::ranges::find_if(
      groups, [&](const std::string& group) { return lacks_quota(root, cgroup, group); });
  if (lacking == groups.end()) {
    return std::nullopt;
  }
  return Missing{quota_file(cgroup.version, *lacking),
                 "does not exist: this kernel limits no CPU time by control groups",
                 "a kernel with CONFIG_CFS_BANDWIDTH"};
}

/// What stands in the way of making a group below `parent` and moving into it.
std::optional<Missing> parent_obstacle(const SysfsRoot& root, const CpuCgroup& cgroup,
                                       bool read_only, const std::string& parent) {
  if (!root.exists(parent)) {
    return Missing{parent, "does not exist", "run where this group is mounted"};
  }
  if (cgroup.version == 2) {
    if (!has_word(root, parent + "/cgroup.controllers", "cpu")) {
      return Missing{parent + "/cgroup.controllers", "does not offer the controller cpu",
                     "enable it in cgroup.subtree_control of the groups above"};
    }
    const std::string type = root.try_read(parent + "/cgroup.type").value_or("");
    if (!type.empty() && type != "domain") {
      return Missing{parent + "/cgroup.type",
                     fmt::format("is '{}', which holds no group with processes", type),
                     "run in a group whose type is 'domain'"};
    }
    // The root of all is the exception; that of a container looks like it, and is none.
    const bool is_top = type.empty() && !root.exists(parent + "/cgroup.events");
    if (!is_top && !has_word(root, parent + "/cgroup.subtree_control", "cpu") &&
        !root.try_read(parent + "/cgroup.procs").value_or("").empty()) {
      return Missing{
          parent + "/cgroup.procs",
          "holds processes, and such a group hands the controller cpu to none below it",
          "start Rein in a group of its own below one that is delegated and holds no processes"};
    }
  }
  if (read_only) {
    return Missing{cgroup.mount, "is mounted read-only here", "a container with a writable mount"};
  }
  if (const std::string procs = parent + "/cgroup.procs";
      !root.writable(parent) || !root.writable(procs)) {
    Missing missing =
        unwritable(root, root.writable(parent) ? procs : parent, "run where this group is mounted",
                   "run as root, or in a group that was delegated to you");
    missing.reason = "a group cannot be made here: " + missing.reason;
    return missing;
  }
  return std::nullopt;
}

std::variant<CpuCgroup, Missing> with_usable_parents(const SysfsRoot& root, CpuCgroup cgroup,
                                                     bool read_only) {
  if (const auto missing = quota_obstacle(root, cgroup)) {
    return *missing;
  }
  std::optional<Missing> obstacle;
  std::erase_if(cgroup.parents, [&](const std::string& parent) {
    auto found = parent_obstacle(root, cgroup, read_only, parent);
    if (found) {
      obstacle = std::move(found);
      return true;
    }
    return false;
  });
  if (cgroup.parents.empty()) {
    return *obstacle;
  }
  return cgroup;
}

/// A group whose own quota is to be set.
std::variant<CpuCgroup, Missing> subject_group(const SysfsRoot& root, int version,
                                               const std::optional<Mount>& mount,
                                               const std::string& path) {
  if (!mount || !path.starts_with(mount->point + "/")) {
    return Missing{path, "is no group of a hierarchy that limits CPU time",
                   mount ? "name one below " + mount->point : "mount cgroup2 at /sys/fs/cgroup"};
  }
  CpuCgroup cgroup{.version = version, .own = path, .mount = mount->point, .parents = {}};
  const std::string absent =
      version == 1 ? "name a group that is there, and a kernel with CONFIG_CFS_BANDWIDTH"
                   : "name a group that is there, and enable cpu in "
                     "cgroup.subtree_control of the group above";
  for (const auto& file : {cgroup.quota_file(), cgroup.period_file()}) {
    if ((version == 1 || file == cgroup.quota_file()) && !root.writable(file)) {
      return unwritable(root, file, absent, "run as root, or with a group that is yours");
    }
  }
  return cgroup;
}

/// What one group may use; nothing if it is not limited.
std::optional<double> limit_of(const SysfsRoot& root, int version, const std::string& group) {
  const std::string quota = root.try_read(quota_file(version, group)).value_or("");
  const std::string period =
      version == 1 ? root.try_read(group + "/cpu.cfs_period_us").value_or("") : "";
  const std::string text = quota + " " + period;
  const auto words = split_words(text);
  if (words.size() < 2) {
    return std::nullopt;
  }
  const auto quota_us = parse_count(words[0]);
  const auto period_us = parse_count(words[1]);
  return quota_us && period_us && *quota_us > 0 && *period_us > 0
             ? std::optional(static_cast<double>(*quota_us) / static_cast<double>(*period_us))
             : std::nullopt;
}

}  // namespace

std::string CpuCgroup::quota_file() const { return rein::quota_file(version, own); }
std::string CpuCgroup::period_file() const { return own + "/cpu.cfs_period_us"; }

std::variant<CpuCgroup, Missing> find_cpu_cgroup(const SysfsRoot& root, const Subject& subject) {
  const auto v1 = find_mount(root, "cgroup", "cpu");
  const auto mount = v1 ? v1 : find_mount(root, "cgroup2", "");
  const int version = v1 ? 1 : 2;
  if (subject.kind() == Subject::Kind::kGroup) {
    return subject_group(root, version, mount, subject.group_path());
  }
  const std::string file =
      subject.is_self() ? kOwnGroups : fmt::format("/proc/{}/cgroup", subject.process_id());
  if (!subject.is_self() && !root.exists(file)) {
    return Missing{file, "does not exist: there is no such process", "name one that runs"};
  }
  const auto group = own_group(root, v1 ? "cpu" : "", file);
  if (v1 && !group) {
    return Missing{file, "names no group of the controller cpu",
                   "mount the cpu controller where this program runs"};
  }
  if (!mount || !group) {
    return Missing{"/proc/self/mountinfo", "no control groups are mounted",
                   "mount cgroup2 at /sys/fs/cgroup"};
  }
  const std::string own = path_of(*mount, *group);
  CpuCgroup cgroup{.version = version, .own = own, .mount = mount->point, .parents = {own}};
  if (version == 2 && own != mount->point) {
    cgroup.parents.push_back(own.substr(0, own.rfind('/')));
  }
  return with_usable_parents(root, std::move(cgroup), mount->read_only);
}

std::optional<std::string> cpu_group_of(const SysfsRoot& root, const CpuCgroup& cgroup,
                                        int thread) {
  const bool is_v1 = cgroup.version == 1;
  const auto mount = is_v1 ? find_mount(root, "cgroup", "cpu") : find_mount(root, "cgroup2", "");
  const auto group = own_group(root, is_v1 ? "cpu" : "", fmt::format("/proc/{}/cgroup", thread));
  return mount && group ? std::optional(path_of(*mount, *group)) : std::nullopt;
}

std::optional<CpuLimit> cpu_limit(const SysfsRoot& root, const CpuCgroup& cgroup) {
  std::optional<CpuLimit> least;
  for (const auto& group : with_uppers(cgroup.own, cgroup.mount)) {
    const auto cpus = limit_of(root, cgroup.version, group);
    if (cpus && (!least || *cpus < least->cpus)) {
      least = CpuLimit{.cpus = *cpus, .path = quota_file(cgroup.version, group)};
    }
  }
  return least;
}

std::optional<CpuList> cpuset_cpus(const SysfsRoot& root) {
  const auto v1 = find_mount(root, "cgroup", "cpuset");
  const auto mount = v1 ? v1 : find_mount(root, "cgroup2", "");
  const auto group = own_group(root, v1 ? "cpuset" : "");
  if (!mount || !group) {
    return std::nullopt;
  }
  for (const auto& each : with_uppers(path_of(*mount, *group), mount->point)) {
    for (const char* file : {"/cpuset.cpus.effective", "/cpuset.effective_cpus", "/cpuset.cpus"}) {
      if (const auto text = root.try_read(each + file); text && !text->empty()) {
        try {
          return parse_cpu_list(*text);
        } catch (const Error&) {
          return std::nullopt;
        }
      }
    }
  }
  return std::nullopt;
}

std::vector<CgroupHierarchy> cgroup_hierarchies(const SysfsRoot& root) {
  std::vector<CgroupHierarchy> hierarchies;
  for (const auto& group : own_groups(root)) {
    const int version = group.controllers.empty() ? 2 : 1;
    auto controllers = parts_of(group.controllers);
    const auto mount = version == 2 ? find_mount(root, "cgroup2", "")
                                    : find_mount(root, "cgroup", controllers.front());
    if (mount) {
      hierarchies.push_back({.version = version,
                             .controllers = std::move(controllers),
                             .mount = mount->point,
                             .own = path_of(*mount, group.path)});
    }
  }
  return hierarchies;
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
