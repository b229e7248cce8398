#include "platform/giving_back/restorable.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "platform/giving_back/given_cpus.hpp"
#include "platform/kernel/cgroup.hpp"

namespace rein {

namespace {

/// That putting back compares with what a file says [bytes].
constexpr std::size_t kLongestText = 4095;

/// A path as the kernel's folders are named, that leads nowhere else.
bool is_straight(std::string_view path) {
  return path.size() < PATH_MAX && path.find("/../") == path.npos && !path.ends_with("/..") &&
         path.find("/./") == path.npos;
}

}  // namespace

RestorableFiles::RestorableFiles(const SysfsRoot& root) : root_(root) {
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

/// What is gone, or closed to us, is not: that is told when it is to be put back.
bool RestorableFiles::can_be_opened(std::string_view path) const {
  const int descriptor = root_.open_setting(std::string(path).c_str(), O_PATH);
  if (descriptor >= 0) {
    root_.calls().close_file(descriptor);
  }
  return descriptor != -EPERM && descriptor != -ELOOP;
}

bool RestorableFiles::hold(const Restoration& restoration) const {
  // What would not be a line any more.
  if (restoration.path.find_first_of("\t\n") != std::string_view::npos ||
      restoration.text.find('\n') != std::string_view::npos ||
      restoration.text.size() > kLongestText ||
      (restoration.kind != Restoration::Kind::kCpus && !are_above(restoration.path))) {
    return false;
  }
  if (restoration.kind == Restoration::Kind::kCpus) {
    const CpusOwner owner = CpusOwner::of(root_, restoration.path);
    return is_straight(restoration.path) && GivenCpus().parse(owner, restoration.text) &&
           (owner.kind != CpusOwner::Kind::kGroup ||
            (are_above(restoration.path) && can_be_opened(restoration.path)));
  }
  if (restoration.kind != Restoration::Kind::kGroup) {
    return can_be_opened(restoration.path);
  }
  const std::size_t slash = restoration.path.rfind('/');
  const std::string_view group = restoration.path.substr(slash + 1);
  const std::string home = std::string(restoration.text) + "/";
  return group.starts_with(kOwnGroupPrefix) && is_straight(home) &&
         std::ranges::any_of(folders_,
                             [&](const std::string& folder) {
                               return home.starts_with(folder) &&
                                      restoration.path.starts_with(folder);
                             }) &&
         // It is noted before it is made.
         can_be_opened(restoration.path.substr(0, slash)) && can_be_opened(restoration.text);
}

std::string RestorableFiles::expected() const {
  return fmt::format("a path below {}{}", fmt::join(folders_, " or "),
                     root_.is_machine() ? ", in sysfs, debugfs or a control group" : "");
}

}  // namespace rein
