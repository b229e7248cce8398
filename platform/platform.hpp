#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "platform/place.hpp"

namespace rein {

/// Something that can be measured. Its name carries the unit: `power_w`, `temperature_c.zone0`,
/// `cpu_others_share.cpu1`. docs/trace.md lists the names.
struct Signal {
  std::string name;
  std::string unit;        ///< SI, as text: "W", "degC", "1" for a share.
  std::string source;      ///< The kernel path or interface, or the model.
  bool estimated = false;  ///< From a model, not from a sensor.
  bool is_heat = false;    ///< A temperature that counts for the hottest one.
};

/// One value of a signal over the last period. What a sensor could not tell is not `valid`, and its
/// value is never to be used.
struct Reading {
  double value = 0.0;
  bool valid = false;
  /// How old the value is, at most; 0 if it was measured for this sample. If not valid: the time
  /// since the last one that was.
  Duration age{};
  bool stale = false;  ///< Valid, but measured before the last period began.
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
  enum class Kind { kMapping, kFrequency, kBandwidth };

  Kind kind = Kind::kMapping;
  std::string name;
  std::string unit;
  std::vector<ControlLevel> levels;
  std::vector<int> cpus = {};      ///< Of a frequency domain; empty if it is not of CPUs.
  std::vector<Place> places = {};  ///< Of a mapping, one for each level; empty for all others.
};

/// For people, and how a control's name begins: "mapping", "frequency", "bandwidth".
const char* to_string(Control::Kind kind);
/// A control's name: "frequency.big".
std::string control_name(Control::Kind kind, const std::string& owner);
/// The control by which an application is put in one of these places, in their order.
Control mapping_control(const std::string& application, std::vector<Place> places);

/// A level for each control of a platform, in their order.
using Configuration = std::vector<std::size_t>;

/// @throws std::out_of_range if `configuration` does not fit the controls.
void check(const Configuration& configuration, const std::vector<Control>& controls);

/// What became of one control when a configuration was applied.
struct Grant {
  std::size_t level = 0;        ///< In force, or the nearest to what is.
  std::optional<double> value;  ///< As read back, in the control's unit.
  bool refused = false;         ///< By an error of the kernel's; tried again at the next apply().
  bool left_out = false;        ///< Given back after too many refusals, and no longer tried.
};

/// The signals and controls of one machine. Used from one thread, the one that serves.
class Platform {
 public:
  virtual ~Platform() = default;

  /// Fixed from construction on.
  virtual const std::vector<Signal>& signals() const = 0;
  virtual const std::vector<Control>& controls() const = 0;

  /// Back to how an episode begins, where a machine can be: a simulated one, whose noise is then
  /// drawn from `seed`. A real one goes on as it is.
  virtual void reset(std::uint64_t /*seed*/) {}

  /// Reads all signals; those that are rates cover the time since the call before. A sensor in
  /// trouble gives a reading that is not valid, never an exception.
  /// @return valid until the next call.
  virtual const Telemetry& sample() = 0;

  /// Sets every control whose level differs from what is in force. One that the kernel refuses
  /// stays as it is and is tried again at the next call; after some refusals in a row it is left
  /// out, in the state in which it was found.
  ///
  /// @return one for each control, valid until the next call; what was accepted takes effect at
  ///         once or soon, and only grants() tells its value.
  /// @throws std::out_of_range if the configuration does not fit controls().
  virtual const std::vector<Grant>& apply(const Configuration& configuration) = 0;

  /// What is in force now, as read back: after a while, with heat and limits that others set. What
  /// somebody else has undone is set again at the next apply().
  virtual const std::vector<Grant>& grants() = 0;

  /// What sensors and controls got into trouble since the call before, and what came out of it: a
  /// line each, naming path, what was found and what was expected.
  virtual std::vector<std::string> new_troubles() = 0;
};

}  // namespace rein
