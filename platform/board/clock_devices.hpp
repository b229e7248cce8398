#pragma once

#include <string>
#include <vector>

#include "platform/kernel/sysfs_root.hpp"

namespace rein {

/// What a devfreq device clocks.
struct ClockUse {
  bool gpu = false;
  std::string what;  ///< For people, if it is no GPU: "storage", "a bandwidth vote".
};

/// Judged by the words in the device's name, its driver's and its `compatible`, and by whether what
/// it lists can be Hz. `folder` is its kernel directory.
ClockUse use_of_device(const SysfsRoot& root, const std::string& folder);

/// A devfreq device that is nobody's clock here.
struct LeftAlone {
  std::string device;  ///< As in /sys/class/devfreq, by which a board file can name it.
  std::string what;    ///< What it clocks.
};

/// Those that list operating points and are no GPU: storage, video, memory, votes for bandwidth.
/// None of them is set unless a board file names it.
std::vector<LeftAlone> find_left_alone(const SysfsRoot& root);

}  // namespace rein
