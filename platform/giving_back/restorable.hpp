#pragma once

#include <string>
#include <vector>

#include "platform/giving_back/restoration.hpp"
#include "platform/kernel/sysfs_root.hpp"

namespace rein {

/// What may be put back because a state file says so: settings of the kernel below /sys, and
/// control groups of ours wherever hierarchies of them are mounted; by their paths, and by what is
/// there when they are opened. Who notes and who reads a state file ask here, so that nothing is
/// noted, and then changed, that would be refused afterwards.
class RestorableFiles {
 public:
  explicit RestorableFiles(const SysfsRoot& root);

  bool hold(const Restoration& restoration) const;
  /// For messages: what hold() wants, with the folders on this machine.
  std::string expected() const;

 private:
  bool are_above(std::string_view path) const;
  bool can_be_opened(std::string_view path) const;

  SysfsRoot root_;
  std::vector<std::string> folders_;  ///< Each with a slash at its end.
};

}  // namespace rein
