#include "platform/thermal_attributes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <set>
#include <string_view>
#include <utility>

#include "platform/kernel_file.hpp"
#include "platform/sysfs_root.hpp"

namespace rein {

namespace {

constexpr double kCPerMc = 1e-3;
constexpr std::size_t kManyCores = 8;
const std::string kThermal = "/sys/class/thermal";

/// Disks, radios, memory modules and batteries are not what runs the network, and some take
/// milliseconds to answer. The last two always say 100 and 20 degC.
constexpr std::array<std::string_view, 10> kLeftOut{
    "nvme", "drivetemp", "iwlwifi", "ath1", "mt7", "jc42", "spd5118", "BAT", "PMIC-Die", "INT3400"};
constexpr std::array<std::string_view, 10> kThrottles{
    "processor", "cpu", "gpu", "mali", "devfreq", "emc", "dvfs", "idle", "balanced", "throt"};

bool is_left_out(const std::string& name) {
  return std::any_of(kLeftOut.begin(), kLeftOut.end(),
                     [&name](std::string_view each) { return name.starts_with(each); });
}

bool slows_down(const std::string& type) {
  return std::any_of(kThrottles.begin(), kThrottles.end(), [&type](std::string_view part) {
    return type.find(part) != std::string::npos;
  });
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// As hwmon calls the chip of a thermal zone.
std::string chip_name(std::string zone_type) {
  std::replace(zone_type.begin(), zone_type.end(), '-', '_');
  return zone_type;
}

Attribute make_temperature(SensorName name, std::string path) {
  return {.quantity = "temperature_c",
          .name = std::move(name),
          .paths = {std::move(path)},
          .scale = kCPerMc};
}

void add_cooling_devices(const SysfsRoot& root, std::vector<Attribute>& found) {
  bool has_processor = false;
  for (const auto& entry : root.list(kThermal)) {
    if (!entry.starts_with("cooling_device")) {
      continue;
    }
    const std::string folder = fmt::format("{}/{}", kThermal, entry);
    const std::string type = root.try_read(folder + "/type").value_or("");
    const std::string known_as = lower(type);
    const auto max_state = parse_integer(root.try_read(folder + "/max_state").value_or(""));
    const bool fan = known_as.find("fan") != std::string::npos;
    if (!max_state || *max_state <= 0 || (!fan && !slows_down(known_as))) {
      continue;
    }
    // ACPI makes one for each CPU, and throttles all together.
    if (type == "Processor" && std::exchange(has_processor, true)) {
      continue;
    }
    found.push_back({.quantity = fan ? "cooling_share" : "throttle_share",
                     .name = {type, entry},
                     .paths = {folder + "/cur_state"},
                     .scale = 1.0 / static_cast<double>(*max_state)});
  }
}

Attribute make_events(SensorName name, std::string path) {
  return {.quantity = "throttle_events",
          .name = std::move(name),
          .paths = {std::move(path)},
          .use = NumberUse::kGrowth};
}

/// x86: each core and package counts for all its CPUs.
void add_x86_events(const SysfsRoot& root, std::vector<Attribute>& found) {
  std::set<std::string> packages;
  std::set<std::pair<std::string, std::string>> seen_cores;
  std::vector<Attribute> cores;
  for (const auto& folder : root.find("/sys/devices/system/cpu/cpu*/thermal_throttle")) {
    const std::string cpu = std::filesystem::path(folder).parent_path().string();
    const std::string number = cpu.substr(cpu.rfind("cpu") + 3);
    const auto package = root.try_read(cpu + "/topology/physical_package_id").value_or("0");
    const auto core = root.try_read(cpu + "/topology/core_id").value_or(number);
    const std::string package_count = folder + "/package_throttle_count";
    const std::string core_count = folder + "/core_throttle_count";
    if (root.exists(package_count) && packages.insert(package).second) {
      found.push_back(make_events({"package" + package, ""}, package_count));
    }
    if (root.exists(core_count) && seen_cores.emplace(package, core).second) {
      cores.push_back(make_events({"core" + core, "package" + package}, core_count));
    }
  }
  if (cores.size() <= kManyCores) {
    std::move(cores.begin(), cores.end(), std::back_inserter(found));
  }
}

void add_jetson_events(const std::vector<HwmonChip>& chips, std::vector<Attribute>& found) {
  for (const auto& chip : chips) {
    for (const auto& file : chip.files) {
      if (const auto number = channel_of(file, "oc", "_event_cnt"); !number.empty()) {
        found.push_back(
            make_events({"oc" + number, chip.place}, fmt::format("{}/{}", chip.path, file)));
      }
    }
  }
}

void add_raspberry_pi(const SysfsRoot& root, const std::vector<HwmonChip>& chips,
                      std::vector<Attribute>& found) {
  constexpr std::array kBits{"undervoltage", "frequency_capped", "throttled",
                             "soft_temperature_limit"};
  for (const char* pattern : {"/sys/devices/platform/soc*/*firmware/get_throttled",
                              "/sys/devices/platform/*firmware/get_throttled"}) {
    const auto paths = root.find(pattern);
    if (paths.empty()) {
      continue;
    }
    for (std::size_t bit = 0; bit < kBits.size(); ++bit) {
      found.push_back({.quantity = "throttled",
                       .name = {kBits[bit], "firmware"},
                       .paths = {paths.front()},
                       .format = NumberFormat::kBits,
                       .bit = static_cast<int>(bit)});
    }
    return;
  }
  for (const auto& chip : chips) {
    const std::string alarm = chip.path + "/in0_lcrit_alarm";
    if (chip.name == "rpi_volt" && root.exists(alarm)) {
      found.push_back(
          {.quantity = "throttled", .name = {"undervoltage", chip.place}, .paths = {alarm}});
    }
  }
}

}  // namespace

std::vector<Attribute> find_temperatures(const SysfsRoot& root, const std::vector<HwmonChip>& chips,
                                         std::vector<Missing>& missing) {
  std::vector<Attribute> found;
  std::set<std::string> shown;
  for (const auto& entry : root.list(kThermal)) {
    const std::string path = fmt::format("{}/{}/temp", kThermal, entry);
    if (!entry.starts_with("thermal_zone") || !root.exists(path)) {
      continue;
    }
    const auto type = root.try_read(fmt::format("{}/{}/type", kThermal, entry)).value_or("");
    if (is_left_out(type)) {
      continue;
    }
    found.push_back(
        make_temperature({type, entry.substr(std::string_view("thermal_").size())}, path));
    shown.insert(type == "x86_pkg_temp" ? "coretemp" : chip_name(type));
  }
  for (const auto& chip : chips) {
    if (is_left_out(chip.name) || shown.contains(chip_name(chip.name))) {
      continue;
    }
    for (const auto& file : chip.files) {
      const std::string channel = "temp" + channel_of(file, "temp", "_input");
      const auto label = root.try_read(fmt::format("{}/{}_label", chip.path, channel));
      const auto fault = root.try_read(fmt::format("{}/{}_fault", chip.path, channel));
      if (channel == "temp" || !label || label->empty() || fault == "1" ||
          is_switched_off(root, chip, channel, missing)) {
        continue;
      }
      Attribute temperature =
          make_temperature({*label, chip.place}, fmt::format("{}/{}", chip.path, file));
      temperature.update = chip.update;
      found.push_back(std::move(temperature));
    }
  }
  if (found.empty()) {
    missing.push_back({kThermal, "has no thermal zones", "the driver of this board's sensors"});
  }
  return found;
}

std::vector<Attribute> find_throttling(const SysfsRoot& root, const std::vector<HwmonChip>& chips) {
  std::vector<Attribute> found;
  add_cooling_devices(root, found);
  add_x86_events(root, found);
  add_jetson_events(chips, found);
  add_raspberry_pi(root, chips, found);
  return found;
}

}  // namespace rein
