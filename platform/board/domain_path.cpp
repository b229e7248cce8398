#include "platform/board/domain_path.hpp"

#include <string_view>

namespace rein {

namespace {

/// Where the kernel lists the devices of an interface that may be given by their names.
std::string_view folder_of(ClockInterface interface) {
  switch (interface) {
    case ClockInterface::kCpufreq:
      return "/sys/devices/system/cpu/cpufreq/";
    case ClockInterface::kDevfreq:
      return "/sys/class/devfreq/";
    case ClockInterface::kBpmp:
    case ClockInterface::kMali:
      break;
  }
  return "/";
}

/// `policy{0-1,4}` is policy0, policy1 and policy4.
std::vector<std::string> expand(const std::string& path) {
  const std::size_t open = path.find('{');
  const std::size_t close = path.find('}', open);
  if (open == path.npos || close == path.npos) {
    return {path};
  }
  std::vector<std::string> paths;
  for (const int number : parse_cpu_list(path.substr(open + 1, close - open - 1))) {
    paths.push_back(path.substr(0, open) + std::to_string(number) + path.substr(close + 1));
  }
  return paths;
}

}  // namespace

std::vector<std::string> domain_paths(const SysfsRoot& root, const DomainSpec& spec) {
  for (const auto& pattern : spec.paths) {
    std::vector<std::string> folders;
    for (const auto& path : expand(pattern)) {
      const auto found =
          root.find(path.starts_with('/') ? path : std::string(folder_of(spec.interface)) + path);
      if (!found.empty()) {
        folders.push_back(found.front());
      }
    }
    if (!folders.empty()) {
      return folders;
    }
  }
  return {};
}

std::optional<std::string> domain_path(const SysfsRoot& root, const DomainSpec& spec) {
  const auto folders = domain_paths(root, spec);
  return folders.empty() ? std::nullopt : std::optional(folders.front());
}

}  // namespace rein
