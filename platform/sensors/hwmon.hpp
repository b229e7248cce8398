#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/clock.hpp"
#include "platform/sensors/sensor.hpp"

namespace rein {

class SysfsRoot;

/// A chip in /sys/class/hwmon.
struct HwmonChip {
  std::string path;              ///< The directory of its files.
  std::string name;              ///< As its driver has it: "ina3221".
  std::string place;             ///< Its device, "1-0040" or "0000:00:18.3"; empty if it has none.
  std::string label;             ///< Of the device tree; empty if there is none.
  bool of_power_supply = false;  ///< A battery, a charger, a port that is fed.
  Duration update{};             ///< How often it measures; 0: unknown.
  std::vector<std::string> files;
};

std::vector<HwmonChip> find_hwmon_chips(const SysfsRoot& root);

/// "2" of "power2_input"; empty if the file is called otherwise.
std::string channel_of(const std::string& file, std::string_view before, std::string_view after);

/// Of a file of milliseconds; 0 if it does not say.
Duration read_update(const SysfsRoot& root, const std::string& path);

/// Whether a channel such as "in2" is switched off, which is then told in `missing`.
bool is_switched_off(const SysfsRoot& root, const HwmonChip& chip, const std::string& channel,
                     std::vector<Missing>& missing);

}  // namespace rein
