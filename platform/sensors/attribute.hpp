#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "platform/board/heat.hpp"
#include "platform/platform.hpp"
#include "platform/quantities.hpp"
#include "platform/sensors/sensor.hpp"

namespace rein {

class SysfsRoot;
struct SensorSpec;

/// How a file writes its number.
enum class NumberFormat {
  kWhole,
  kDecimal,  ///< With or without a fraction.
  kBits,     ///< Hexadecimal or decimal: the Raspberry Pi's `get_throttled`.
};

/// What a number says of a signal.
enum class NumberUse {
  kLevel,   ///< Its value, now.
  kRate,    ///< It counts up; the signal is how much in a second of the period.
  kGrowth,  ///< It counts up; the signal is how much in the period.
};

/// What a power is a part of.
enum class PowerRole {
  kNone,      ///< A battery, a CPU's own meter, a card that may be a part of the chip: not to be
              ///< added up.
  kCard,      ///< A graphics card of its own: of the machine if the board has places on one.
  kRail,      ///< Of the board.
  kOnlyRail,  ///< The same; if there is no other, it is the whole.
  kMachine,   ///< The whole.
  kPackage,   ///< All of them are the processor.
};

/// A signal that the kernel offers as a file that holds a number, or as several whose product it
/// is.
struct Attribute {
  std::string quantity;            ///< "power_w": what comes before the dot of the signal's name.
  SensorName name;                 ///< What comes behind it; empty: no dot either.
  std::vector<std::string> paths;  ///< Kernel files.
  std::string enable;              ///< A kernel file that must say 1; empty if none.
  NumberFormat format = NumberFormat::kWhole;
  int bit = 0;  ///< The one that is the signal, of kBits.
  NumberUse use = NumberUse::kLevel;
  double scale = 1.0;              ///< From the product to the signal's unit.
  std::optional<double> min;       ///< Plausible; nothing: its quantity's.
  std::optional<double> max;       ///< The same.
  bool is_unit_given = false;      ///< By a user: its scale is not doubted.
  std::optional<double> wraps_at;  ///< The greatest that a counter shows, after which comes 0.
  bool never_still = false;        ///< A counter that does not move does not count.
  Duration update{};  ///< How often the sensor measures; 0: whenever it is read, or unknown.
  PowerRole role = PowerRole::kNone;
  HeatSource heat = HeatSource::kUnknown;  ///< Of a temperature.
  Signal signal{};                         ///< From name_signals().
};

/// What a board file names. What is not there, or not switched on, is added to `missing`.
std::vector<Attribute> find_given(const SysfsRoot& root, const std::vector<SensorSpec>& specs,
                                  std::vector<Missing>& missing);

/// What the table of quantities says where it is: of one with a signal of its own the first, of
/// another all, by what their folders say that they are called.
std::vector<Attribute> find_listed(const SysfsRoot& root,
                                   std::span<const Quantity> table = quantities());

/// Gives each its signal. `given` keep their names; `found` lose what is at the same file as one of
/// the same quantity before it, and those that would be called the same carry their place.
/// @return both, in their order.
std::vector<Attribute> name_signals(const SysfsRoot& root, std::vector<Attribute> given,
                                    std::vector<Attribute> found);

}  // namespace rein
