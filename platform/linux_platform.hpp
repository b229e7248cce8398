#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "platform/board/board.hpp"
#include "platform/controls/actuator.hpp"
#include "platform/kernel/subject.hpp"
#include "platform/kernel/sysfs_root.hpp"
#include "platform/platform.hpp"
#include "platform/sensors/linux_sensors.hpp"

namespace rein {

class ControlGuard;

/// What of the machine is to be used.
struct LinuxPlatformOptions {
  /// The managed applications. A process has one set of threads, so at most one for now; none: no
  /// mapping.
  std::vector<std::string> applications{"dnn"};
  /// For an application the names of the places that it may use, in the order of its levels; one
  /// that is not named here may use all places of the board.
  std::map<std::string, std::vector<std::string>> places;
  /// Places on devices with one are left out.
  DeviceObstacle device_obstacle = only_on_cpus;
  bool frequency = true;  ///< Offer `frequency.<domain>`.
  bool bandwidth = true;  ///< Offer `bandwidth.<name>`: moves a process into a control group.
  /// Whose threads are placed, limited and counted.
  Subject subject;
};

/// The machine that this process runs on.
///
/// Controls, in this order: `mapping.<application>`, `frequency.<domain>`..., `bandwidth.<name>`;
/// levels of frequency are in MHz, of bandwidth in CPUs, of a mapping in threads. All start as
/// found, and the first apply() sets each of them; what is changed is noted with the guard before.
class LinuxPlatform final : public Platform {
 public:
  /// A control that was refused so often in a row is left out; of places only the one.
  static constexpr int kMaxRefusals = 3;

  /// What the machine does not offer, or not to us, is left out, and notes() tells why. Processes
  /// that are to stay outside the bandwidth limit must have been forked before.
  /// @throws Error if the options name what the board has not, or there is no place that can be
  ///         used. `clock` and `guard` must outlive this.
  LinuxPlatform(const Board& board, const SysfsRoot& root, const Clock& clock, ControlGuard& guard,
                const LinuxPlatformOptions& options);

  const std::vector<Signal>& signals() const override { return sensors_.signals(); }
  const std::vector<Control>& controls() const override { return controls_; }
  const Telemetry& sample() override { return telemetry_ = sensors_.sample(clock_.now()); }
  const std::vector<Grant>& apply(const Configuration& configuration) override;
  const std::vector<Grant>& grants() override;
  std::vector<std::string> new_troubles() override;

  /// Why something is not offered, one line each.
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  /// An actuator and what has become of it.
  struct Managed {
    std::unique_ptr<Actuator> actuator;
    std::size_t begin = 0;  ///< What the guard notes of it.
    std::size_t end = 0;
    std::optional<std::size_t> in_force;
    /// In a row; one number for each level where those are refused apart, or else one for all.
    std::vector<int> refusals;
    int& refusals_of(std::size_t level) { return refusals[refusals.size() == 1 ? 0 : level]; }
  };

  void add_mapping(const Board& board, const std::string& application,
                   const LinuxPlatformOptions& options);
  void add_frequency(const DomainSpec& domain);
  void add_bandwidth(const Board& board, const Subject& subject);
  void add(std::unique_ptr<Actuator> actuator, std::size_t begin);
  void set(Managed& managed, std::size_t level, Grant& grant);
  static void read_back(Managed& managed, Grant& grant);
  void refused(Managed& managed, std::size_t level, const std::string& problem, Grant& grant);

  SysfsRoot root_;
  const Clock& clock_;
  ControlGuard& guard_;
  std::vector<std::string> notes_;
  LinuxSensors sensors_;
  Telemetry telemetry_;
  std::vector<Managed> managed_;  ///< One for each control.
  std::vector<Control> controls_;
  std::vector<Grant> grants_;
  std::vector<std::string> troubles_;
};

}  // namespace rein
