#include "platform/sensors/power_attributes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <filesystem>
#include <iterator>
#include <set>
#include <string_view>

#include "common/pattern.hpp"
#include "platform/kernel/access.hpp"
#include "platform/kernel/kernel_file.hpp"
#include "platform/kernel/sysfs_root.hpp"

namespace rein {

namespace {

constexpr double kMaxZoneW = 2e3;  ///< More in one zone is a counter that was reset.
constexpr double kWPerUw = 1e-6;   ///< And of mV times mA.
constexpr double kWPerMw = 1e-3;
constexpr double kJPerUj = 1e-6;
const std::string kPowercap = "/sys/class/powercap";

/// What a chip's powers are a part of, by its driver's name. The first that fits is it.
struct ChipRole {
  std::string_view pattern;
  PowerRole role;
};
constexpr ChipRole kChipRoles[] = {
    // Meters of the whole machine.
    {"power_meter", PowerRole::kMachine},
    {"ibmaem", PowerRole::kMachine},
    {"aem", PowerRole::kMachine},
    // Cards of their own, and what CPUs say of themselves.
    {"amdgpu", PowerRole::kNone},
    {"radeon", PowerRole::kNone},
    {"nouveau", PowerRole::kNone},
    {"nvidia*", PowerRole::kNone},
    {"i915", PowerRole::kNone},
    {"xe", PowerRole::kNone},
    {"fam*h_power", PowerRole::kNone},
    {"k*temp", PowerRole::kNone},
    {"zenpower*", PowerRole::kNone},
    {"amd_energy*", PowerRole::kNone},
    {"ryzen*", PowerRole::kNone},
    {"coretemp", PowerRole::kNone},
    // Batteries, chargers and ports, also where no path says so.
    {"BAT*", PowerRole::kNone},
    {"CMB*", PowerRole::kNone},
    {"*bat*", PowerRole::kNone},
    {"*battmgr*", PowerRole::kNone},
    {"*charger*", PowerRole::kNone},
    {"ucsi*", PowerRole::kNone},
    {"AC", PowerRole::kNone},
    {"ADP*", PowerRole::kNone},
    {"sfp*", PowerRole::kNone},
    // Shunts, which somebody has put where all of it flows, if there is but one.
    {"ina*", PowerRole::kOnlyRail},
    {"ltc29*", PowerRole::kOnlyRail},
    // Hot-swap controllers, which sit where power comes in.
    {"ltc42*", PowerRole::kOnlyRail},
    {"lm250*", PowerRole::kOnlyRail},
    {"lm50*", PowerRole::kOnlyRail},
    {"adm12*", PowerRole::kOnlyRail},
    {"pac19*", PowerRole::kOnlyRail},
    {"max34*", PowerRole::kOnlyRail},
};

/// Words in the names of rails that are a part of the machine.
constexpr std::string_view kParts[] = {
    "cpu", "gpu", "soc",    "core", "ddr", "dram", "mem", "arm",  "a15", "a7",   "a53", "a57",
    "a72", "big", "little", "wifi", "cv",  "disk", "ssd", "nvme", "usb", "pcie", "io"};

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

PowerRole role_of(const HwmonChip& chip, const std::string& label) {
  const auto* known =
      std::find_if(std::begin(kChipRoles), std::end(kChipRoles),
                   [&chip](const ChipRole& each) { return matches(each.pattern, chip.name); });
  const PowerRole role = known == std::end(kChipRoles) ? PowerRole::kRail : known->role;
  if (chip.of_power_supply || role == PowerRole::kNone) {
    return PowerRole::kNone;
  }
  if (is_input_rail(label)) {
    return PowerRole::kMachine;
  }
  const std::string small = lower(label);
  const bool is_part = std::any_of(
      std::begin(kParts), std::end(kParts),
      [&small](std::string_view part) { return small.find(part) != std::string::npos; });
  return role == PowerRole::kOnlyRail && is_part ? PowerRole::kRail : role;
}

bool is_connected(const std::string& label) { return label != "NC" && label != "nc"; }

Attribute make_rail(const HwmonChip& chip, const std::string& label, const std::string& channel) {
  return {.quantity = "power_w",
          .name = {label, chip.place, channel},
          .scale = kWPerUw,
          .update = chip.update,
          .role = role_of(chip, label)};
}

std::string label_of(const SysfsRoot& root, const HwmonChip& chip, const std::string& kind,
                     const std::string& number) {
  for (const auto& channel : {kind + number, "in" + number}) {
    if (const auto label = root.try_read(fmt::format("{}/{}_label", chip.path, channel));
        label && !label->empty()) {
      return *label;
    }
  }
  return chip.label.empty() ? fmt::format("{}_{}{}", chip.name, kind, number) : chip.label;
}

bool has_file(const HwmonChip& chip, const std::string& file) {
  return std::find(chip.files.begin(), chip.files.end(), file) != chip.files.end();
}

/// Finds the rails of one chip.
class RailFinder {
 public:
  RailFinder(const SysfsRoot& root, const HwmonChip& chip, std::vector<Missing>& missing)
      : root_(root), chip_(chip), missing_(missing) {}

