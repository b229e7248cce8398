#include "platform/clock_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "platform/kernel_file.hpp"

namespace rein {

namespace {

constexpr int kStepsWithoutList = 5;

// Documentation/ABI/testing/sysfs-devices-system-cpu and sysfs-class-devfreq of the kernel; the
// clocks of NVIDIA's boot and power processor below debugfs; the Mali driver of Exynos kernels.
constexpr ClockFiles kCpufreq{.governor = "scaling_governor",
                              .governors = "scaling_available_governors",
                              .manual = "userspace",
                              .setpoint = "scaling_setspeed",
                              .min = "scaling_min_freq",
                              .max = "scaling_max_freq",
                              .current = "scaling_cur_freq",
                              .opps = "scaling_available_frequencies",
                              .lowest = "cpuinfo_min_freq",
                              .highest = "cpuinfo_max_freq",
                              .unlock = "",
                              .per_mhz = 1e3};
constexpr ClockFiles kDevfreq{.governor = "governor",
                              .governors = "available_governors",
                              .manual = "userspace",
                              .setpoint = "userspace/set_freq",
                              .min = "min_freq",
                              .max = "max_freq",
                              .current = "cur_freq",
                              .opps = "available_frequencies",
                              .lowest = "",
                              .highest = "",
                              .unlock = "",
                              .per_mhz = 1e6};
constexpr ClockFiles kBpmp{.governor = "mrq_rate_locked",
                           .governors = "",
                           .manual = "1",
                           .setpoint = "rate",
                           .min = "",
                           .max = "",
                           .current = "rate",
                           .opps = "",
                           .lowest = "min_rate",
                           .highest = "max_rate",
                           .unlock = "",
                           .per_mhz = 1e6};
constexpr ClockFiles kMali{.governor = "",
                           .governors = "",
                           .manual = "",
                           .setpoint = "",
                           .min = "dvfs_min_lock",
                           .max = "dvfs_max_lock",
                           .current = "clock",
                           .opps = "dvfs_table",
                           .lowest = "",
                           .highest = "",
                           .unlock = "0",
                           .per_mhz = 1.0};

}  // namespace

const ClockFiles& ClockFiles::of(ClockInterface interface) {
  switch (interface) {
    case ClockInterface::kCpufreq:
      return kCpufreq;
    case ClockInterface::kDevfreq:
      return kDevfreq;
    case ClockInterface::kBpmp:
      return kBpmp;
    case ClockInterface::kMali:
      return kMali;
  }
  return kCpufreq;
}

std::vector<double> kernel_opps_mhz(const SysfsRoot& root, const std::string& folder,
                                    const ClockFiles& files) {
  std::vector<double> opps;
  const auto read = [&](const char* file) {
    return *file == '\0' ? std::nullopt : root.try_read(fmt::format("{}/{}", folder, file));
  };
  const std::string list = read(files.opps).value_or("");
  for (const auto word : split_words(list)) {
    if (const auto count = parse_count(word); count && *count > 0) {
      opps.push_back(static_cast<double>(*count) / files.per_mhz);
    }
  }
  const auto lowest = parse_count(read(files.lowest).value_or(""));
  const auto highest = parse_count(read(files.highest).value_or(""));
  if (opps.empty() && lowest && highest && *lowest > 0) {
    const double least = static_cast<double>(*lowest) / files.per_mhz;
    const double most = static_cast<double>(*highest) / files.per_mhz;
    for (int step = 0; step < kStepsWithoutList; ++step) {
      opps.push_back(std::round(least + (most - least) * step / (kStepsWithoutList - 1)));
    }
  }
  std::ranges::sort(opps);
  opps.erase(std::unique(opps.begin(), opps.end()), opps.end());
  return opps;
}

}  // namespace rein
