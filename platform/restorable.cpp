#include "platform/restorable.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <climits>

#include "platform/cgroup.hpp"

namespace rein {

namespace {

/// As the names of all groups that we make begin.
constexpr std::string_view kOwnGroup = "rein-";

/// A path as the kernel's folders are named, that leads nowhere else.
bool is_straight(std::string_view path) {
  return path.size() < PATH_MAX && path.find("/../") == path.npos && !path.ends_with("/..") &&
         path.find("/./") == path.npos;
}

}  // namespace

RestorableFiles::RestorableFiles(const SysfsRoot& root) {
  folders_.push_back(root.resolve("/sys").string() + "/");
  for (const auto& mount : cgroup_mounts(root)) {
    std::string folder = root.resolve(mount).string() + "/";
    const auto is_above = [&folder](const std::string& each) { return folder.starts_with(each); };
    if (std::ranges::none_of(folders_, is_above)) {
      folders_.push_back(std::move(folder));
    }
  }
}

bool RestorableFiles::are_above(std::string_view path) const {
  return is_straight(path) && std::ranges::any_of(folders_, [path](const std::string& folder) {
           return path.size() > folder.size() && path.starts_with(folder);
         });
}

bool RestorableFiles::hold(const Restoration& restoration) const {
  // What would not be a line any more.
  if (restoration.path.find_first_of("\t\n") != std::string_view::npos ||
      restoration.text.find('\n') != std::string_view::npos || !are_above(restoration.path)) {
    return false;
  }
  if (restoration.kind != Restoration::Kind::kGroup) {
    return true;
  }
  const std::string_view group = restoration.path.substr(restoration.path.rfind('/') + 1);
  const std::string home = std::string(restoration.text) + "/";
  return group.starts_with(kOwnGroup) && is_straight(home) &&
         std::ranges::any_of(folders_, [&](const std::string& folder) {
           return home.starts_with(folder) && restoration.path.starts_with(folder);
         });
}

std::string RestorableFiles::expected() const {
  return fmt::format("a path below {}", fmt::join(folders_, " or "));
}

}  // namespace rein
