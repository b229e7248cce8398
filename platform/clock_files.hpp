#pragma once

#include <string>
#include <vector>

#include "platform/board.hpp"
#include "platform/sysfs_root.hpp"

namespace rein {

/// Names and unit of the files by which a clock is read and set. Empty where there is none.
struct ClockFiles {
  const char* governor;   ///< Holds `manual` while the set-point counts.
  const char* governors;  ///< Lists what `governor` may hold; empty: it takes `manual` anyway.
  const char* manual;
  const char* setpoint;
  const char* min;
  const char* max;
  const char* current;
  const char* opps;    ///< Lists the operating points.
  const char* lowest;  ///< The ends, where they are not listed.
  const char* highest;
  const char* unlock;  ///< Written to `min` and `max`, means no limit where they say no number.
  double per_mhz;

  static const ClockFiles& of(ClockInterface interface);
};

/// The operating points that the kernel lists below `folder`, in MHz, ascending. If the driver
/// takes any frequency: five in equal steps from the least to the greatest. Empty if it says
/// neither.
std::vector<double> kernel_opps_mhz(const SysfsRoot& root, const std::string& folder,
                                    const ClockFiles& files);

}  // namespace rein
