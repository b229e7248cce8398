#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "platform/board/board.hpp"
#include "platform/controls/actuator.hpp"
#include "platform/kernel/subject.hpp"
#include "platform/kernel/sysfs_root.hpp"
#include "platform/sensors/sensor.hpp"

namespace rein {

class ControlGuard;

/// `mapping.<application>`: the CPUs of all threads of the subject, and which other CPUs are
/// hot-unplugged meanwhile.
///
/// Every thread is set, since those of a library's pool keep the CPUs that they were born with.
/// What comes of another subject later has the CPUs of what it comes of; what joins its control
/// group from elsewhere is seen, and all is set again.
class Placement final : public Actuator {
 public:
  /// Takes out the places that cannot be used here: on a device with an obstacle, not within the
  /// CPUs that a board file may name, or that take a CPU offline that is not ours to. @return why,
  /// those of one reason together.
  static std::vector<Missing> leave_out_unusable(const SysfsRoot& root, std::vector<Place>& places,
                                                 const DeviceObstacle& obstacle = only_on_cpus);

  /// Saves the CPUs of every thread (threads that come later are given the main thread's, or where
  /// there is none that is known all that this process may use), and which CPUs are online. @pre
  /// all of `places` can be used, and there is at least one. @throws Error if the threads cannot be
  /// listed or something cannot be saved.
  Placement(const SysfsRoot& root, const std::string& application, std::vector<Place> places,
            ControlGuard& guard, const Subject& subject = {});

  const Control& control() const override { return control_; }
  /// Whether the subject has any threads now.
  bool available() override;
  /// CPUs come online first, and go offline last. Threads that end meanwhile are no trouble. After
  /// a refusal all are where they were before.
  void set(std::size_t level) override;
  bool has_levels_apart() const override { return true; }
  bool is_refused_meanwhile(std::size_t level) const override;
  /// The number of threads of the place where the main thread of this process may run, or all
  /// threads of another subject.
  std::optional<double> granted() override;
  std::optional<std::size_t> granted_level() const override { return granted_level_; }

 private:
  void set_online(int cpu, bool online);
  void enter(const Place& place);
  void put_back(std::optional<std::size_t> level);

  /// Where each thread was found, and how to move them. Shared with what puts them back.
  class Threads;

  SysfsRoot root_;
  std::shared_ptr<Threads> threads_;
  Control control_;
  std::optional<std::size_t> level_;          ///< In force.
  std::optional<std::size_t> granted_level_;  ///< As it was read back last.
  std::map<int, bool> online_;                ///< CPUs that some place takes offline, as last set.
};

}  // namespace rein
