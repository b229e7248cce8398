#include "platform/board/clock_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "platform/kernel/kernel_file.hpp"

namespace rein {

namespace {

/// Operating points of a clock that nobody chose.
constexpr std::size_t kHandful = 5;
/// What clocks computing: bandwidths in MB/s, kHz in the place of Hz and the like are outside.
constexpr double kLeastTopMhz = 10.0;
constexpr double kMostTopMhz = 20'000.0;

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
                              .boost_opps = "scaling_boost_frequencies",
                              .boost = "boost",
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
                              .boost_opps = "",
                              .boost = "",
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
                           .boost_opps = "",
                           .boost = "",
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
                           .boost_opps = "",
                           .boost = "",
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

namespace {

/// What one directory says.
struct Told {
  std::vector<double> listed_mhz;
  std::optional<double> lowest_mhz;
  std::optional<double> highest_mhz;
};

class Reader {
 public:
  Reader(const SysfsRoot& root, const std::string& folder, const ClockFiles& files)
      : root_(root), folder_(folder), files_(files) {}

  Told read() const {
    Told told{.listed_mhz = list(files_.opps),
              .lowest_mhz = number(files_.lowest),
              .highest_mhz = number(files_.highest)};
    for (const double mhz : list(files_.boost_opps)) {
      if (boosts(mhz, told.highest_mhz)) {
        told.listed_mhz.push_back(mhz);
      }
    }
    return told;
  }

 private:
  std::string text(const char* file) const {
    return *file == '\0' ? "" : root_.try_read(fmt::format("{}/{}", folder_, file)).value_or("");
  }
  std::vector<double> list(const char* file) const {
    std::vector<double> numbers;
    const std::string words = text(file);
    for (const auto word : split_words(words)) {
      if (const auto count = parse_count(word); count && *count > 0) {
        numbers.push_back(static_cast<double>(*count) / files_.per_mhz);
      }
    }
    return numbers;
  }
  std::optional<double> number(const char* file) const {
    const auto numbers = list(file);
    return numbers.empty() ? std::nullopt : std::optional(numbers.front());
  }
  /// The policy's own switch counts before the one of all; without either the highest frequency,
  /// which is without what boost adds while that is off.
  bool boosts(double mhz, const std::optional<double>& highest_mhz) const {
    std::string boost = text(files_.boost);
    if (boost.empty()) {
      boost = root_.try_read("/sys/devices/system/cpu/cpufreq/boost").value_or("");
    }
    return boost.empty() ? highest_mhz && mhz <= *highest_mhz : boost == "1";
  }

  const SysfsRoot& root_;
  const std::string& folder_;
  const ClockFiles& files_;
};

}  // namespace

std::vector<double> kernel_opps_mhz(const SysfsRoot& root, const std::string& folder,
                                    const ClockFiles& files) {
  return kernel_opps_mhz(root, std::vector{folder}, files);
}

std::vector<double> kernel_opps_mhz(const SysfsRoot& root, const std::vector<std::string>& folders,
                                    const ClockFiles& files) {
  std::vector<double> opps;
  std::optional<double> least;
  std::optional<double> most;
  for (const auto& folder : folders) {
    const Told told = Reader(root, folder, files).read();
    opps.insert(opps.end(), told.listed_mhz.begin(), told.listed_mhz.end());
    if (told.lowest_mhz && told.highest_mhz) {
      least = std::min(least.value_or(*told.lowest_mhz), *told.lowest_mhz);
      most = std::max(most.value_or(*told.highest_mhz), *told.highest_mhz);
    }
  }
  if (opps.empty() && least && most) {
    for (std::size_t step = 0; step < kHandful; ++step) {
      opps.push_back(std::round(*least + (*most - *least) * static_cast<double>(step) /
                                             static_cast<double>(kHandful - 1)));
    }
  }
  std::ranges::sort(opps);
  opps.erase(std::unique(opps.begin(), opps.end()), opps.end());
  return opps;
}

bool can_be_clock(const std::vector<double>& opps_mhz) {
  return !opps_mhz.empty() && opps_mhz.back() >= kLeastTopMhz && opps_mhz.back() <= kMostTopMhz;
}

std::vector<double> thin_opps(const std::vector<double>& opps_mhz) {
  if (opps_mhz.size() <= kHandful) {
    return opps_mhz;
  }
  std::vector<double> kept;
  for (std::size_t step = 0; step < kHandful; ++step) {
    const double wanted = opps_mhz.front() + (opps_mhz.back() - opps_mhz.front()) *
                                                 static_cast<double>(step) /
                                                 static_cast<double>(kHandful - 1);
    const double nearest = *std::ranges::min_element(
        opps_mhz, {}, [wanted](double mhz) { return std::abs(mhz - wanted); });
    if (kept.empty() || kept.back() != nearest) {
      kept.push_back(nearest);
    }
  }
  return kept;
}

}  // namespace rein
