#include "platform/controls/frequency_domain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "common/error.hpp"
#include "platform/board/domain_path.hpp"
#include "platform/giving_back/control_guard.hpp"
#include "platform/kernel/access.hpp"

namespace rein {

namespace {

/// The frequency that a file holds, in the kernel's unit.
std::optional<std::uint64_t> read_count(const SysfsRoot& root, const std::string& path) {
  return parse_count(root.try_read(path).value_or(""));
}

std::string file_of(const std::string& folder, const char* file) { return folder + "/" + file; }

/// devfreq makes the set-point only when its governor is chosen, and for root alone, where limits
/// do as well.
bool is_manual(const SysfsRoot& root, const std::string& folder, const ClockFiles& files) {
  if (*files.setpoint == '\0' || !root.exists(file_of(folder, files.setpoint)) ||
      !root.exists(file_of(folder, files.governor))) {
    return false;
  }
  if (*files.governors == '\0') {
    return true;
  }
  const std::string offered = root.try_read(file_of(folder, files.governors)).value_or("");
  const auto words = split_words(offered);
  return std::ranges::find(words, files.manual) != words.end();
}

std::vector<double> opps_of(const SysfsRoot& root, const std::vector<std::string>& folders,
                            const DomainSpec& spec) {
  return spec.opps_mhz.empty() ? kernel_opps_mhz(root, folders, ClockFiles::of(spec.interface))
                               : spec.opps_mhz;
}

/// What stands in the way of the domain's operating points.
std::optional<Missing> opps_obstacle(const SysfsRoot& root, const std::vector<std::string>& folders,
                                     const DomainSpec& spec) {
  const ClockFiles& files = ClockFiles::of(spec.interface);
  const std::string path =
      file_of(folders.front(), *files.opps != '\0' ? files.opps : files.highest);
  const auto told = kernel_opps_mhz(root, folders, files);
  if (spec.opps_mhz.empty() && told.empty()) {
    return Missing{path, "lists no operating points", "give `opps_mhz` in the board file"};
  }
  if (spec.opps_mhz.empty() && !can_be_clock(told)) {
    return Missing{path,
                   fmt::format("lists {:.6g} to {:.6g} MHz, which clocks nothing that computes",
                               told.front(), told.back()),
                   "if it is to be set, give its `opps_mhz` in the board file"};
  }
  const auto is_within = [&told](double mhz) {
    return mhz >= told.front() * 0.99 && mhz <= told.back() * 1.01;
  };
  if (!told.empty() && std::ranges::none_of(spec.opps_mhz, is_within) && !spec.opps_mhz.empty()) {
    return Missing{
        path,
        fmt::format("lists {:.6g} to {:.6g} MHz, and none of the board file's {:.6g} to "
                    "{:.6g} is between them",
                    told.front(), told.back(), spec.opps_mhz.front(), spec.opps_mhz.back()),
        fmt::format("correct `opps_mhz` of the domain {}", spec.name)};
  }
  return std::nullopt;
}

/// Those of a domain that one of its directories is for.
CpuList cpus_of(const SysfsRoot& root, const std::string& folder, const CpuList& all) {
  const std::string related = root.try_read(folder + "/related_cpus").value_or("");
  CpuList cpus;
  for (const auto word : split_words(related)) {
    const auto cpu = parse_count(word);
    if (cpu && std::ranges::count(all, static_cast<int>(*cpu)) > 0) {
      cpus.push_back(static_cast<int>(*cpu));
    }
  }
  return cpus.empty() ? all : cpus;
}

Control make_control(const DomainSpec& spec, const std::vector<double>& opps_mhz) {
  Control control{.kind = Control::Kind::kFrequency,
                  .name = control_name(Control::Kind::kFrequency, spec.name),
                  .unit = "MHz",
                  .levels = {},
                  .cpus = spec.cpus};
  for (const double mhz : opps_mhz) {
    control.levels.push_back({.label = fmt::format("{}MHz", mhz), .value = mhz});
  }
  return control;
}

}  // namespace

std::optional<Missing> FrequencyDomain::obstacle(const SysfsRoot& root, const DomainSpec& spec) {
  const auto folders = domain_paths(root, spec);
  if (folders.empty()) {
    return Missing{fmt::format("{}", fmt::join(spec.paths, ", ")), "does not exist",
                   fmt::format("check the domain {} of the board file", spec.name)};
  }
  const ClockFiles& files = ClockFiles::of(spec.interface);
  if (auto obstacle = opps_obstacle(root, folders, spec)) {
    return obstacle;
  }
  const bool manual = is_manual(root, folders.front(), files);
  for (const auto& folder : folders) {
    std::vector<std::string> needed{files.min, files.max};
    if (manual) {
      needed = {files.governor, files.setpoint};
    }
    for (const auto& file : needed) {
      const std::string path = file_of(folder, file.c_str());
      if (file.empty() || !root.writable(path)) {
        return unwritable(root, path, "a driver that takes it",
                          "run as root, or give write access");
      }
    }
  }
  return std::nullopt;
}

FrequencyDomain::Clock::Clock(const SysfsRoot& root, std::string path, const ClockFiles& files,
                              const CpuList& cpus)
    : folder(std::move(path)),
      lowest(*files.lowest == '\0' ? std::nullopt
                                   : read_count(root, file_of(folder, files.lowest))),
      highest(*files.highest == '\0' ? std::nullopt
                                     : read_count(root, file_of(folder, files.highest))),
      governor(root, file_of(folder, files.governor)),
      max(root, file_of(folder, files.max)),
      current(root, file_of(folder, files.current)) {
  for (const int cpu : cpus) {
    const std::string file = fmt::format("/sys/devices/system/cpu/cpu{}/online", cpu);
    if (!root.exists(file)) {
      online.clear();
      break;
    }
    online.emplace_back(root, file);
  }
}

bool FrequencyDomain::Clock::is_there() {
  return online.empty() ||
         std::ranges::any_of(online, [](KernelFile& file) { return file.read_integer() != 0; });
}

FrequencyDomain::FrequencyDomain(const SysfsRoot& root, const DomainSpec& spec, ControlGuard& guard)
    : root_(root), files_(ClockFiles::of(spec.interface)) {
  const auto folders = domain_paths(root_, spec);
  for (const auto& folder : folders) {
    const CpuList own = folders.size() == 1 ? spec.cpus : cpus_of(root_, folder, spec.cpus);
    clocks_.emplace_back(root_, folder, files_, own);
  }
  const std::string& first = clocks_.front().folder;
  control_ = make_control(spec, opps_of(root_, folders, spec));
  manual_ = is_manual(root_, first, files_);
  for (const auto& clock : clocks_) {
    save(clock, guard);
  }
}

void FrequencyDomain::save(const Clock& clock, ControlGuard& guard) const {
  const auto path = [&clock](const char* file) { return file_of(clock.folder, file); };
  if (!manual_) {
    for (const char* file : {files_.min, files_.max}) {
      if (*files_.unlock != '\0' && read_count(root_, path(file)).value_or(0) == 0) {
        guard.restore_by_writing(path(file), files_.unlock);
      } else {
        guard.save(path(file));
      }
    }
    return;
  }
  // Saved before the governor, so restored after it: what was tuned of it goes with it.
  save_tunables(clock.folder, guard);
  // Saved first, so restored last: the set-point can be written only under our governor.
  guard.save(path(files_.governor));
  const bool is_set = read_count(root_, path(files_.setpoint)).has_value();
  if (is_set && root_.read(path(files_.governor)) == files_.manual) {
    guard.save(path(files_.setpoint));
  } else if (std::string_view(files_.setpoint) == files_.current) {
    // It goes on from what it was, and changes by itself once the governor is back.
    guard.restore_by_writing(path(files_.setpoint), root_.read(path(files_.setpoint)));
  }
}

void FrequencyDomain::save_tunables(const std::string& folder, ControlGuard& guard) const {
  const std::string governor = root_.read(file_of(folder, files_.governor));
  if (governor.empty()) {
    return;
  }
  // Of this policy, or one for all of them.
  for (const auto& each : {folder, std::string("/sys/devices/system/cpu/cpufreq")}) {
    const std::string tunables = file_of(each, governor.c_str());
    for (const auto& name : root_.list(tunables)) {
      const std::string file = file_of(tunables, name.c_str());
      if (root_.writable(file) && root_.try_read(file)) {
        guard.save(file);
      }
    }
  }
}

bool FrequencyDomain::available() {
  return std::ranges::any_of(clocks_, [](Clock& clock) { return clock.is_there(); });
}

void FrequencyDomain::set(std::size_t level) {
  const std::string value = fmt::format("{:.0f}", control_.levels.at(level).value * files_.per_mhz);
  for (auto& clock : clocks_) {
    clock.was_away = !clock.is_there();
    if (clock.was_away) {
      continue;
    }
    // Cores that are set together may differ in what they reach.
    const std::uint64_t wanted = *parse_count(value);
    const std::uint64_t within =
        std::max(std::min(wanted, clock.highest.value_or(wanted)), clock.lowest.value_or(0));
    set_clock(clock, std::to_string(clocks_.size() > 1 ? within : wanted));
  }
  last_set_ = value;
}

bool FrequencyDomain::is_undone() {
  return std::ranges::any_of(clocks_, [this](Clock& clock) {
    if (!clock.is_there()) {
      clock.was_away = true;
      return false;
    }
    if (clock.was_away) {
      return true;
    }
    if (manual_) {
      const auto governor = clock.governor.read();
      return governor && trim(*governor) != files_.manual;
    }
    // A lower maximum is a thermal limit.
    const auto max = clock.max.read_integer();
    return max && !last_set_.empty() && *max > *parse_integer(last_set_);
  });
}

void FrequencyDomain::set_clock(Clock& clock, const std::string& value) {
  if (!manual_) {
    set_limits(clock, value);
    return;
  }
  // Somebody else may have changed it, or the CPUs were offline.
  const auto governor = clock.governor.read();
  if (!governor || trim(*governor) != files_.manual) {
    root_.write(file_of(clock.folder, files_.governor), files_.manual);
  }
  root_.write(file_of(clock.folder, files_.setpoint), value);
}

/// The kernel refuses a minimum above the maximum, also in between.
void FrequencyDomain::set_limits(Clock& clock, const std::string& value) {
  const auto max = clock.max.read_integer();
  const bool up = max && *parse_integer(value) > *max;
  root_.write(file_of(clock.folder, up ? files_.max : files_.min), value);
  root_.write(file_of(clock.folder, up ? files_.min : files_.max), value);
}

std::optional<double> FrequencyDomain::granted() {
  const auto clock = std::ranges::find_if(clocks_, [](Clock& each) { return each.is_there(); });
  const auto count = clock == clocks_.end() ? std::nullopt : clock->current.read_integer();
  return count && *count > 0 ? std::optional(static_cast<double>(*count) / files_.per_mhz)
                             : std::nullopt;
}

}  // namespace rein
