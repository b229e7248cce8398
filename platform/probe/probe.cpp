#include "platform/probe/probe.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <iterator>
#include <string_view>
#include <utility>
#include <variant>

#include "common/error.hpp"
#include "platform/board/domain_path.hpp"
#include "platform/controls/bandwidth_control.hpp"
#include "platform/controls/frequency_domain.hpp"
#include "platform/controls/placement.hpp"
#include "platform/kernel/access.hpp"
#include "platform/kernel/kernel_file.hpp"
#include "platform/quantities.hpp"
#include "platform/sensors/linux_sensors.hpp"
#include "platform/sensors/thermal_attributes.hpp"

namespace rein {

namespace {

constexpr double kWholeMhz = 1.0;  ///< As the points of a driver that takes any are.

// What there is.

std::string read_text(const SysfsRoot& root, const std::string& path) {
  return root.try_read(path).value_or("");
}

std::optional<double> read_mhz(const SysfsRoot& root, const std::string& folder, const char* file,
                               double per_mhz) {
  if (*file == '\0') {
    return std::nullopt;
  }
  const auto count = parse_count(read_text(root, fmt::format("{}/{}", folder, file)));
  return count && *count > 0 ? std::optional(static_cast<double>(*count) / per_mhz) : std::nullopt;
}

/// cpufreq has a file for it, a device a link.
std::string read_driver(const SysfsRoot& root, const std::string& folder) {
  if (const auto driver = root.try_read(folder + "/scaling_driver")) {
    return *driver;
  }
  std::error_code error;
  const auto link = std::filesystem::read_symlink(root.resolve(folder + "/device/driver"), error);
  return error ? "" : link.filename().string();
}

/// The highest that is allowed. Of clocks that are set together the highest of all, or the lowest
/// of those that are held below what they reach.
std::optional<double> read_limit(const SysfsRoot& root, const std::vector<std::string>& folders,
                                 const ClockFiles& files) {
  std::optional<double> highest;
  std::optional<double> held;
  for (const auto& folder : folders) {
    const auto limit = read_mhz(root, folder, files.max, files.per_mhz);
    const auto reach = read_mhz(root, folder, files.highest, files.per_mhz);
    highest = limit ? std::max(highest.value_or(*limit), *limit) : highest;
    if (limit && reach && *limit < *reach - kWholeMhz) {
      held = std::min(held.value_or(*limit), *limit);
    }
  }
  return held ? held : highest;
}

ProbedClock probe_clock(const SysfsRoot& root, const DomainSpec& domain) {
  const auto folders = domain_paths(root, domain);
  if (folders.empty()) {
    return {.path = "", .opps_mhz = domain.opps_mhz};
  }
  const std::string& folder = folders.front();
  const ClockFiles& files = ClockFiles::of(domain.interface);
  const auto listed = kernel_opps_mhz(root, folders, files);
  // BPMP has a lock in its place, which says no name.
  const bool has_governor = *files.governor != '\0' && *files.governors != '\0';
  return {.path = folder,
          .opps_mhz = domain.opps_mhz.empty() ? listed : domain.opps_mhz,
          .listed_mhz = listed,
          .takes_any = *files.lowest != '\0' &&
                       (*files.opps == '\0' || !root.exists(folder + "/" + files.opps)),
          .now_mhz = read_mhz(root, folder, files.current, files.per_mhz),
          .limit_mhz = read_limit(root, folders, files),
          .governor = has_governor ? read_text(root, folder + "/" + files.governor) : "",
          .driver = read_driver(root, folder)};
}

CpuList pmu_cpus(const SysfsRoot& root, const std::string& folder) {
  try {
    return parse_cpu_list(
        root.try_read(folder + "/cpus").value_or(read_text(root, folder + "/cpumask")));
  } catch (const Error&) {
    return {};
  }
}

std::vector<std::string> list_events(const SysfsRoot& root, const std::string& folder) {
  std::vector<std::string> events = root.list(folder + "/events");
  // "energy-pkg.scale" and "energy-pkg.unit" tell about "energy-pkg".
  std::erase_if(events, [](const std::string& name) { return name.find('.') != name.npos; });
  return events;
}

std::vector<ProbedPmu> probe_pmus(const SysfsRoot& root) {
  constexpr std::array kOfNoProcessor{"breakpoint", "kprobe", "software", "tracepoint", "uprobe"};
  std::vector<ProbedPmu> pmus;
  for (const auto& path : root.find("/sys/bus/event_source/devices/*")) {
    std::string name = std::filesystem::path(path).filename().string();
    if (std::ranges::find(kOfNoProcessor, name) != kOfNoProcessor.end()) {
      continue;
    }
    pmus.push_back({std::move(name), pmu_cpus(root, path), list_events(root, path)});
  }
  return pmus;
}

bool is_domain(const SysfsRoot& root, const Board& board, const std::string& folder) {
  return std::ranges::any_of(
      board.domains, [&](const DomainSpec& domain) { return domain_path(root, domain) == folder; });
}

/// Devices that have a clock and are no domain: those that could be named, and those that do not
/// say which frequencies they take.
void probe_other_devices(const SysfsRoot& root, ProbeReport& report) {
  const std::string devices = "/sys/class/devfreq/";
  report.left_alone = find_left_alone(root);
  std::erase_if(report.left_alone, [&](const LeftAlone& each) {
    return is_domain(root, report.board, devices + each.device);
  });
  const ClockFiles& files = ClockFiles::of(ClockInterface::kDevfreq);
  for (const auto& folder : root.find(devices + "*")) {
    if (!is_domain(root, report.board, folder) && kernel_opps_mhz(root, folder, files).empty()) {
      report.missing.push_back(
          {fmt::format("{}/{}", folder, files.opps), "lists no operating points",
           "name the device and its `opps_mhz` in a board file, if it can be set"});
    }
  }
}

void probe_frequencies(const SysfsRoot& root, ProbeReport& report) {
  if (report.board.domains.empty()) {
    report.missing.push_back({"/sys/devices/system/cpu/cpufreq", "has no frequency domains",
                              "a machine (not a virtual one) with a cpufreq driver"});
  }
  for (std::size_t i = 0; i < report.board.domains.size(); ++i) {
    const DomainSpec& domain = report.board.domains[i];
    if (!domain.control) {
      continue;
    }
    if (const auto obstacle = FrequencyDomain::obstacle(root, domain)) {
      report.missing.push_back(*obstacle);
    } else {
      report.controls.push_back({control_name(Control::Kind::kFrequency, domain.name),
                                 kind_of(domain.interface), report.clocks[i].path});
    }
  }
}

void probe_bandwidth(const SysfsRoot& root, ProbeReport& report) {
  if (!report.board.bandwidth) {
    return;
  }
  const auto plan = plan_bandwidth(root, *report.board.bandwidth, report.board.cpus.size());
  if (const auto* missing = std::get_if<Missing>(&plan)) {
    report.missing.push_back(*missing);
    return;
  }
  const auto& planned = std::get<BandwidthPlan>(plan);
  report.controls.push_back({control_name(Control::Kind::kBandwidth, planned.spec.name),
                             fmt::format("cgroup v{}", planned.cgroup.version),
                             planned.cgroup.parents.front()});
  if (planned.cut) {
    report.missing.push_back(*planned.cut);
  }
}

/// A machine has sensors of heat, of which none has a value.
void probe_heat(ProbeReport& report) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < report.signals.size(); ++i) {
    if (report.signals[i].is_heat) {
      if (report.readings[i].valid) {
        return;
      }
      names.push_back(report.signals[i].name);
    }
  }
  if (!names.empty()) {
    report.missing.push_back({fold(names), "has no value: a budget on heat is blind",
                              "see what is in trouble above, or choose others by `temperature: "
                              "{zones: [...]}` in the board file"});
  }
}

}  // namespace

