#include "platform/sensors/thermal_attributes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <filesystem>
#include <iterator>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "common/pattern.hpp"
#include "platform/kernel/access.hpp"
#include "platform/kernel/kernel_file.hpp"
#include "platform/kernel/sysfs_root.hpp"

namespace rein {

namespace {

constexpr double kCPerMc = 1e-3;
constexpr double kMcPerC = 1e3;
constexpr double kMinTripC = 1.5;  ///< Below it, the number is in another unit.
constexpr double kMaxTripC = 250.0;
constexpr std::size_t kManyCores = 8;
const std::string kThermal = "/sys/class/thermal";
constexpr std::string_view kThermalPrefix = "thermal_";

/// Zones and chips that are not even looked at: some take milliseconds to answer (disks, radios,
/// memory modules), and the others show no temperature: always 100 and 20 degC; currents, voltages
/// and charges of a battery.
constexpr std::string_view kLeftOut[] = {"nvme*",  "drivetemp*", "iwlwifi*", "ath1*",    "mt7*phy*",
                                         "jc42*",  "spd5118*",   "BAT*",     "PMIC-Die", "INT3400*",
                                         "*ibat*", "*vbat*",     "*bcl-*",   "*vph*",    "socd*"};
constexpr std::array<std::string_view, 10> kThrottles{
    "processor", "cpu", "gpu", "mali", "devfreq", "emc", "dvfs", "idle", "balanced", "throt"};

bool is_left_out(const std::string& name) {
  return std::any_of(std::begin(kLeftOut), std::end(kLeftOut),
                     [&name](std::string_view pattern) { return matches(pattern, name); });
}

bool slows_down(const std::string& type) {
  return std::any_of(kThrottles.begin(), kThrottles.end(), [&type](std::string_view part) {
    return type.find(part) != std::string::npos;
  });
}

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// As hwmon calls the chip of a thermal zone.
std::string chip_name(std::string zone_type) {
  std::replace(zone_type.begin(), zone_type.end(), '-', '_');
  return zone_type;
}

Attribute make_temperature(SensorName name, std::string path, HeatSource heat) {
  return {.quantity = "temperature_c",
          .name = std::move(name),
          .paths = {std::move(path)},
          .scale = kCPerMc,
          .heat = heat};
}

/// The zones and their types, but for those that are left out.
std::vector<std::pair<std::string, std::string>> list_typed_zones(const SysfsRoot& root) {
  std::vector<std::pair<std::string, std::string>> zones;
  bool has_battery = false;
  for (const auto& entry : root.list(kThermal)) {
    const auto type = root.try_read(fmt::format("{}/{}/type", kThermal, entry)).value_or("");
    has_battery |= matches("*ibat*", type) || matches("*vbat*", type);
    if (entry.starts_with("thermal_zone") && !is_left_out(type)) {
      zones.emplace_back(entry, type);
    }
  }
  // Beside the battery's current and voltage it is the state of its charge.
  std::erase_if(zones, [&](const auto& zone) { return has_battery && zone.second == "soc"; });
  return zones;
}

/// ACPI's device, else which of those of its type it is: numbers of zones and cooling devices
/// change when another driver comes first.
std::string place_of(const SysfsRoot& root, const std::string& entry, int count) {
  std::error_code error;
  const auto device =
      std::filesystem::canonical(root.resolve(fmt::format("{}/{}/device", kThermal, entry)), error);
  return error ? std::to_string(count) : device.filename().string();
}

/// Only what stays closed is missing: a device may wake up, and is asked every time.
bool is_closed(int error) {
  return error == EACCES || error == EPERM || error == ENOENT || error == ENOTDIR;
}

constexpr const char* kDriver = "load the driver of this machine's sensors";

/// What a zone shows; nothing, and why in `missing`, if it is closed.
void add_zones(const SysfsRoot& root, std::vector<Attribute>& found, std::set<std::string>& shown,
               std::vector<Missing>& missing) {
  std::map<std::string, int> counts;
  const auto supplies = root.list("/sys/class/power_supply");
  for (const auto& [zone, type] : list_typed_zones(root)) {
    const std::string path = fmt::format("{}/{}/temp", kThermal, zone);
    const int count = ++counts[type];
    if (!root.exists(path) && !root.leads_nowhere(path) && root.read_error(path) == ENOENT) {
      continue;  // As old kernels have it, a zone without a sensor.
    }
    if (const int error = root.read_error(path); is_closed(error)) {
      missing.push_back(unreadable(root, path, kDriver));
      continue;
    }
    // Batteries and chargers make zones that are called as they are.
    const HeatSource heat = std::find(supplies.begin(), supplies.end(), type) != supplies.end()
                                ? HeatSource::kElsewhere
                                : heat_source_of_zone(type);
    found.push_back(make_temperature(
        {type.empty() ? zone.substr(kThermalPrefix.size()) : type, place_of(root, zone, count)},
        path, heat));
    shown.insert(type == "x86_pkg_temp" ? "coretemp" : chip_name(type));
  }
}

/// What a channel of a chip is of.
HeatSource heat_source_of_channel(const HwmonChip& chip, const std::string& label, bool has_tdie) {
  const HeatSource source =
      chip.of_power_supply ? HeatSource::kElsewhere : heat_source_of_chip(chip.name);
  // AMD's Tctl is Tdie and a number for the fan's sake, up to 27 K.
  if (source == HeatSource::kProcessor && label == "Tctl" && has_tdie) {
    return HeatSource::kElsewhere;
  }
  return source == HeatSource::kUnknown ? heat_source_of(label) : source;
}

void add_chip(const SysfsRoot& root, const HwmonChip& chip, std::vector<Attribute>& found,
              std::vector<Missing>& missing) {
  const bool is_processor = heat_source_of_chip(chip.name) == HeatSource::kProcessor;
  const auto label_of = [&](const std::string& channel) {
    return root.try_read(fmt::format("{}/{}_label", chip.path, channel)).value_or("");
  };
  std::vector<std::pair<std::string, std::string>> channels;  // And their labels.
  for (const auto& file : chip.files) {
    if (const auto number = channel_of(file, "temp", "_input"); !number.empty()) {
      channels.emplace_back("temp" + number, label_of("temp" + number));
    }
  }
  const bool has_tdie = std::any_of(channels.begin(), channels.end(),
                                    [](const auto& each) { return each.second == "Tdie"; });
  for (const auto& [channel, label] : channels) {
    const std::string path = fmt::format("{}/{}_input", chip.path, channel);
    if ((label.empty() && !is_processor) ||
        root.try_read(fmt::format("{}/{}_fault", chip.path, channel)) == "1" ||
        is_switched_off(root, chip, channel, missing)) {
      continue;
    }
    if (is_closed(root.read_error(path))) {
      missing.push_back(unreadable(root, path, kDriver));
      continue;
    }
    Attribute temperature = make_temperature(
        {label.empty() ? fmt::format("{}_{}", chip.name, channel) : label, chip.place, channel},
        path, heat_source_of_channel(chip, label, has_tdie));
    temperature.update = chip.update;
    found.push_back(std::move(temperature));
  }
}

void add_cooling_devices(const SysfsRoot& root, std::vector<Attribute>& found) {
  bool has_processor = false;
  std::map<std::string, int> counts;
  for (const auto& entry : root.list(kThermal)) {
    if (!entry.starts_with("cooling_device")) {
      continue;
    }
    const std::string folder = fmt::format("{}/{}", kThermal, entry);
    const std::string type = root.try_read(folder + "/type").value_or("");
    const std::string known_as = lower_case(type);
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
                     .name = {type, place_of(root, entry, ++counts[type])},
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

std::optional<TripPoint> find_trip(const SysfsRoot& root, const std::string& zone,
                                   const std::string& type, const std::string& kind_path,
                                   std::vector<Missing>& missing) {
  const std::string path = kind_path.substr(0, kind_path.rfind('_'));
  const auto temperature = parse_integer(root.try_read(path + "_temp").value_or(""));
  const std::string kind = root.try_read(kind_path).value_or("");
  // 0 and less is what drivers say of a trip point that is not set.
  if (!temperature || *temperature <= 0 ||
      std::ranges::find(trip_kinds(), kind) == trip_kinds().end()) {
    return std::nullopt;
  }
  const double celsius = static_cast<double>(*temperature) / kMcPerC;
  if (celsius <= kMinTripC || celsius > kMaxTripC) {
    missing.push_back({path + "_temp",
                       fmt::format("holds {}, which would be {:.6g} degC and can hardly be",
                                   *temperature, celsius),
                       "give `trips` in the board file"});
    return std::nullopt;
  }
  const auto hysteresis = parse_count(root.try_read(path + "_hyst").value_or(""));
  return TripPoint{.zone = type.empty() ? zone : type,
                   .kind = kind,
                   .temperature_c = celsius,
                   .hysteresis_c = static_cast<double>(hysteresis.value_or(0)) / kMcPerC};
}

}  // namespace

std::vector<Attribute> find_temperatures(const SysfsRoot& root, const std::vector<HwmonChip>& chips,
                                         std::vector<Missing>& missing) {
  std::vector<Attribute> found;
  std::set<std::string> shown;
  for (const auto& folder : {kThermal, std::string("/sys/class/hwmon")}) {
    if (const int error = root.read_error(folder); error != 0 && error != ENOENT) {
      missing.push_back(unreadable(root, folder, kDriver));
    }
  }
  add_zones(root, found, shown, missing);
  for (const auto& chip : chips) {
    if (root.leads_nowhere(chip.path)) {
      missing.push_back(unreadable(root, chip.path, kDriver));
    } else if (!is_left_out(chip.name) && !shown.contains(chip_name(chip.name))) {
      add_chip(root, chip, found, missing);
    }
  }
  return found;
}

std::vector<TripPoint> find_trips(const SysfsRoot& root, std::vector<Missing>& missing) {
  std::vector<TripPoint> trips;
  for (const auto& zone : root.list(kThermal)) {
    const std::string type = root.try_read(fmt::format("{}/{}/type", kThermal, zone)).value_or("");
    for (const auto& path : root.find(fmt::format("{}/{}/trip_point_*_type", kThermal, zone))) {
      if (auto trip = find_trip(root, zone, type, path, missing)) {
        trips.push_back(std::move(*trip));
      }
    }
  }
  return trips;
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