  std::vector<Attribute> find() {
    for (const auto& file : chip_.files) {
      add_power(file);
    }
    for (const auto& file : chip_.files) {
      add_energy(file);
    }
    // Else its voltages and currents say the same once more.
    if (numbers_.empty()) {
      for (const auto& file : chip_.files) {
        add_product(file);
      }
    }
    return std::move(rails_);
  }

 private:
  void add(const std::string& kind, const std::string& number, Attribute rail) {
    for (const auto& path : rail.paths) {
      if (const int error = root_.read_error(path); error == EACCES || error == EPERM) {
        missing_.push_back(unreadable(root_, path, ""));
        return;
      }
    }
    if (is_connected(rail.name.name) && !is_switched_off(root_, chip_, kind + number, missing_)) {
      rails_.push_back(std::move(rail));
    }
  }

  void add_power(const std::string& file) {
    const std::string instant = channel_of(file, "power", "_input");
    const std::string average = channel_of(file, "power", "_average");
    const std::string& number = instant.empty() ? average : instant;
    if (number.empty() ||
        (instant.empty() && has_file(chip_, fmt::format("power{}_input", number)))) {
      return;
    }
    numbers_.insert(number);
    Attribute rail = make_rail(chip_, label_of(root_, chip_, "power", number), "power" + number);
    rail.paths = {fmt::format("{}/{}", chip_.path, file)};
    const Duration interval =
        read_update(root_, fmt::format("{}/power{}_average_interval", chip_.path, number));
    if (instant.empty() && interval > Duration::zero()) {
      rail.update = interval;
    }
    add("power", number, std::move(rail));
  }

  void add_energy(const std::string& file) {
    const std::string number = channel_of(file, "energy", "_input");
    if (number.empty() || numbers_.contains(number)) {
      return;
    }
    numbers_.insert(number);
    Attribute rail = make_rail(chip_, label_of(root_, chip_, "energy", number), "energy" + number);
    rail.paths = {fmt::format("{}/{}", chip_.path, file)};
    rail.use = NumberUse::kRate;
    rail.scale = kJPerUj;
    add("energy", number, std::move(rail));
  }

  /// Only where a label says that both are of one rail: the last channels of an INA3221 are sums.
  void add_product(const std::string& file) {
    const std::string number = channel_of(file, "curr", "_input");
    const std::string voltage = "in" + number;
    const auto label = root_.try_read(fmt::format("{}/{}_label", chip_.path, voltage));
    if (number.empty() || !label || label->empty() || label->find("shunt") != std::string::npos ||
        !has_file(chip_, voltage + "_input")) {
      return;
    }
    Attribute rail = make_rail(chip_, *label, voltage);
    rail.paths = {fmt::format("{}/{}", chip_.path, file),
                  fmt::format("{}/{}_input", chip_.path, voltage)};
    add("in", number, std::move(rail));
  }

