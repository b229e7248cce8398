#include "platform/hwmon.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "platform/kernel_file.hpp"
#include "platform/sysfs_root.hpp"

namespace rein {

namespace {

constexpr std::int64_t kMaxUpdateMs = 3'600'000;

/// "1-0040" of a chip on an I2C bus, which stays the same from boot to boot.
std::string bus_address(const SysfsRoot& root, const std::string& folder) {
  std::error_code ignored;
  const std::string device =
      std::filesystem::canonical(root.resolve(folder + "/device"), ignored).filename().string();
  const std::size_t dash = device.find('-');
  const bool is_address = dash != std::string::npos && device.size() == dash + 5 && dash > 0 &&
                          device.find_first_not_of("0123456789abcdef-") == std::string::npos;
  return is_address ? device : "";
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
    const std::string address = bus_address(root, chip.path);
    chip.place = address.empty() ? entry : address;
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
