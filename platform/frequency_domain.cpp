#include "platform/frequency_domain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "common/error.hpp"
#include "platform/control_guard.hpp"
#include "platform/kernel_file.hpp"

namespace rein {

namespace {

constexpr double kKhzPerMhz = 1e3;  ///< cpufreq speaks in kHz, and only this file knows.
constexpr int kStepsWithoutList = 5;

std::string folder_of(const std::string& policy) {
  return "/sys/devices/system/cpu/cpufreq/" + policy;
}

std::optional<double> read_mhz(const SysfsRoot& root, const std::string& path) {
  const auto khz = parse_count(root.try_read(path).value_or(""));
  return khz && *khz > 0 ? std::optional(static_cast<double>(*khz) / kKhzPerMhz) : std::nullopt;
}

std::string to_khz(double mhz) { return fmt::format("{:.0f}", mhz * kKhzPerMhz); }

bool offers_userspace(const SysfsRoot& root, const std::string& folder) {
  const std::string governors = root.try_read(folder + "/scaling_available_governors").value_or("");
  const auto words = split_words(governors);
  return std::find(words.begin(), words.end(), "userspace") != words.end();
}

std::vector<double> opps_of(const SysfsRoot& root, const DomainSpec& spec) {
  return spec.opps_mhz.empty() ? kernel_opps_mhz(root, spec.policy) : spec.opps_mhz;
}

/// The kernel refuses a minimum above the maximum, also in between.
void set_limits(const SysfsRoot& root, const std::string& folder, const std::string& min_khz,
                const std::string& max_khz) {
  const std::string min_path = folder + "/scaling_min_freq";
  const std::string max_path = folder + "/scaling_max_freq";
  const auto new_min = parse_count(min_khz);
  const auto present_max = parse_count(root.read(max_path));
  if (new_min && present_max && *new_min > *present_max) {
    root.write(max_path, max_khz);
    root.write(min_path, min_khz);
  } else {
    root.write(min_path, min_khz);
    root.write(max_path, max_khz);
  }
}

}  // namespace

std::vector<double> kernel_opps_mhz(const SysfsRoot& root, const std::string& policy) {
  std::vector<double> opps;
  const std::string folder = folder_of(policy);
  const std::string text = root.try_read(folder + "/scaling_available_frequencies").value_or("");
  for (const auto word : split_words(text)) {
    if (const auto khz = parse_count(word); khz && *khz > 0) {
      opps.push_back(static_cast<double>(*khz) / kKhzPerMhz);
    }
  }
  const auto min_mhz = read_mhz(root, folder + "/cpuinfo_min_freq");
  const auto max_mhz = read_mhz(root, folder + "/cpuinfo_max_freq");
  if (opps.empty() && min_mhz && max_mhz) {
    for (int step = 0; step < kStepsWithoutList; ++step) {
      opps.push_back(std::round(*min_mhz + (*max_mhz - *min_mhz) * step / (kStepsWithoutList - 1)));
    }
  }
  std::sort(opps.begin(), opps.end());
  opps.erase(std::unique(opps.begin(), opps.end()), opps.end());
  return opps;
}

std::optional<Missing> FrequencyDomain::obstacle(const SysfsRoot& root, const DomainSpec& spec) {
  const std::string folder = folder_of(spec.policy);
  if (!root.exists(folder)) {
    return Missing{folder, "does not exist", "check `policy` of the board file"};
  }
  if (opps_of(root, spec).empty()) {
    return Missing{folder + "/scaling_available_frequencies", "lists no operating points",
                   "give `opps_mhz` in the board file"};
  }
  const bool userspace = offers_userspace(root, folder);
  std::vector<std::string> files{"/scaling_min_freq", "/scaling_max_freq"};
  if (userspace) {
    files = {"/scaling_governor", "/scaling_setspeed"};
  }
  for (const auto& file : files) {
    if (!root.writable(folder + file)) {
      return Missing{folder + file, "cannot be written", "run as root, or give write access"};
    }
  }
  return std::nullopt;
}

FrequencyDomain::FrequencyDomain(const SysfsRoot& root, const DomainSpec& spec, ControlGuard& guard)
    : root_(root),
      folder_(folder_of(spec.policy)),
      opps_mhz_(opps_of(root, spec)),
      has_userspace_(offers_userspace(root, folder_)) {
  if (!has_userspace_) {
    guard.on_restore(
        [root, folder = folder_, min = root.read(folder_ + "/scaling_min_freq"),
         max = root.read(folder_ + "/scaling_max_freq")] { set_limits(root, folder, min, max); });
    return;
  }
  // Saved first, so restored last: the speed can be written only under `userspace`.
  guard.save(root_, folder_ + "/scaling_governor");
  if (root_.read(folder_ + "/scaling_governor") == "userspace") {
    guard.save(root_, folder_ + "/scaling_setspeed");
  }
}

void FrequencyDomain::set_level(std::size_t level) {
  const std::string khz = to_khz(opps_mhz_.at(level));
  if (!has_userspace_) {
    set_limits(root_, folder_, khz, khz);
    return;
  }
  if (root_.read(folder_ + "/scaling_governor") != "userspace") {
    root_.write(folder_ + "/scaling_governor", "userspace");
  }
  root_.write(folder_ + "/scaling_setspeed", khz);
}

FrequencySensor::FrequencySensor(const SysfsRoot& root, const std::vector<DomainSpec>& domains)
    : root_(root) {
  for (const auto& domain : domains) {
    const std::string path = folder_of(domain.policy) + "/scaling_cur_freq";
    if (root_.exists(path)) {
      signals_.push_back({.name = "frequency_mhz." + domain.name, .unit = "MHz", .source = path});
    }
  }
}

void FrequencySensor::sample(const SampleContext&, std::vector<std::optional<double>>& values) {
  for (const auto& signal : signals_) {
    values.push_back(read_mhz(root_, signal.source));
  }
}

}  // namespace rein
