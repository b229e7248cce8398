#pragma once

#include <vector>

#include "platform/sensors/attribute.hpp"
#include "platform/sensors/hwmon.hpp"

namespace rein {

/// Whether a rail's name says that the whole machine draws from it: "VDD_IN", "POM_5V_IN", "VIN".
bool is_input_rail(const std::string& name);

/// `power_w.<rail>` of hwmon's chips: power, the growth of energy, or voltage times current where
/// both are of a labelled rail (INA3221). What is switched off is added to `missing`.
std::vector<Attribute> find_hwmon_power(const SysfsRoot& root, const std::vector<HwmonChip>& chips,
                                        std::vector<Missing>& missing);

/// `power_w.<rail>` of the INA3221 as older kernels of Jetson boards have it.
std::vector<Attribute> find_jetson_power(const SysfsRoot& root);

/// `power_w.<zone>` of RAPL, from the energy counters of powercap: packages, and what lies within
/// (core, uncore, dram) or around them (psys). What is there and cannot be read is added to
/// `missing`.
std::vector<Attribute> find_powercap(const SysfsRoot& root, std::vector<Missing>& missing);

}  // namespace rein
