#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "platform/actuator.hpp"
#include "platform/board.hpp"
#include "platform/sensor.hpp"
#include "platform/sysfs_root.hpp"

namespace rein {

class ControlGuard;

/// `mapping.<application>`: the CPUs of all threads of this process, and which other CPUs are
/// hot-unplugged meanwhile.
///
/// Every thread is set, since those of a library's pool keep the CPUs that they were born with.
class Placement final : public Actuator {
 public:
  /// What stands in the way of using a place; nothing if nothing does.
  static std::optional<Missing> obstacle(const SysfsRoot& root, const Place& place);
  /// What keeps a real run from a place that is not on the CPU; nothing for one that is.
  static std::optional<Missing> foreign_device(const Place& place);

  /// Saves the CPUs of every thread (threads that come later are given the main thread's), and
  /// which CPUs are online. @pre obstacle() found nothing for any of `places`, of which there is at
  /// least one. @throws Error if the threads cannot be listed or something cannot be saved.
  Placement(const SysfsRoot& root, const std::string& application, std::vector<Place> places,
            ControlGuard& guard);

  const Control& control() const override { return control_; }
  /// CPUs come online first, and go offline last. Threads that end meanwhile are no trouble.
  void set(std::size_t level) override;
  /// The number of threads of the place where the main thread may run.
  std::optional<double> granted() override;

 private:
  void set_online(int cpu, bool online);

  SysfsRoot root_;
  std::vector<Place> places_;
  Control control_;
  std::optional<std::size_t> level_;  ///< Last set.
  std::map<int, bool> online_;        ///< CPUs that some place takes offline, as last set.
};

}  // namespace rein
