#pragma once

#include <string>
#include <vector>

#include "platform/board/board.hpp"
#include "platform/kernel/sysfs_root.hpp"

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
  const char* opps;        ///< Lists the operating points.
  const char* boost_opps;  ///< Lists those that count only while boost is on.
  const char* boost;       ///< Whether it is, of this clock alone; 0 or 1.
  const char* lowest;      ///< The ends, where they are not listed.
  const char* highest;
  const char* unlock;  ///< Written to `min` and `max`, means no limit where they say no number.
  double per_mhz;

  static const ClockFiles& of(ClockInterface interface);
};

/// The operating points that the kernel lists below `folder`, in MHz, ascending, with those of
/// boost while that is on. If the driver takes any frequency: five in equal steps from the least to
/// the greatest. Empty if it says neither.
std::vector<double> kernel_opps_mhz(const SysfsRoot& root, const std::string& folder,
                                    const ClockFiles& files);
/// The same of clocks that are set together: what any of them lists.
std::vector<double> kernel_opps_mhz(const SysfsRoot& root, const std::vector<std::string>& folders,
                                    const ClockFiles& files);

/// Whether the highest of them can be what clocks something that computes: from 10 MHz to 20 GHz.
/// Some drivers list other things in the same file, or in another unit.
bool can_be_clock(const std::vector<double>& opps_mhz);

/// A handful (five) of them: the lowest, the highest and those that are nearest to equal steps
/// between. @pre ascending.
std::vector<double> thin_opps(const std::vector<double>& opps_mhz);

}  // namespace rein
