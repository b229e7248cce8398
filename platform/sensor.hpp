#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "platform/platform.hpp"

namespace rein {

class SysfsRoot;

/// What a sensor needs to know to take a sample.
struct SampleContext {
  Duration interval{};       ///< Since the sample before; 0 at the first.
  std::vector<int> threads;  ///< Ids of this process's threads.
};

/// Some signals that are read together. Used from one thread.
class Sensor {
 public:
  virtual ~Sensor() = default;

  /// Fixed from construction on.
  virtual const std::vector<Signal>& signals() const = 0;
  /// Appends one value for each of signals(), in their order; nothing where the sensor cannot tell.
  /// Never throws because of what the kernel says.
  virtual void sample(const SampleContext& context, std::vector<std::optional<double>>& values) = 0;
};

/// Something that this machine does not offer, or not to us.
struct Missing {
  std::string path;    ///< The kernel path or interface.
  std::string reason;  ///< What was found.
  std::string remedy;  ///< What to do about it.

  std::string line() const { return path + ": " + reason + "; " + remedy; }
};

/// A part of a signal's name.
struct SensorName {
  std::string name;   ///< As the kernel has it.
  std::string place;  ///< Distinguishes those of the same name.
};

/// Names that are fit for a CSV column (letters, digits, `_`, `-`, `.`), where those that would be
/// the same carry their place.
std::vector<std::string> unique_names(const std::vector<SensorName>& names);

/// Ids of the threads of this process, ascending; none if they cannot be listed.
std::vector<int> list_threads(const SysfsRoot& root);

}  // namespace rein
