#include "platform/probe.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>
#include <variant>

#include "common/error.hpp"
#include "platform/cgroup.hpp"
#include "platform/domain_path.hpp"
#include "platform/frequency_domain.hpp"
#include "platform/kernel_file.hpp"
#include "platform/linux_sensors.hpp"
#include "platform/placement.hpp"

namespace rein {

namespace {

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

ProbedClock probe_clock(const SysfsRoot& root, const DomainSpec& domain) {
  const auto folder = domain_path(root, domain);
  if (!folder) {
    return {.path = "", .opps_mhz = domain.opps_mhz};
  }
  const ClockFiles& files = ClockFiles::of(domain.interface);
  // BPMP has a lock in its place, which says no name.
  const bool has_governor = *files.governor != '\0' && *files.governors != '\0';
  return {
      .path = *folder,
      .opps_mhz = domain.opps_mhz.empty() ? kernel_opps_mhz(root, *folder, files) : domain.opps_mhz,
      .takes_any = *files.lowest != '\0' &&
                   (*files.opps == '\0' || !root.exists(*folder + "/" + files.opps)),
      .now_mhz = read_mhz(root, *folder, files.current, files.per_mhz),
      .limit_mhz = read_mhz(root, *folder, files.max, files.per_mhz),
      .governor = has_governor ? read_text(root, *folder + "/" + files.governor) : "",
      .driver = read_driver(root, *folder)};
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
  constexpr std::array kSoftware{"breakpoint", "kprobe", "software", "tracepoint", "uprobe"};
  std::vector<ProbedPmu> pmus;
  for (const auto& path : root.find("/sys/bus/event_source/devices/*")) {
    std::string name = std::filesystem::path(path).filename().string();
    if (std::ranges::find(kSoftware, name) != kSoftware.end()) {
      continue;
    }
    pmus.push_back({std::move(name), pmu_cpus(root, path), list_events(root, path)});
  }
  return pmus;
}

/// Devices that have a clock and do not say which frequencies it takes.
void probe_unlisted_devices(const SysfsRoot& root, const Board& board,
                            std::vector<Missing>& missing) {
  const ClockFiles& files = ClockFiles::of(ClockInterface::kDevfreq);
  for (const auto& folder : root.find("/sys/class/devfreq/*")) {
    const bool is_domain = std::ranges::any_of(board.domains, [&](const DomainSpec& domain) {
      return domain_path(root, domain) == folder;
    });
    if (!is_domain && kernel_opps_mhz(root, folder, files).empty()) {
      missing.push_back({fmt::format("{}/{}", folder, files.opps), "lists no operating points",
                         "name the device and its `opps_mhz` in a board file, if it can be set"});
    }
  }
}

void probe_frequencies(const SysfsRoot& root, ProbeReport& report) {
  if (report.board.domains.empty()) {
    report.missing.push_back({"/sys/devices/system/cpu/cpufreq", "has no frequency domains",
                              "a machine (not a virtual one) with a cpufreq driver; bandwidth "
                              "control is used instead"});
  }
  for (std::size_t i = 0; i < report.board.domains.size(); ++i) {
    const DomainSpec& domain = report.board.domains[i];
    if (const auto obstacle = FrequencyDomain::obstacle(root, domain)) {
      report.missing.push_back(*obstacle);
    } else {
      report.controls.push_back(
          {"frequency." + domain.name, kind_of(domain.interface), report.clocks[i].path});
    }
  }
}

void probe_bandwidth(const SysfsRoot& root, ProbeReport& report) {
  if (!report.board.bandwidth) {
    return;
  }
  const auto found = find_cpu_cgroup(root);
  if (const auto* missing = std::get_if<Missing>(&found)) {
    report.missing.push_back(*missing);
    return;
  }
  const auto& cgroup = std::get<CpuCgroup>(found);
  if (const auto obstacle = cgroup_obstacle(root, cgroup)) {
    report.missing.push_back(*obstacle);
  } else {
    report.controls.push_back({"bandwidth." + report.board.bandwidth->name,
                               fmt::format("cgroup v{}", cgroup.version), cgroup.own});
  }
}

// The table.

using Row = std::vector<std::string>;
constexpr double kSameMhz = 0.05;  ///< Closer than frequencies are given.
constexpr std::size_t kFewOpps = 7;
constexpr std::size_t kFewEvents = 5;

/// Rows in columns that are as wide as they must be, under a title; nothing if there are none.
std::string format_rows(const std::string& title, const std::vector<Row>& rows) {
  if (rows.empty()) {
    return "";
  }
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  std::string text = title + "\n";
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += fmt::format("  {:<{}}", row[i], widths[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text + "\n";
}

/// With names for the columns.
std::string format_table(const std::string& title, Row header, std::vector<Row> rows) {
  if (!rows.empty()) {
    rows.insert(rows.begin(), std::move(header));
  }
  return format_rows(title, rows);
}

/// How many of the numbers, from the first on, are equal steps apart.
std::size_t count_even(const std::vector<double>& numbers) {
  std::size_t count = std::min<std::size_t>(numbers.size(), 2);
  while (count >= 2 && count < numbers.size() &&
         std::abs((numbers[count] - numbers[count - 1]) - (numbers[1] - numbers[0])) < kSameMhz) {
    ++count;
  }
  return count;
}

/// "200 to 2000 by 100 (19)"; some of them, if they are many and in no order.
std::string describe_opps(const ProbedClock& clock) {
  const std::vector<double>& opps_mhz = clock.opps_mhz;
  const std::size_t num = opps_mhz.size();
  if (num == 0) {
    return "none listed";
  }
  const auto show = [&](std::size_t begin, std::size_t end) {
    return fmt::format("{}", fmt::join(opps_mhz.begin() + static_cast<std::ptrdiff_t>(begin),
                                       opps_mhz.begin() + static_cast<std::ptrdiff_t>(end), " "));
  };
  const std::string count = fmt::format("({}{})", num, clock.takes_any ? " of any" : "");
  if (num <= kFewOpps) {
    return fmt::format("{} {}", show(0, num), count);
  }
  const std::size_t even = count_even(opps_mhz);
  if (even + 1 >= num) {
    const double step = std::round((opps_mhz[1] - opps_mhz[0]) * 1e3) / 1e3;
    const std::string last = even == num ? "" : fmt::format(", {}", opps_mhz.back());
    return fmt::format("{} to {} by {}{} {}", opps_mhz.front(), opps_mhz[even - 1], step, last,
                       count);
  }
  return fmt::format("{} ... {} {}", show(0, 4), show(num - 2, num), count);
}

std::string or_dash(const std::string& text) { return text.empty() ? "-" : text; }

std::string describe_clocks(const ProbeReport& report) {
  std::vector<Row> rows;
  for (std::size_t i = 0; i < report.clocks.size(); ++i) {
    const DomainSpec& domain = report.board.domains[i];
    const ProbedClock& clock = report.clocks[i];
    rows.push_back({domain.name, kind_of(domain.interface), or_dash(format_cpu_list(domain.cpus)),
                    clock.now_mhz ? fmt::format("{:.5g}", *clock.now_mhz) : "-",
                    or_dash(clock.governor), or_dash(clock.driver), describe_opps(clock)});
  }
  return format_table(
      "Clocks", {"domain", "kind", "CPUs", "MHz", "governor", "driver", "operating points, MHz"},
      std::move(rows));
}

std::string describe_places(const Board& board) {
  std::vector<Row> rows;
  for (const auto& place : board.places) {
    rows.push_back({place.name, place.device, "CPUs " + format_cpu_list(place.cpus),
                    fmt::format("{} thread{}", place.threads, place.threads == 1 ? "" : "s"),
                    place.offline.empty() ? "" : "offline " + format_cpu_list(place.offline)});
  }
  return format_rows("Places", rows);
}

/// A row for each zone, a column for each kind.
std::string describe_trips(const Board& board) {
  const Row header{"zone", "active", "passive", "hot", "critical"};
  std::vector<Row> rows;
  for (const auto& trip : board.trips) {
    auto row = std::ranges::find_if(rows, [&](const Row& r) { return r.front() == trip.zone; });
    if (row == rows.end()) {
      rows.emplace_back(header.size());
      row = rows.end() - 1;
      row->front() = trip.zone;
    }
    const auto column = std::ranges::find(header, trip.kind) - header.begin();
    std::string& cell = (*row)[static_cast<std::size_t>(column)];
    cell += fmt::format("{}{}", cell.empty() ? "" : " ", trip.temperature_c);
  }
  for (auto& row : rows) {
    std::ranges::transform(row, row.begin(), or_dash);
  }
  return format_table("Trip points, degC", header, std::move(rows));
}

std::string describe(const Signal& signal, const Reading& reading) {
  if (!reading.valid) {
    return "no value";
  }
  std::string text = fmt::format("{:.4g}{}{}", reading.value, signal.unit == "1" ? "" : " ",
                                 signal.unit == "1" ? "" : signal.unit);
  if (signal.estimated) {
    text += " (estimate)";
  }
  if (reading.stale) {
    text += fmt::format(", up to {:.2g} s old", to_seconds(reading.age));
  }
  return text;
}

bool is_power(const Signal& signal) { return signal.name.starts_with("power_"); }
bool is_throttling(const Signal& signal) {
  return signal.name.starts_with("throttle") || signal.name.starts_with("cooling_");
}

/// "cpu_share.cpu10" as "cpu_share.cpu" and "10".
std::pair<std::string_view, std::string_view> split_number(std::string_view name) {
  const std::size_t begin = name.find_last_not_of("0123456789") + 1;
  return {name.substr(0, begin), name.substr(begin)};
}

/// Those of the signals that are of a kind; in one row those of neighbours that say the same.
template <typename IsOfKind>
std::vector<Row> signal_rows(const ProbeReport& report, IsOfKind is_of_kind) {
  std::vector<Row> rows;
  std::string_view first;  ///< The name of the first signal in the last row.
  for (std::size_t i = 0; i < report.signals.size(); ++i) {
    const Signal& signal = report.signals[i];
    if (!is_of_kind(signal)) {
      continue;
    }
    Row row{signal.name, describe(signal, report.readings[i]), signal.source};
    const auto [stem, number] = split_number(signal.name);
    if (!rows.empty() && !number.empty() && split_number(first).first == stem &&
        std::equal(row.begin() + 1, row.end(), rows.back().begin() + 1)) {
      rows.back().front() = fmt::format("{}..{}", first, number);
      continue;
    }
    first = signal.name;
    rows.push_back(std::move(row));
  }
  return rows;
}

/// The whole machine's first.
std::string describe_power(const ProbeReport& report) {
  const auto is_total = [](const Signal& signal) { return signal.name == "power_w"; };
  auto rows = signal_rows(report, is_total);
  const auto rails = signal_rows(
      report, [&](const Signal& signal) { return is_power(signal) && !is_total(signal); });
  rows.insert(rows.end(), rails.begin(), rails.end());
  return format_rows("Power", rows);
}

/// The domains that are held, and what throttles by its signal.
std::vector<std::string> throttling_now(const ProbeReport& report) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < report.clocks.size(); ++i) {
    if (report.clocks[i].is_held()) {
      names.push_back(report.board.domains[i].name);
    }
  }
  for (std::size_t i = 0; i < report.signals.size(); ++i) {
    const std::string& name = report.signals[i].name;
    if (name.starts_with("throttle") && report.readings[i].valid &&
        report.readings[i].value > 0.0) {
      names.push_back(name.substr(name.find('.') + 1));
    }
  }
  return names;
}

std::string describe_throttling(const ProbeReport& report) {
  std::vector<Row> rows;
  for (std::size_t i = 0; i < report.clocks.size(); ++i) {
    if (const ProbedClock& clock = report.clocks[i]; clock.is_held()) {
      rows.push_back(
          {report.board.domains[i].name,
           fmt::format("held to {:.6g} MHz of {:.6g}", *clock.limit_mhz, clock.opps_mhz.back()),
           clock.path});
    }
  }
  const auto signals = signal_rows(report, is_throttling);
  rows.insert(rows.end(), signals.begin(), signals.end());
  const auto now = throttling_now(report);
  return format_rows(fmt::format("Throttling and cooling (now: {})",
                                 now.empty() ? "nothing" : fmt::format("{}", fmt::join(now, ", "))),
                     rows);
}

std::string describe_pmus(const ProbeReport& report) {
  std::vector<Row> rows;
  for (const auto& pmu : report.pmus) {
    rows.push_back({pmu.name, pmu.cpus.empty() ? "" : "CPUs " + format_cpu_list(pmu.cpus),
                    pmu.events.size() <= kFewEvents
                        ? fmt::format("{}", fmt::join(pmu.events, ", "))
                        : fmt::format("{} named events", pmu.events.size())});
  }
  return format_rows(
      report.perf_event_paranoid
          ? fmt::format("Counters (perf_event_paranoid is {})", *report.perf_event_paranoid)
          : "Counters",
      rows);
}

std::string describe_controls(const ProbeReport& report) {
  std::vector<Row> rows{{"mapping", "sched_setaffinity", "all places"}};
  for (const auto& control : report.controls) {
    rows.push_back({control.name, control.mechanism, control.path});
  }
  return format_rows("Controls", rows);
}

/// What was found in one line, what to do about it in the next.
std::string describe_missing(const ProbeReport& report) {
  std::vector<Row> rows;
  for (const auto& missing : report.missing) {
    rows.push_back({fmt::format("{}: {};", missing.path, missing.reason)});
    rows.push_back({"    " + missing.remedy});
  }
  return format_rows("Missing, or in need of more rights", rows);
}

std::string describe_troubles(const ProbeReport& report) {
  std::vector<Row> rows;
  for (const auto& trouble : report.troubles) {
    rows.push_back({trouble});
  }
  return format_rows("In trouble", rows);
}

// For programs.

using nlohmann::json;

template <typename Number>
json or_null(const std::optional<Number>& number) {
  return number ? json(*number) : json();
}

json as_json(const DomainSpec& domain, const ProbedClock& clock) {
  return {{"name", domain.name},
          {"kind", kind_of(domain.interface)},
          {"path", clock.path},
          {"cpus", domain.cpus},
          {"opps_mhz", clock.opps_mhz},
          {"opps_v", domain.opps_v},
          {"takes_any", clock.takes_any},
          {"now_mhz", or_null(clock.now_mhz)},
          {"limit_mhz", or_null(clock.limit_mhz)},
          {"held", clock.is_held()},
          {"governor", clock.governor},
          {"driver", clock.driver}};
}

json as_json(const Place& place) {
  return {{"name", place.name},
          {"device", place.device},
          {"cpus", place.cpus},
          {"threads", place.threads},
          {"offline", place.offline}};
}

json as_json(const TripPoint& trip) {
  return {{"zone", trip.zone},
          {"kind", trip.kind},
          {"temperature_c", trip.temperature_c},
          {"hysteresis_c", trip.hysteresis_c}};
}

json as_json(const ProbedPmu& pmu) {
  return {{"name", pmu.name}, {"cpus", pmu.cpus}, {"events", pmu.events}};
}

json as_json(const ProbedControl& control) {
  return {{"name", control.name}, {"mechanism", control.mechanism}, {"path", control.path}};
}

json as_json(const Missing& missing) {
  return {{"path", missing.path}, {"reason", missing.reason}, {"remedy", missing.remedy}};
}

json as_json(const Signal& signal, const Reading& reading) {
  return {{"name", signal.name},
          {"unit", signal.unit},
          {"source", signal.source},
          {"estimated", signal.estimated},
          {"value", reading.valid ? json(reading.value) : json()},
          {"age_s", to_seconds(reading.age)},
          {"stale", reading.stale}};
}

template <typename Item>
json to_array(const std::vector<Item>& items) {
  json array = json::array();
  for (const auto& item : items) {
    array.push_back(as_json(item));
  }
  return array;
}

template <typename First, typename Second>
json to_array(const std::vector<First>& first, const std::vector<Second>& second) {
  json array = json::array();
  for (std::size_t i = 0; i < first.size(); ++i) {
    array.push_back(as_json(first[i], second[i]));
  }
  return array;
}

}  // namespace

bool ProbedClock::is_held() const {
  return limit_mhz && !opps_mhz.empty() && *limit_mhz < opps_mhz.back() - kSameMhz;
}

ProbeReport probe(const Board& board, const SysfsRoot& root, Clock& clock) {
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

  for (const auto& place : board.places) {
    if (const auto obstacle = Placement::obstacle(root, place)) {
      report.missing.push_back(*obstacle);
    }
  }
  probe_frequencies(root, report);
  probe_unlisted_devices(root, board, report.missing);
  probe_bandwidth(root, report);
  return report;
}

std::string to_table(const ProbeReport& report) {
  const auto is_other = [](const Signal& signal) {
    return !is_power(signal) && !is_throttling(signal);
  };
  std::string text =
      fmt::format("{}: CPUs {}{}\n\n", report.board.name, format_cpu_list(report.board.cpus),
                  report.kernel.empty() ? "" : fmt::format(", Linux {}", report.kernel));
  text += describe_clocks(report) + describe_places(report.board) + describe_controls(report);
  text += describe_power(report) + describe_trips(report.board) + describe_throttling(report);
  text += format_rows("Signals", signal_rows(report, is_other));
  text += describe_pmus(report) + describe_troubles(report) + describe_missing(report);
  text.pop_back();
  return text;
}

std::string to_json(const ProbeReport& report) {
  const json document{{"name", report.board.name},
                      {"kernel", report.kernel},
                      {"cpus", report.board.cpus},
                      {"domains", to_array(report.board.domains, report.clocks)},
                      {"places", to_array(report.board.places)},
                      {"total_power", report.board.total_power},
                      {"trips", to_array(report.board.trips)},
                      {"throttling_now", throttling_now(report)},
                      {"controls", to_array(report.controls)},
                      {"signals", to_array(report.signals, report.readings)},
                      {"perf_event_paranoid", or_null(report.perf_event_paranoid)},
                      {"pmus", to_array(report.pmus)},
                      {"troubles", report.troubles},
                      {"missing", to_array(report.missing)}};
  // Names come from firmware, which need not know UTF-8.
  return document.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace rein