  const SysfsRoot& root_;
  const HwmonChip& chip_;
  std::vector<Missing>& missing_;
  std::vector<Attribute> rails_;
  std::set<std::string> numbers_;
};

/// The zones of RAPL, with those within behind each: not intel-rapl-mmio, which is the same again.
std::vector<std::string> list_zones(const SysfsRoot& root) {
  std::vector<std::string> paths;
  std::set<std::string> seen;
  const auto visit = [&](const auto& self, const std::string& folder) -> void {
    for (const auto& name : root.list(folder)) {
      if (name.starts_with("intel-rapl:") && seen.insert(name).second) {
        const std::string listed = fmt::format("{}/{}", kPowercap, name);
        const std::string path = root.exists(listed) ? listed : fmt::format("{}/{}", folder, name);
        paths.push_back(path);
        self(self, path);
      }
    }
  };
  visit(visit, kPowercap);
  return paths;
}

/// Of "intel-rapl:0:1", which may be listed beside it or in it: the package's "intel-rapl:0".
std::string parent_of(const std::string& zone) {
  const std::string name = zone.substr(zone.rfind('/') + 1);
  return fmt::format("{}/{}", kPowercap, name.substr(0, name.rfind(':')));
}

}  // namespace

bool is_input_rail(const std::string& name) {
  // Without the voltage and whatever is between words: "POM_5V_IN" is "pomin".
  constexpr std::string_view kInputs[] = {
      "in",         "vddin",   "vin",    "pomin",       "main",
      "sys",        "system",  "vsys",   "input",       "dcin",
      "vccin",      "powerin", "pwrin",  "systempower", "totalpower",
      "powertotal", "total",   "board",  "boardpower",  "totalsystempower",
      "inputpower", "vddmain", "machine"};
  std::string word;
  std::string words;
  const std::string small = lower(name) + "_";
  for (const char c : small) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      word += c;
      continue;
    }
    // "5v" and "5v0", "19v".
    const bool is_voltage = word.size() > 1 &&
                            std::isdigit(static_cast<unsigned char>(word[0])) != 0 &&
                            word.find_first_not_of("0123456789v") == std::string::npos;
    words += is_voltage ? "" : word;
    word.clear();
  }
  return std::find(std::begin(kInputs), std::end(kInputs), words) != std::end(kInputs);
}

std::vector<Attribute> find_hwmon_power(const SysfsRoot& root, const std::vector<HwmonChip>& chips,
                                        std::vector<Missing>& missing) {
  std::vector<Attribute> rails;
  for (const auto& chip : chips) {
    auto found = RailFinder(root, chip, missing).find();
    std::move(found.begin(), found.end(), std::back_inserter(rails));
  }
  return rails;
}

std::vector<Attribute> find_jetson_power(const SysfsRoot& root) {
  std::vector<Attribute> rails;
  for (const auto& chip : root.find("/sys/bus/i2c/drivers/ina3221x/*/iio:device*")) {
    const std::string address = std::filesystem::path(chip).parent_path().filename().string();
    for (const auto& file : root.list(chip)) {
      const std::string number = channel_of(file, "rail_name_", "");
      const std::string label = root.try_read(fmt::format("{}/{}", chip, file)).value_or("");
      if (number.empty() || label.empty() || !is_connected(label)) {
        continue;
      }
      Attribute rail{.quantity = "power_w",
                     .name = {label, address, "rail" + number},
                     .role = is_input_rail(label) ? PowerRole::kMachine : PowerRole::kRail};
      const std::string power = fmt::format("{}/in_power{}_input", chip, number);
      if (root.exists(power)) {
        rail.paths = {power};
        rail.scale = kWPerMw;
      } else {
        rail.paths = {fmt::format("{}/in_current{}_input", chip, number),
                      fmt::format("{}/in_voltage{}_input", chip, number)};
        rail.scale = kWPerUw;
      }
      rails.push_back(std::move(rail));
    }
  }
  return rails;
}

std::vector<Attribute> find_powercap(const SysfsRoot& root, std::vector<Missing>& missing) {
  std::vector<Attribute> zones;
  for (const auto& path : list_zones(root)) {
    const std::string energy = path + "/energy_uj";
    if (!root.try_read(energy)) {
      missing.push_back(
          unreadable(root, energy, "a kernel with this zone's counter",
                     "run as root, or give read access (it is root's since Linux 5.10)"));
      continue;
    }
    const std::string name = root.try_read(path + "/name").value_or("");
    const auto range = parse_count(root.try_read(path + "/max_energy_range_uj").value_or(""));
    const bool package = name.starts_with("package");
    const std::string number = path.substr(path.rfind(':') + 1);
    Attribute zone{.quantity = "power_w",
                   .name = {name, root.try_read(parent_of(path) + "/name").value_or(""), number},
                   .paths = {energy},
                   .use = NumberUse::kRate,
                   .scale = kJPerUj,
                   .max = kMaxZoneW,
                   .never_still = package,
                   .role = package ? PowerRole::kPackage : PowerRole::kNone};
    if (range && *range > 0) {
      zone.wraps_at = static_cast<double>(*range);
    }
    zones.push_back(std::move(zone));
  }
  return zones;
}

}  // namespace rein
