#pragma once

#include <optional>
#include <string>
#include <vector>

#include "platform/board/board.hpp"
#include "platform/kernel/sysfs_root.hpp"

namespace rein {

/// The kernel directories of a clock: the first of spec.paths that exists, or all that it stands
/// for if it holds numbers in braces (`policy{0-3}`). Empty if none exists.
std::vector<std::string> domain_paths(const SysfsRoot& root, const DomainSpec& spec);

/// The first of them.
std::optional<std::string> domain_path(const SysfsRoot& root, const DomainSpec& spec);

}  // namespace rein
