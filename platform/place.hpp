#pragma once

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

}  // namespace rein
