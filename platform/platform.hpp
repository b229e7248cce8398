#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "common/clock.hpp"

namespace rein {

/// Something that can be measured. Its name carries the unit: `power_w`, `temperature_c.zone0`,
/// `cpu_others_share.cpu1`. docs/trace.md lists the names.
struct Signal {
  std::string name;
  std::string unit;        ///< SI, as text: "W", "degC", "1" for a share.
  std::string source;      ///< The kernel path or interface, or the model.
  bool estimated = false;  ///< From a model, not from a sensor.
};

/// One value of a signal over the last period. What a sensor could not tell is not `valid`, and its
/// value is never to be used.
struct Reading {
  double value = 0.0;
  bool valid = false;
  Duration age{};  ///< How old the value is; 0 if it was measured for this sample.
};

/// The readings of all signals of a platform, in their order, and the time that they cover.
struct Telemetry {
  std::vector<Reading> readings;
  Duration interval{};  ///< Since the sample before.
};

/// One setting of a control.
struct ControlLevel {
  std::string label;   ///< For people and traces: "cpu0", "1400MHz", "50%".
  double value = 0.0;  ///< In the control's unit: MHz, CPUs of bandwidth, threads of a place.
};

/// Something that can be set: `mapping.<application>`, `frequency.<domain>`, `bandwidth.<domain>`.
/// Levels ascend (a mapping's are in the order of the board file); there is at least one.
struct Control {
  std::string name;
  std::string unit;
  std::vector<ControlLevel> levels;
};

/// A level for each control of a platform, in their order.
using Configuration = std::vector<std::size_t>;

/// The signals and controls of one machine. Used from one thread, the one that serves.
class Platform {
 public:
  virtual ~Platform() = default;

  /// Fixed from construction on.
  virtual const std::vector<Signal>& signals() const = 0;
  virtual const std::vector<Control>& controls() const = 0;

  /// Reads all signals; those that are rates cover the time since the call before. A sensor in
  /// trouble gives a reading that is not valid, never an exception.
  virtual Telemetry sample() = 0;

  /// Sets every control whose level differs from what is in force.
  ///
  /// @throws std::out_of_range if the configuration does not fit controls().
  /// @throws Error naming path and value, if the kernel refuses.
  virtual void apply(const Configuration& configuration) = 0;
};

}  // namespace rein
