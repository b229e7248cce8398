#include "platform/board/cpu_policies.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <set>
#include <string_view>
#include <utility>

#include "common/error.hpp"
#include "platform/board/clock_files.hpp"
#include "platform/kernel/kernel_file.hpp"
#include "platform/kernel/pmu.hpp"
#include "platform/kernel/sysfs_root.hpp"

namespace rein {

namespace {

constexpr std::size_t kLongName = 20;

/// "cpu0-3", "cpu0_4-5"; what is too long for people by its first and number:
/// "cpu0x40".
std::string name_of_cpus(const CpuList& cpus) {
  std::string name = "cpu" + format_cpu_list(cpus);
  std::ranges::replace(name, ',', '_');
  return name.size() <= kLongName ? name : fmt::format("cpu{}x{}", cpus.front(), cpus.size());
}

/// Those of a cpufreq directory that are ours.
CpuList affected_cpus(const SysfsRoot& root, const std::string& folder, const CpuList& ours) {
  // Separated by blanks, unlike other lists of CPUs.
  const std::string affected = root.try_read(folder + "/affected_cpus").value_or("");
  CpuList cpus;
  for (const auto word : split_words(affected)) {
    const auto cpu = parse_count(word);
    if (cpu && std::ranges::binary_search(ours, static_cast<int>(*cpu))) {
      cpus.push_back(static_cast<int>(*cpu));
    }
  }
  std::ranges::sort(cpus);
  return cpus;
}

std::string cpu_folder(int cpu) { return fmt::format("/sys/devices/system/cpu/cpu{}", cpu); }

/// The counters that a core has, and what Arm's says that it is, without its revision.
std::string kind_of_core(const SysfsRoot& root, const std::vector<Pmu>& pmus, int cpu) {
  std::string kind;
  for (const auto& pmu : pmus) {
    if (std::ranges::binary_search(pmu.cpus, cpu)) {
      kind += pmu.name + " ";
    }
  }
  // 0x00000000411fd0a1: implementer, variant, architecture, part, revision.
  const std::string midr =
      root.try_read(cpu_folder(cpu) + "/regs/identification/midr_el1").value_or("");
  return midr.size() < 8 ? kind
                         : kind + midr.substr(midr.size() - 8, 2) + midr.substr(midr.size() - 4, 3);
}

CpuPolicy read_policy(const SysfsRoot& root, const std::vector<Pmu>& pmus, std::string name,
                      std::string path, const std::string& folder, CpuList cpus) {
  const ClockFiles& files = ClockFiles::of(ClockInterface::kCpufreq);
  const auto text = [&](const std::string& file) {
    return root.try_read(folder + "/" + file).value_or("");
  };
  const auto capacity =
      parse_count(root.try_read(cpu_folder(cpus.front()) + "/cpu_capacity").value_or(""));
  std::string core = kind_of_core(root, pmus, cpus.front());
  auto opps_mhz = kernel_opps_mhz(root, folder, files);
  if (!can_be_clock(opps_mhz)) {
    opps_mhz.clear();
  }
  return {.name = std::move(name),
          .path = std::move(path),
          .cpus = std::move(cpus),
          .listed = !text(files.opps).empty(),
          .opps_mhz = std::move(opps_mhz),
          .driver = text("scaling_driver"),
          .governors = text(files.governors),
          .core = std::move(core),
          .capacity = static_cast<double>(capacity.value_or(0))};
}

/// Whether two of the same kind of core, driver and governors have the same frequencies. Where the
/// driver takes any, cores differ in their highest by their quality: `next` is the nearest above.
bool are_alike(const CpuPolicy& first, const CpuPolicy& next, const CpuPolicy& policy) {
  constexpr double kNear = 0.95;
  constexpr double kSpread = 0.8;
  constexpr double kSameKind = 0.75;
  if (policy.driver != first.driver || policy.governors != first.governors ||
      policy.core != first.core || policy.listed != first.listed ||
      policy.capacity < first.capacity * kSameKind ||
      first.capacity < policy.capacity * kSameKind) {
    return false;
  }
  if (policy.opps_mhz.empty()) {
    return policy.cpus.size() == 1 && first.cpus.size() == 1 && first.opps_mhz.empty();
  }
  return policy.listed ? policy.opps_mhz == first.opps_mhz
                       : policy.top_mhz() >= kNear * next.top_mhz() &&
                             policy.top_mhz() >= kSpread * first.top_mhz();
}

/// For each policy the group of those that are alike.
std::vector<std::size_t> group_alike(const SysfsRoot& root,
                                     const std::vector<CpuPolicy>& policies) {
  std::vector<std::size_t> by_top(policies.size());
  std::iota(by_top.begin(), by_top.end(), std::size_t{0});
  std::ranges::stable_sort(by_top, std::greater{},
                           [&policies](std::size_t i) { return policies[i].top_mhz(); });
  struct Group {
    const CpuPolicy* first;
    const CpuPolicy* last;
  };
  std::vector<Group> groups;
  std::vector<std::size_t> group_of(policies.size());
  for (const std::size_t i : by_top) {
    const CpuPolicy& policy = policies[i];
    const auto found = std::ranges::find_if(groups, [&policy](const Group& group) {
      return are_alike(*group.first, *group.last, policy);
    });
    group_of[i] = static_cast<std::size_t>(found - groups.begin());
    if (found == groups.end()) {
      groups.push_back({&policy, &policy});
    } else {
      found->last = &policy;
    }
  }
  for (std::size_t i = 0; groups.size() > 1 && i < policies.size(); ++i) {
    const CpuList siblings = siblings_of(root, policies[i].cpus.front());
    for (std::size_t j = 0; j < policies.size(); ++j) {
      if (group_of[j] != group_of[i] &&
          std::ranges::find_first_of(policies[j].cpus, siblings) != policies[j].cpus.end()) {
        const std::size_t from = group_of[j];
        std::ranges::replace(group_of, from, std::size_t{group_of[i]});
      }
    }
  }
  return group_of;
}

/// "policy{0-3}" of policies 0 to 3, and "/sys/devices/system/cpu/cpu{0,4}/cpufreq".
std::string path_of_group(const std::vector<const CpuPolicy*>& group) {
  const std::string& path = group.front()->path;
  if (group.size() == 1) {
    return path;
  }
  const std::size_t end = path.find_last_of("0123456789") + 1;
  const std::size_t begin = path.find_last_not_of("0123456789", end - 1) + 1;
  CpuList numbers;
  for (const CpuPolicy* policy : group) {
    numbers.push_back(static_cast<int>(*parse_count(
        std::string_view(policy->path)
            .substr(begin, policy->path.find_first_not_of("0123456789", begin) - begin))));
  }
  std::ranges::sort(numbers);
  return fmt::format("{}{{{}}}{}", path.substr(0, begin), format_cpu_list(numbers),
                     path.substr(end));
}

}  // namespace

std::vector<DomainSpec> join_alike(const SysfsRoot& root, const std::vector<CpuPolicy>& policies) {
  const auto group_of = group_alike(root, policies);
  const auto folder_of = [](const CpuPolicy& policy) {
    return policy.path.starts_with('/') ? policy.path
                                        : "/sys/devices/system/cpu/cpufreq/" + policy.path;
  };
  std::vector<DomainSpec> domains;
  std::set<std::size_t> done;
  for (std::size_t i = 0; i < policies.size(); ++i) {
    const CpuPolicy& first = policies[i];
    if (!done.insert(group_of[i]).second) {
      continue;
    }
    std::vector<const CpuPolicy*> group;
    std::vector<std::string> folders;
    CpuList cpus;
    for (std::size_t j = 0; j < policies.size(); ++j) {
      const CpuPolicy& policy = policies[j];
      if (group_of[j] == group_of[i] && !policy.opps_mhz.empty()) {
        group.push_back(&policy);
        folders.push_back(folder_of(policy));
        cpus.insert(cpus.end(), policy.cpus.begin(), policy.cpus.end());
      }
    }
    if (group.empty()) {
      group = {&first};
      folders = {folder_of(first)};
      cpus = first.cpus;
    }
    std::ranges::sort(cpus);
    auto opps_mhz = kernel_opps_mhz(root, folders, ClockFiles::of(ClockInterface::kCpufreq));
    domains.push_back(
        {.name = group.size() == 1 ? group.front()->name : name_of_cpus(cpus),
         .paths = {path_of_group(group)},
         .cpus = std::move(cpus),
         .opps_mhz = can_be_clock(opps_mhz) ? thin_opps(opps_mhz) : std::vector<double>{}});
  }
  return domains;
}

std::vector<CpuPolicy> find_policies(const SysfsRoot& root, const CpuList& ours) {
  std::vector<CpuPolicy> policies;
  const auto pmus = find_core_pmus(root);
  for (const auto& name : root.list("/sys/devices/system/cpu/cpufreq")) {
    const std::string folder = "/sys/devices/system/cpu/cpufreq/" + name;
    CpuList cpus = affected_cpus(root, folder, ours);
    const bool is_policy = name.starts_with(kPolicyPrefix) &&
                           parse_count(std::string_view(name).substr(kPolicyPrefix.size()));
    if (is_policy && !cpus.empty()) {
      policies.push_back(read_policy(root, pmus, name, name, folder, std::move(cpus)));
    }
  }
  if (!policies.empty()) {
    return policies;
  }
  // Before Linux 4.3 there are only the CPUs' own directories, which may be links to one another's.
  for (const int cpu : ours) {
    const std::string folder = cpu_folder(cpu) + "/cpufreq";
    CpuList cpus = affected_cpus(root, folder, ours);
    if (!cpus.empty() && cpus.front() == cpu) {
      policies.push_back(read_policy(root, pmus, fmt::format("{}{}", kPolicyPrefix, cpu), folder,
                                     folder, std::move(cpus)));
    }
  }
  return policies;
}

/// The CPUs that share a core with this one.
CpuList siblings_of(const SysfsRoot& root, int cpu) {
  for (const char* file : {"/topology/core_cpus_list", "/topology/thread_siblings_list"}) {
    try {
      if (const auto text = root.try_read(cpu_folder(cpu) + file); text && !text->empty()) {
        return parse_cpu_list(*text);
      }
    } catch (const Error&) {
      return {cpu};
    }
  }
  return {cpu};
}

}  // namespace rein
