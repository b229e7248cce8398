#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "platform/kernel/missing.hpp"
#include "platform/platform.hpp"

namespace rein {

/// RAPL's counters of energy move every millisecond: in so long they have moved.
inline constexpr Duration kLongEnoughToMove = std::chrono::milliseconds(10);

/// What a sensor needs to know to take a sample.
struct SampleContext {
  TimePoint now{};
  Duration interval{};       ///< Since the sample before; 0 at the first, and never negative.
  std::vector<int> threads;  ///< Ids of the subject's threads, ascending.
};

/// What a sensor says about one signal.
struct Measurement {
  std::optional<double> value;  ///< In the signal's unit; nothing if the sensor cannot tell.
  Duration age{};               ///< At most so old is what was measured; 0: it is of this sample.
  /// Why there is no value, naming path, what was found and what was expected; empty where that is
  /// no trouble, as for a rate at the first sample.
  std::string problem;
};

/// Some signals that are read together. Used from one thread.
class Sensor {
 public:
  virtual ~Sensor() = default;

  /// Fixed from construction on.
  virtual const std::vector<Signal>& signals() const = 0;
  /// Appends one measurement for each of signals(), in their order.
  /// Never throws because of what the kernel says.
  virtual void sample(const SampleContext& context, std::vector<Measurement>& measurements) = 0;
};

/// A part of a signal's name.
struct SensorName {
  std::string name;   ///< As the kernel has it.
  std::string place;  ///< The device, by what stays the same from boot to boot; empty if unknown.
  std::string channel = {};  ///< Of the device: "temp2".
};

/// Names that are fit for a CSV column (letters, digits, `_`, `-`, `.`), each once: those that
/// would be the same carry their place, those of one place their channel, and else a number.
std::vector<std::string> unique_names(const std::vector<SensorName>& names);

}  // namespace rein
