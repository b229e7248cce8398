#include "platform/clock_attributes.hpp"

#include <array>
#include <utility>

#include "platform/clock_files.hpp"
#include "platform/domain_path.hpp"
#include "platform/sysfs_root.hpp"

namespace rein {

std::vector<Attribute> find_frequencies(const SysfsRoot& root,
                                        const std::vector<DomainSpec>& domains) {
  std::vector<Attribute> found;
  for (const auto& domain : domains) {
    const auto folder = domain_path(root, domain);
    const ClockFiles& files = ClockFiles::of(domain.interface);
    if (folder && root.exists(*folder + "/" + files.current)) {
      found.push_back({.quantity = "frequency_mhz",
                       .name = {domain.name, ""},
                       .paths = {*folder + "/" + files.current},
                       .scale = 1.0 / files.per_mhz});
    }
  }
  return found;
}

std::vector<Attribute> find_gpu_load(const SysfsRoot& root) {
  struct Source {
    const char* pattern;
    double scale;
  };
  constexpr double kPerMille = 1e-3;
  constexpr double kPerCent = 1e-2;
  constexpr std::array<Source, 8> kSources{{
      {"/sys/devices/gpu.0/load", kPerMille},
      {"/sys/devices/platform/gpu.0/load", kPerMille},
      {"/sys/devices/platform/host1x/*.gv11b/load", kPerMille},
      {"/sys/devices/platform/host1x/*.gp10b/load", kPerMille},
      {"/sys/devices/platform/host1x/*.ga10b/load", kPerMille},
      {"/sys/devices/platform/*.gpu/load", kPerMille},
      {"/sys/devices/platform/*/*.gpu/load", kPerMille},
      {"/sys/class/drm/card*/device/gpu_busy_percent", kPerCent},
  }};
  for (const auto& [pattern, scale] : kSources) {
    if (const auto paths = root.find(pattern); !paths.empty()) {
      return {{.quantity = "gpu_load_share",
               .name = {"", ""},
               .paths = {paths.front()},
               .scale = scale}};
    }
  }
  return {};
}

}  // namespace rein
