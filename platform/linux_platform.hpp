#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "platform/board.hpp"
#include "platform/control_guard.hpp"
#include "platform/linux_sensors.hpp"
#include "platform/placement.hpp"
#include "platform/platform.hpp"
#include "platform/sysfs_root.hpp"
#include "platform/system_calls.hpp"

namespace rein {

/// What of the machine is to be used.
struct LinuxPlatformOptions {
  /// The managed applications. A process has one set of threads, so exactly one for now.
  std::vector<std::string> applications{"dnn"};
  /// For an application the names of the places that it may use, in the order of its levels; one
  /// that is not named here may use all places of the board.
  std::map<std::string, std::vector<std::string>> places;
  bool frequency = true;  ///< Offer `frequency.<domain>`.
  bool bandwidth = true;  ///< Offer `bandwidth.<name>`: moves this process into a control group.
  /// Told, in one line each, what could not be restored.
  std::function<void(const std::string& problem)> report;
  /// Null: the kernel's. Must outlive the platform.
  SystemCalls* calls = nullptr;
};

/// The machine that this process runs on.
///
/// Controls, in this order: `mapping.<application>`, `frequency.<domain>`..., `bandwidth.<name>`;
/// levels of frequency are in MHz, of bandwidth in CPUs, of a mapping in threads. All start as
/// found, and the first apply() sets each of them; destruction puts everything back.
class LinuxPlatform final : public Platform {
 public:
  /// What the machine does not offer, or not to us, is left out, and notes() tells why. Processes
  /// that are to stay outside the bandwidth limit must have been forked before.
  /// @throws Error if the options name what the board has not, or the CPUs of this process cannot
  ///         be set at all. `clock` must outlive this.
  LinuxPlatform(const Board& board, const SysfsRoot& root, const Clock& clock,
                const LinuxPlatformOptions& options);

  const std::vector<Signal>& signals() const override { return sensors_.signals(); }
  const std::vector<Control>& controls() const override { return controls_; }
  Telemetry sample() override { return sensors_.sample(clock_.now()); }
  void apply(const Configuration& configuration) override;

  /// Why something is not offered, one line each.
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  using SetLevel = std::function<void(std::size_t level)>;

  void add_mapping(const Board& board, const std::string& application,
                   const LinuxPlatformOptions& options);
  void add_frequency(const DomainSpec& domain);
  void add_bandwidth(const Board& board);
  void add(Control control, SetLevel set_level);

  SystemCalls kernel_;
  SystemCalls& calls_;
  SysfsRoot root_;
  const Clock& clock_;
  LinuxSensors sensors_;
  ControlGuard guard_;
  Placement placement_;
  std::vector<Control> controls_;
  std::vector<SetLevel> setters_;  ///< One for each control.
  std::vector<std::optional<std::size_t>> in_force_;
  std::vector<std::string> notes_;
};

}  // namespace rein
