#include "platform/kernel/usable_cpus.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>

#include "common/error.hpp"
#include "platform/kernel/cgroup.hpp"
#include "platform/kernel/sysfs_root.hpp"

namespace rein {

namespace {

const std::string kCpus = "/sys/devices/system/cpu/";

/// Nothing if the file does not exist or holds no list.
std::optional<CpuList> try_read_list(const SysfsRoot& root, const std::string& path) {
  try {
    const auto text = root.try_read(path);
    return text ? std::optional(parse_cpu_list(*text)) : std::nullopt;
  } catch (const Error&) {
    return std::nullopt;
  }
}

CpuList both(const CpuList& left, const CpuList& right) {
  CpuList result;
  std::ranges::set_intersection(left, right, std::back_inserter(result));
  return result;
}

CpuList without(const CpuList& left, const CpuList& right) {
  CpuList result;
  std::ranges::set_difference(left, right, std::back_inserter(result));
  return result;
}

/// `Cpus_allowed_list` of /proc/self/status: also CPUs that are offline or do not exist.
std::optional<CpuList> status_cpus(const SysfsRoot& root) {
  constexpr std::string_view kKey = "Cpus_allowed_list:";
  std::istringstream lines(root.try_read("/proc/self/status").value_or(""));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(kKey)) {
      try {
        return parse_cpu_list(line.substr(kKey.size()));
      } catch (const Error&) {
        return std::nullopt;
      }
    }
  }
  return std::nullopt;
}

/// The CPUs that this process may run on as it was started: the outer limit, which nothing widens.
///
/// The kernel's own answer where it is our machine's: `online` is no measure, as a container may
/// see it numbered anew. Below a root that is not, what /proc/self/status and the group's cpuset
/// say of those that are online; without either all that are. @throws Error if there are none.
CpuList allowed_cpus(const SysfsRoot& root) {
  if (root.is_where_we_run()) {
    if (auto cpus = root.calls().affinity(root.calls().process_id()); cpus && !cpus->empty()) {
      return *cpus;
    }
  }
  if (auto cpus = status_cpus(root)) {
    if (const auto group = cpuset_cpus(root)) {
      *cpus = both(*cpus, *group);
    }
    std::erase_if(*cpus, [&root](int cpu) { return !is_online(root, cpu); });
    if (!cpus->empty()) {
      return *cpus;
    }
  }
  CpuList cpus = parse_cpu_list(root.read(kCpus + "online"));
  if (const auto group = cpuset_cpus(root); group && !both(cpus, *group).empty()) {
    cpus = both(cpus, *group);
  }
  if (cpus.empty()) {
    throw Error(fmt::format("{}: expected at least one CPU, found none",
                            root.resolve(kCpus + "online").string()));
  }
  return cpus;
}

/// Those that the kernel keeps free of what is not put there by name (`isolcpus`).
CpuList isolated_cpus(const SysfsRoot& root) {
  return try_read_list(root, kCpus + "isolated").value_or(CpuList{});
}

}  // namespace

bool is_online(const SysfsRoot& root, int cpu) {
  if (const auto own = root.try_read(fmt::format("{}cpu{}/online", kCpus, cpu))) {
    return *own != "0";
  }
  const CpuList online = try_read_list(root, kCpus + "online").value_or(CpuList{});
  return std::ranges::binary_search(online, cpu);
}

CpuList default_cpus(const SysfsRoot& root) {
  const CpuList allowed = allowed_cpus(root);
  const CpuList shared = without(allowed, isolated_cpus(root));
  return shared.empty() ? allowed : shared;
}

CpuList nameable_cpus(const SysfsRoot& root) {
  CpuList cpus = allowed_cpus(root);
  CpuList isolated = isolated_cpus(root);
  const CpuList online = try_read_list(root, kCpus + "online").value_or(CpuList{});
  if (!online.empty() && std::ranges::includes(cpus, without(online, isolated))) {
    std::erase_if(isolated, [&root](int cpu) { return !is_online(root, cpu); });
    CpuList all;
    std::ranges::set_union(cpus, isolated, std::back_inserter(all));
    return all;
  }
  return cpus;
}

}  // namespace rein
