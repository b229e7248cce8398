#include "platform/sensors/hwmon.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "common/pattern.hpp"
#include "platform/kernel/kernel_file.hpp"
#include "platform/kernel/sysfs_root.hpp"

namespace rein {

namespace {

constexpr std::int64_t kMaxUpdateMs = 3'600'000;

/// The device that a chip belongs to; empty if it has none.
std::filesystem::path device_of(const SysfsRoot& root, const std::string& folder) {
  std::error_code error;
  auto device = std::filesystem::canonical(root.resolve(folder + "/device"), error);
  if (!error) {
    return device;
  }
  device = std::filesystem::canonical(root.resolve(folder), error).parent_path();
  if (device.filename() == "hwmon") {
    device = device.parent_path();
  }
  // Of what is in /sys/class itself, or below "virtual", nobody says whose it is.
  const std::string name = device.filename().string();
  return error || name == "class" || name == "virtual" ? std::filesystem::path() : device;
}

bool is_of_power_supply(const std::filesystem::path& device) {
  return std::find(device.begin(), device.end(), "power_supply") != device.end();
}

/// "1-0040", "0000:00:18.3", "coretemp.0": its address stays the same from boot to boot, the
/// numbers of hwmon and of thermal zones do not.
std::string place_of(const std::filesystem::path& device) {
  const std::string name = device.filename().string();
  if (matches("????:????:????.????", name)) {
    return device.parent_path().filename().string();  // Of HID, whose last number counts up.
  }
  return name.starts_with("thermal_zone") ? "" : name;
}

}  // namespace

std::string channel_of(const std::string& file, std::string_view before, std::string_view after) {
  if (!file.starts_with(before) || !file.ends_with(after) ||
      file.size() <= before.size() + after.size()) {
    return "";
  }
  const std::string number = file.substr(before.size(), file.size() - before.size() - after.size());
  return parse_count(number) ? number : "";
}

Duration read_update(const SysfsRoot& root, const std::string& path) {
  const auto milliseconds = parse_integer(root.try_read(path).value_or(""));
  return milliseconds && *milliseconds > 0 && *milliseconds <= kMaxUpdateMs
             ? Duration(std::chrono::milliseconds(*milliseconds))
             : Duration::zero();
}

std::vector<HwmonChip> find_hwmon_chips(const SysfsRoot& root) {
  const std::string folder = "/sys/class/hwmon";
  std::vector<HwmonChip> chips;
  for (const auto& entry : root.list(folder)) {
    HwmonChip chip;
    chip.path = fmt::format("{}/{}", folder, entry);
    const auto device = device_of(root, chip.path);
    chip.place = place_of(device);
    chip.of_power_supply = is_of_power_supply(device);
    // Up to about Linux 3.13 the files are the device's.
    if (!root.exists(chip.path + "/name") && root.exists(chip.path + "/device/name")) {
      chip.path += "/device";
    }
    chip.name = root.try_read(chip.path + "/name").value_or("hwmon");
    chip.label = root.try_read(chip.path + "/label").value_or("");
    chip.update = read_update(root, chip.path + "/update_interval");
    chip.files = root.list(chip.path);
    chips.push_back(std::move(chip));
  }
  return chips;
}

bool is_switched_off(const SysfsRoot& root, const HwmonChip& chip, const std::string& channel,
                     std::vector<Missing>& missing) {
  const std::string path = fmt::format("{}/{}_enable", chip.path, channel);
  const auto text = root.try_read(path);
  if (text != "0") {
    return false;
  }
  missing.push_back(
      {path, "is 0, so that nothing is measured there", fmt::format("echo 1 > {}", path)});
  return true;
}

}  // namespace rein
