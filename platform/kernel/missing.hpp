#pragma once

#include <string>

namespace rein {

/// Something that this machine does not offer, or not to us.
struct Missing {
  std::string path;    ///< The kernel path or interface.
  std::string reason;  ///< What was found.
  std::string remedy;  ///< What to do about it.

  std::string line() const { return path + ": " + reason + "; " + remedy; }
};

}  // namespace rein