bool ProbedClock::is_held() const {
  return limit_mhz && !opps_mhz.empty() && *limit_mhz < opps_mhz.back() - kWholeMhz;
}

std::vector<std::string> ProbeReport::throttling_now() const {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < clocks.size(); ++i) {
    if (clocks[i].is_held()) {
      names.push_back(board.domains[i].name);
    }
  }
  for (std::size_t i = 0; i < signals.size(); ++i) {
    const std::string& name = signals[i].name;
    if (quantity_of(name).throttles && readings[i].valid && readings[i].value > 0.0) {
      names.emplace_back(name_behind_dot(name));
    }
  }
  return names;
}

ProbeReport probe(const Board& board, const SysfsRoot& root, Clock& clock,
                  const DeviceObstacle& device_obstacle) {
  ProbeReport report{.board = board,
                     .kernel = read_text(root, "/proc/sys/kernel/osrelease"),
                     .clocks = {},
                     .pmus = probe_pmus(root),
                     .perf_event_paranoid =
                         parse_integer(read_text(root, "/proc/sys/kernel/perf_event_paranoid"))};
  for (const auto& domain : board.domains) {
    report.clocks.push_back(probe_clock(root, domain));
  }

  LinuxSensors sensors(board, root);
  report.signals = sensors.signals();
  report.missing = sensors.missing();
  const TimePoint start = clock.now();
  sensors.sample(start);
  clock.sleep_until(start + kProbeInterval);
  report.readings = sensors.sample(clock.now()).readings;
  report.troubles = sensors.new_troubles();

  probe_heat(report);
  auto places = board.places;
  std::ranges::move(Placement::leave_out_unusable(root, places, device_obstacle),
                    std::back_inserter(report.missing));
  probe_frequencies(root, report);
  probe_other_devices(root, report);
  probe_bandwidth(root, report);
  if (board.trips.empty()) {
    find_trips(root, report.missing);
  }
  report.missing = fold(report.missing);
  return report;
}

}  // namespace rein
