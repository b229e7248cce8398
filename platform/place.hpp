#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace rein {

/// A named place where an application can run. Two may have as many CPUs, or the same.
struct Place {
  std::string name;            ///< Unique on the board.
  std::string device = "cpu";  ///< "cpu" or "gpu", which needs its CPUs for launching.
  std::vector<int> cpus = {};  ///< Never empty.
  int threads = 1;             ///< That compute; from 1 to the number of cpus.
  /// CPUs that are hot-unplugged while this place is in use.
  std::vector<int> offline = {};

  bool operator==(const Place&) const = default;
};

/// Why an application, or any, cannot compute on a device of places; nothing if it can.
using DeviceObstacle = std::function<std::optional<std::string>(const std::string& device)>;

inline std::optional<std::string> only_on_cpus(const std::string& device) {
  return device == "cpu" ? std::nullopt
                         : std::optional<std::string>("what serves computes on CPUs alone");
}

}  // namespace rein
