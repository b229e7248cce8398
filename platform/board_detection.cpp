// What this machine offers, as a board.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <set>
#include <utility>

#include "common/error.hpp"
#include "platform/board.hpp"
#include "platform/clock_files.hpp"
#include "platform/kernel_file.hpp"
#include "platform/sysfs_root.hpp"
#include "platform/thermal_attributes.hpp"

namespace rein {

namespace {

constexpr std::size_t kManyCpus = 8;
constexpr std::ptrdiff_t kFewDomains = 2;
constexpr std::string_view kPolicyPrefix = "policy";
constexpr PowerModel kAssumedPower{.idle_w = 2.0, .cpu_w = 3.0, .is_assumed = true};

std::string board_name(const SysfsRoot& root) {
  // What makers leave where they should have written.
  constexpr std::array kNoNames{"", "To Be Filled By O.E.M.", "System Product Name",
                                "Default string"};
  for (const char* path : {"/proc/device-tree/model", "/sys/class/dmi/id/product_name",
                           "/sys/class/dmi/id/board_name"}) {
    if (auto text = root.try_read(path).value_or("");
        std::ranges::find(kNoNames, text) == kNoNames.end()) {
      return text;
    }
  }
  return "this machine";
}

CpuList online_cpus(const SysfsRoot& root) {
  CpuList cpus = parse_cpu_list(root.read("/sys/devices/system/cpu/online"));
  if (cpus.empty()) {
    throw Error(fmt::format("{}: expected at least one CPU, found none",
                            root.resolve("/sys/devices/system/cpu/online").string()));
  }
  return cpus;
}

/// Those of a cpufreq directory that are online.
CpuList affected_cpus(const SysfsRoot& root, const std::string& folder, const CpuList& online) {
  // Separated by blanks, unlike other lists of CPUs.
  const std::string affected = root.try_read(folder + "/affected_cpus").value_or("");
  CpuList cpus;
  for (const auto word : split_words(affected)) {
    const auto cpu = parse_count(word);
    if (cpu && std::ranges::binary_search(online, static_cast<int>(*cpu))) {
      cpus.push_back(static_cast<int>(*cpu));
    }
  }
  std::ranges::sort(cpus);
  return cpus;
}

DomainSpec cpufreq_domain(const SysfsRoot& root, const std::string& name, const std::string& path,
                          const std::string& folder, CpuList cpus) {
  return {.name = name,
          .paths = {path},
          .cpus = std::move(cpus),
          .opps_mhz = kernel_opps_mhz(root, folder, ClockFiles::of(ClockInterface::kCpufreq))};
}

/// PCs have a policy for each CPU, too many to be set one by one: where more than two have the same
/// operating points, they become one domain.
std::vector<DomainSpec> join_alike(const std::vector<DomainSpec>& domains) {
  std::vector<DomainSpec> joined;
  for (const auto& domain : domains) {
    const auto is_like = [&domain](const DomainSpec& other) {
      return domain.cpus.size() == 1 && other.cpus.size() == 1 && domain.opps_mhz == other.opps_mhz;
    };
    const auto first = std::ranges::find_if(domains, is_like);
    if (std::ranges::count_if(domains, is_like) <= kFewDomains) {
      joined.push_back(domain);
    } else if (first->cpus == domain.cpus) {
      CpuList numbers;  // Of policies.
      CpuList cpus;
      for (const auto& other : domains) {
        if (is_like(other)) {
          numbers.push_back(static_cast<int>(
              *parse_count(std::string_view(other.paths.front()).substr(kPolicyPrefix.size()))));
          cpus.push_back(other.cpus.front());
        }
      }
      std::string name = "cpu" + format_cpu_list(cpus);
      std::ranges::replace(name, ',', '_');
      joined.push_back({.name = name,
                        .paths = {fmt::format("{}{{{}}}", kPolicyPrefix, format_cpu_list(numbers))},
                        .cpus = cpus,
                        .opps_mhz = domain.opps_mhz});
    }
  }
  return joined;
}

std::vector<DomainSpec> find_cpu_domains(const SysfsRoot& root, const CpuList& online) {
  std::vector<DomainSpec> domains;
  const std::string cpu_folder = "/sys/devices/system/cpu";
  for (const auto& policy : root.list(cpu_folder + "/cpufreq")) {
    const std::string folder = fmt::format("{}/cpufreq/{}", cpu_folder, policy);
    CpuList cpus = affected_cpus(root, folder, online);
    const bool is_policy = policy.starts_with(kPolicyPrefix) &&
                           parse_count(std::string_view(policy).substr(kPolicyPrefix.size()));
    if (is_policy && !cpus.empty()) {
      domains.push_back(cpufreq_domain(root, policy, policy, folder, std::move(cpus)));
    }
  }
  if (!domains.empty()) {
    return join_alike(domains);
  }
  // Before Linux 4.3 there are only the CPUs' own directories, which may be links to one another's.
  for (const int cpu : online) {
    const std::string folder = fmt::format("{}/cpu{}/cpufreq", cpu_folder, cpu);
    CpuList cpus = affected_cpus(root, folder, online);
    if (!cpus.empty() && cpus.front() == cpu) {
      domains.push_back(
          cpufreq_domain(root, fmt::format("policy{}", cpu), folder, folder, std::move(cpus)));
    }
  }
  return domains;
}

/// What a device is, by its name; where that says nothing, the name without its address.
std::string name_of_device(const std::string& device) {
  constexpr std::array<std::pair<std::string_view, const char*>, 10> kKnown{{
      {"gpu", "gpu"},
      {"gp10b", "gpu"},
      {"gv11b", "gpu"},
      {"ga10b", "gpu"},
      {"gm20b", "gpu"},
      {"mali", "gpu"},
      {"v3d", "gpu"},
      {"emc", "memory"},
      {"dmc", "memory"},
      {"memory-controller", "memory"},
  }};
  for (const auto& [part, name] : kKnown) {
    if (device.find(part) != device.npos) {
      return name;
    }
  }
  // "soc:bus-wcore" and "15340000.vic".
  std::string name = device.substr(device.find_last_of(':') + 1);
  if (const std::size_t dot = name.find('.');
      dot != name.npos && name.find_first_not_of("0123456789abcdef") == dot) {
    name.erase(0, dot + 1);
  }
  std::ranges::replace_if(
      name,
      [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_' && c != '-';
      },
      '_');
  return name.empty() ? "device" : name;
}

std::string unique_name(const std::string& name, const std::vector<DomainSpec>& domains) {
  const auto is_taken = [&domains](const std::string& wanted) {
    return std::ranges::find(domains, wanted, &DomainSpec::name) != domains.end();
  };
  std::string result = name;
  for (int number = 2; is_taken(result); ++number) {
    result = fmt::format("{}{}", name, number);
  }
  return result;
}

/// A GPU, a memory controller, a bus: what lists operating points.
void add_device_domain(const SysfsRoot& root, ClockInterface interface, const std::string& device,
                       const std::string& path, const std::string& folder,
                       std::vector<DomainSpec>& domains) {
  auto opps_mhz = kernel_opps_mhz(root, folder, ClockFiles::of(interface));
  if (!opps_mhz.empty()) {
    domains.push_back({.name = unique_name(name_of_device(device), domains),
                       .interface = interface,
                       .paths = {path},
                       .opps_mhz = std::move(opps_mhz)});
  }
}

void add_devfreq_domains(const SysfsRoot& root, std::vector<DomainSpec>& domains) {
  std::set<std::filesystem::path> seen;  // Jetson's GPU is listed twice.
  const auto is_new = [&](const std::string& folder) {
    std::error_code error;
    const auto real = std::filesystem::canonical(root.resolve(folder), error);
    return !error && seen.insert(real).second;
  };
  for (const auto& device : root.list("/sys/class/devfreq")) {
    const std::string folder = "/sys/class/devfreq/" + device;
    if (is_new(folder)) {
      add_device_domain(root, ClockInterface::kDevfreq, device, device, folder, domains);
    }
  }
  for (const auto& folder : root.find("/sys/devices/gpu.0/devfreq/*")) {
    if (is_new(folder)) {
      add_device_domain(root, ClockInterface::kDevfreq, "gpu", folder, folder, domains);
    }
  }
}

/// The Mali of a vendor's kernel, if it is no devfreq device.
void add_mali_domain(const SysfsRoot& root, std::vector<DomainSpec>& domains) {
  const std::string folder = "/sys/class/misc/mali0/device";
  if (root.exists(folder + "/clock") && !root.exists(folder + "/devfreq")) {
    add_device_domain(root, ClockInterface::kMali, "mali", folder, folder, domains);
  }
}

std::vector<DomainSpec> find_domains(const SysfsRoot& root, const CpuList& online) {
  std::vector<DomainSpec> domains = find_cpu_domains(root, online);
  add_devfreq_domains(root, domains);
  add_mali_domain(root, domains);
  return domains;
}

std::vector<Place> find_places(const CpuList& online, const std::vector<DomainSpec>& domains) {
  std::vector<Place> places;
  const auto add = [&places](const std::string& name, const CpuList& cpus) {
    places.push_back({.name = name, .cpus = cpus, .threads = static_cast<int>(cpus.size())});
  };
  const auto is_first_of_domain = [&domains](int cpu) {
    return std::ranges::any_of(domains, [cpu](const DomainSpec& domain) {
      return !domain.cpus.empty() && domain.cpus.front() == cpu;
    });
  };
  for (const int cpu : online) {
    if (online.size() <= kManyCpus || cpu == online.front() || is_first_of_domain(cpu)) {
      add(fmt::format("cpu{}", cpu), {cpu});
    }
  }
  for (const auto& domain : domains) {
    if (domain.cpus.size() > 1 && domain.cpus.size() < online.size()) {
      add(domain.name, domain.cpus);
    }
  }
  if (online.size() > 1) {
    add(fmt::format("all{}", online.size()), online);
  }
  return places;
}

/// The INA231 of Hardkernel's own driver, which no class of the kernel lists.
std::vector<SensorSpec> find_sensors(const SysfsRoot& root) {
  constexpr std::array<std::pair<std::string_view, const char*>, 4> kRails{
      {{"sensor_arm", "A15"}, {"sensor_kfc", "A7"}, {"sensor_g3d", "GPU"}, {"sensor_mem", "MEM"}}};
  constexpr double kMsPerUs = 1e-3;
  std::vector<SensorSpec> sensors;
  for (const auto& path : root.find("/sys/bus/i2c/drivers/INA231/*/sensor_W")) {
    const std::string folder = path.substr(0, path.rfind('/'));
    const std::string name = root.try_read(folder + "/sensor_name").value_or("");
    const auto* rail =
        std::ranges::find(kRails, name, &std::pair<std::string_view, const char*>::first);
    if (rail == kRails.end()) {
      continue;
    }
    // "263808 usec".
    const std::string period = root.try_read(folder + "/update_period").value_or("");
    const auto words = split_words(period);
    const auto update_us = words.empty() ? std::nullopt : parse_count(words.front());
    sensors.push_back({.signal = fmt::format("power_w.{}", rail->second),
                       .path = path,
                       .update_ms = static_cast<double>(update_us.value_or(0)) * kMsPerUs,
                       .enable = folder + "/enable"});
  }
  return sensors;
}

}  // namespace

Board Board::detect(const SysfsRoot& root) {
  Board board;
  board.name = board_name(root);
  board.cpus = online_cpus(root);
  board.domains = find_domains(root, board.cpus);
  board.places = find_places(board.cpus, board.domains);
  board.sensors = find_sensors(root);
  std::vector<Missing> ignored;  // A probe tells.
  board.trips = find_trips(root, ignored);
  const auto count = static_cast<double>(board.cpus.size());
  board.bandwidth = BandwidthSpec{.levels_cpus = {count / 2, count}};
  board.power_model = kAssumedPower;
  return board;
}

}  // namespace rein
