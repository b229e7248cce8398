#pragma once

#include <vector>

#include "platform/board/board.hpp"
#include "platform/sensors/attribute.hpp"
#include "platform/sensors/hwmon.hpp"

namespace rein {

/// `temperature_c.<type>` of the thermal zones, and `temperature_c.<label>` of hwmon's chips that
/// no zone shows; those of a CPU's chip also without a label, by the driver's name. What is hidden
/// or closed is added to `missing`.
std::vector<Attribute> find_temperatures(const SysfsRoot& root, const std::vector<HwmonChip>& chips,
                                         std::vector<Missing>& missing);

/// Those of all zones. What cannot be one, as in another unit, is added to `missing`.
std::vector<TripPoint> find_trips(const SysfsRoot& root, std::vector<Missing>& missing);

/// What heat and bad supplies take from us:
/// - `throttle_share.<type>` of a cooling device that slows something down, and
///   `cooling_share.<type>` of a fan: its state, of the greatest;
/// - `throttle_events.<name>`: how often the hardware stepped in during the period (x86, Jetson);
/// - `throttled.<name>`: 1 while it does so (Raspberry Pi).
std::vector<Attribute> find_throttling(const SysfsRoot& root, const std::vector<HwmonChip>& chips);

}  // namespace rein
