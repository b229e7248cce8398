#include "platform/board/place_finding.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <string>
#include <utility>

#include "common/error.hpp"
#include "platform/kernel/sysfs_root.hpp"

namespace rein {

namespace {

constexpr std::size_t kManyCpus = 8;
constexpr std::size_t kMaxPlaces = 24;
constexpr std::size_t kFewGroups = 4;  ///< So many clusters, packages or nodes are places.

/// CPUs with one thread of each core first, so that the first n share as little as they can.
CpuList cores_first(const SysfsRoot& root, const CpuList& cpus) {
  CpuList first;
  CpuList others;
  for (const int cpu : cpus) {
    const CpuList siblings = siblings_of(root, cpu);
    const bool is_taken = std::ranges::find_first_of(first, siblings) != first.end();
    (is_taken ? others : first).push_back(cpu);
  }
  first.insert(first.end(), others.begin(), others.end());
  return first;
}

using Named = std::pair<std::string, CpuList>;

std::vector<Named> packages_of(const SysfsRoot& root, const CpuList& cpus) {
  std::map<std::string, CpuList> packages;
  for (const int cpu : cpus) {
    const auto id = root.try_read(
        fmt::format("/sys/devices/system/cpu/cpu{}/topology/physical_package_id", cpu));
    if (id) {
      packages["package" + *id].push_back(cpu);
    }
  }
  return {packages.begin(), packages.end()};
}

std::vector<Named> nodes_of(const SysfsRoot& root, const CpuList& cpus) {
  std::vector<Named> nodes;
  const std::string folder = "/sys/devices/system/node/";
  for (const auto& path : root.find(folder + "node*/cpulist")) {
    CpuList members;
    try {
      std::ranges::set_intersection(parse_cpu_list(root.read(path)), cpus,
                                    std::back_inserter(members));
    } catch (const Error&) {
      continue;
    }
    nodes.emplace_back(path.substr(folder.size(), path.rfind('/') - folder.size()),
                       std::move(members));
  }
  return nodes;
}

/// No two with the same CPUs, and one of all CPUs at the end.
class PlaceList {
 public:
  explicit PlaceList(CpuList all) : all_(std::move(all)) {}

  void add(const std::string& name, CpuList cpus) {
    std::ranges::sort(cpus);
    const bool is_taken = std::ranges::any_of(
        places_, [&](const Place& place) { return place.cpus == cpus || place.name == name; });
    if (!cpus.empty() && cpus != all_ && !is_taken && places_.size() + 1 < kMaxPlaces) {
      push(name, std::move(cpus));
    }
  }
  /// Of groups only if they are few.
  void add_few(const std::vector<Named>& groups) {
    if (groups.size() <= kFewGroups) {
      for (const auto& [name, cpus] : groups) {
        add(name, cpus);
      }
    }
  }
  std::vector<Place> finish() {
    push(all_.size() > 1 ? fmt::format("all{}", all_.size()) : fmt::format("cpu{}", all_.front()),
         all_);
    return std::move(places_);
  }

 private:
  void push(const std::string& name, CpuList cpus) {
    const int threads = static_cast<int>(cpus.size());
    places_.push_back({.name = name, .cpus = std::move(cpus), .threads = threads});
  }

  CpuList all_;
  std::vector<Place> places_;
};

/// Numbers of CPUs between one and all of many: powers of four, and a half, which is one thread a
/// core where each has two.
std::vector<std::size_t> some_of(std::size_t count) {
  std::vector<std::size_t> numbers;
  if (count > kManyCpus) {
    for (std::size_t number = 4; number < count / 2; number *= 4) {
      numbers.push_back(number);
    }
    numbers.push_back(count / 2);
  }
  return numbers;
}

}  // namespace

std::vector<Place> find_places(const SysfsRoot& root, const CpuList& cpus,
                               const std::vector<DomainSpec>& domains,
                               const std::vector<CpuPolicy>& policies) {
  std::vector<Named> kinds;
  kinds.reserve(domains.size());
  for (const auto& domain : domains) {
    kinds.emplace_back(domain.name, domain.cpus);
  }
  if (kinds.empty()) {
    kinds.emplace_back("all", cpus);
  }
  PlaceList places(cpus);
  for (const int cpu : cpus) {
    const bool is_first =
        std::ranges::any_of(kinds, [cpu](const Named& kind) { return kind.second.front() == cpu; });
    if (cpus.size() <= kManyCpus || cpu == cpus.front() || is_first) {
      places.add(fmt::format("cpu{}", cpu), {cpu});
    }
  }
  for (const auto& [name, members] : kinds) {
    const CpuList order = cores_first(root, members);
    for (const std::size_t number : some_of(members.size())) {
      const std::string some = fmt::format("first{}", number);
      places.add(kinds.size() == 1 ? some : fmt::format("{}_{}", name, some),
                 CpuList(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(number)));
    }
  }
  std::vector<Named> clusters;
  for (const auto& policy : policies) {
    if (policy.cpus.size() > 1) {
      clusters.emplace_back(policy.name, policy.cpus);
    }
  }
  places.add_few(clusters);
  for (const auto& [name, members] : kinds) {
    if (members.size() > 1) {
      places.add(name, members);
    }
  }
  places.add_few(packages_of(root, cpus));
  places.add_few(nodes_of(root, cpus));
  return places.finish();
}

}  // namespace rein
