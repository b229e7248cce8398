#include "platform/sensors/clock_attributes.hpp"

#include <algorithm>
#include <utility>

#include "platform/board/clock_files.hpp"
#include "platform/board/domain_path.hpp"
#include "platform/kernel/sysfs_root.hpp"

namespace rein {

namespace {

/// What is farther from all operating points is in another unit: they may be but a few of many.
constexpr double kFarFromOpps = 50.0;

}  // namespace

std::vector<Attribute> find_frequencies(const SysfsRoot& root,
                                        const std::vector<DomainSpec>& domains) {
  std::vector<Attribute> found;
  for (const auto& domain : domains) {
    const auto folder = domain_path(root, domain);
    const ClockFiles& files = ClockFiles::of(domain.interface);
    if (folder && root.exists(*folder + "/" + files.current)) {
      Attribute clock{.quantity = "frequency_mhz",
                      .name = {domain.name, ""},
                      .paths = {*folder + "/" + files.current},
                      .scale = 1.0 / files.per_mhz};
      const auto opps_mhz =
          domain.opps_mhz.empty() ? kernel_opps_mhz(root, *folder, files) : domain.opps_mhz;
      if (!opps_mhz.empty()) {
        const Quantity& any = quantity_of(clock.quantity);
        clock.min = std::max(any.min, opps_mhz.front() / kFarFromOpps);
        clock.max = std::min(any.max, opps_mhz.back() * kFarFromOpps);
      }
      found.push_back(std::move(clock));
    }
  }
  return found;
}

}  // namespace rein
