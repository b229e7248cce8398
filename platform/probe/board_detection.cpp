// What this machine offers, as a board.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>
#include <utility>
#include <variant>

#include "platform/board/board.hpp"
#include "platform/board/clock_devices.hpp"
#include "platform/board/clock_files.hpp"
#include "platform/board/cpu_policies.hpp"
#include "platform/board/place_finding.hpp"
#include "platform/kernel/cgroup.hpp"
#include "platform/kernel/kernel_file.hpp"
#include "platform/kernel/sysfs_root.hpp"
#include "platform/kernel/usable_cpus.hpp"
#include "platform/sensors/thermal_attributes.hpp"

namespace rein {

namespace {

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

/// A GPU is only read: no place of a board that is found computes on it.
void add_gpu(const SysfsRoot& root, ClockInterface interface, const std::string& path,
             const std::string& folder, std::vector<DomainSpec>& domains) {
  const auto opps_mhz = kernel_opps_mhz(root, folder, ClockFiles::of(interface));
  if (can_be_clock(opps_mhz)) {
    domains.push_back({.name = unique_name("gpu", domains),
                       .interface = interface,
                       .paths = {path},
                       .opps_mhz = thin_opps(opps_mhz),
                       .control = false});
  }
}

void add_gpus(const SysfsRoot& root, std::vector<DomainSpec>& domains) {
  std::set<std::filesystem::path> seen;  // Jetson's GPU is listed twice.
  const auto is_new = [&](const std::string& folder) {
    std::error_code error;
    const auto real = std::filesystem::canonical(root.resolve(folder), error);
    return !error && seen.insert(real).second;
  };
  for (const auto& device : root.list("/sys/class/devfreq")) {
    const std::string folder = "/sys/class/devfreq/" + device;
    if (is_new(folder) && use_of_device(root, folder).gpu) {
      add_gpu(root, ClockInterface::kDevfreq, device, folder, domains);
    }
  }
  for (const auto& folder : root.find("/sys/devices/gpu.0/devfreq/*")) {
    if (is_new(folder)) {
      add_gpu(root, ClockInterface::kDevfreq, folder, folder, domains);
    }
  }
  // The Mali of a vendor's kernel, if it is no devfreq device.
  const std::string mali = "/sys/class/misc/mali0/device";
  if (root.exists(mali + "/clock") && !root.exists(mali + "/devfreq")) {
    add_gpu(root, ClockInterface::kMali, mali, mali, domains);
  }
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

/// A half and all of what this program's groups may use.
BandwidthSpec find_bandwidth(const SysfsRoot& root, std::size_t num_cpus) {
  auto cpus = static_cast<double>(num_cpus);
  const auto cgroup = find_cpu_cgroup(root);
  if (const auto* found = std::get_if<CpuCgroup>(&cgroup)) {
    if (const auto limit = cpu_limit(root, *found)) {
      cpus = std::min(cpus, limit->cpus);
    }
  }
  return {.levels_cpus = {cpus / 2, cpus}};
}

}  // namespace

Board Board::detect(const SysfsRoot& root) {
  Board board;
  board.name = board_name(root);
  board.cpus = default_cpus(root);
  const auto policies = find_policies(root, board.cpus);
  board.domains = join_alike(root, policies);
  board.places = find_places(root, board.cpus, board.domains, policies);
  add_gpus(root, board.domains);
  board.sensors = find_sensors(root);
  std::vector<Missing> ignored;  // A probe tells.
  board.trips = find_trips(root, ignored);
  board.bandwidth = find_bandwidth(root, board.cpus.size());
  board.power_model = kAssumedPower;
  return board;
}

}  // namespace rein
