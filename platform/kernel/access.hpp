#pragma once

#include <string>
#include <vector>

#include "platform/kernel/missing.hpp"

namespace rein {

class SysfsRoot;

/// What stands in the way of reading a kernel path, by errno: that it is not there, that it is
/// hidden or closed, that the device does not answer. `absent` is the remedy where the kernel does
/// not have it, `rights` where it is not for this user.
Missing unreadable(const SysfsRoot& root, const std::string& path, const std::string& absent,
                   const std::string& rights = "run as root, or give read access");

/// The same of writing.
Missing unwritable(const SysfsRoot& root, const std::string& path, const std::string& absent,
                   const std::string& rights);

/// "a{1-3,5}/b" of a1/b, a2/b, a3/b and a5/b: one text for several that differ in one part; a list
/// if they differ in more.
std::string fold(std::vector<std::string> texts);

/// Those with the same reason and remedy become one, with all their paths, where the first was.
std::vector<Missing> fold(const std::vector<Missing>& missing);

}  // namespace rein
