#include "platform/probe.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <variant>

#include "platform/cgroup.hpp"
#include "platform/frequency_domain.hpp"
#include "platform/linux_sensors.hpp"
#include "platform/system_calls.hpp"

namespace rein {

namespace {

using Row = std::vector<std::string>;

/// Rows in columns that are as wide as they must be, under a title.
std::string format_rows(const std::string& title, const std::vector<Row>& rows) {
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

std::string describe(const Signal& signal, const Reading& reading) {
  if (!reading.valid) {
    return "no value";
  }
  const std::string unit = signal.unit == "1" ? "" : " " + signal.unit;
  return fmt::format("{:.4g}{}{}", reading.value, unit, signal.estimated ? " (estimate)" : "");
}

void probe_controls(const SysfsRoot& root, ProbeReport& report) {
  if (report.board.domains.empty()) {
    report.missing.push_back({"/sys/devices/system/cpu/cpufreq", "has no frequency domains",
                              "a machine (not a virtual one) with a cpufreq driver; bandwidth "
                              "control is used instead"});
  }
  for (const auto& domain : report.board.domains) {
    if (const auto obstacle = FrequencyDomain::obstacle(root, domain)) {
      report.missing.push_back(*obstacle);
    } else {
      report.controls.push_back({"frequency." + domain.name, "cpufreq",
                                 "/sys/devices/system/cpu/cpufreq/" + domain.policy});
    }
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

}  // namespace

ProbeReport probe(const SysfsRoot& root, Clock& clock) {
  ProbeReport report;
  report.board = Board::detect(root);
  SystemCalls calls;
  LinuxSensors sensors(report.board, root, root.root() == "/" ? &calls : nullptr);
  report.signals = sensors.signals();
  report.missing = sensors.missing();
  const TimePoint start = clock.now();
  sensors.sample(start);
  clock.sleep_until(start + kProbeInterval);
  report.readings = sensors.sample(clock.now()).readings;
  probe_controls(root, report);
  return report;
}

std::string to_table(const ProbeReport& report) {
  const Board& board = report.board;
  std::string text = fmt::format("{}: CPUs {}\n\n", board.name, format_cpu_list(board.cpus));

  std::vector<Row> rows;
  for (const auto& domain : board.domains) {
    rows.push_back({domain.name, "CPUs " + format_cpu_list(domain.cpus),
                    fmt::format("{} MHz", fmt::join(domain.opps_mhz, ", "))});
  }
  if (!rows.empty()) {
    text += format_rows("Frequency domains", rows);
  }

  rows.clear();
  for (const auto& place : board.places) {
    rows.push_back({place.name, "CPUs " + format_cpu_list(place.cpus),
                    fmt::format("{} thread{}", place.threads, place.threads == 1 ? "" : "s")});
  }
  text += format_rows("Places", rows);

  rows = {{"mapping", "sched_setaffinity", "all places"}};
  for (const auto& control : report.controls) {
    rows.push_back({control.name, control.mechanism, control.path});
  }
  text += format_rows("Controls", rows);

  rows.clear();
  for (std::size_t i = 0; i < report.signals.size(); ++i) {
    rows.push_back({report.signals[i].name, describe(report.signals[i], report.readings[i]),
                    report.signals[i].source});
  }
  text += format_rows("Signals", rows);

  rows.clear();
  for (const auto& missing : report.missing) {
    rows.push_back({missing.line()});
  }
  if (!rows.empty()) {
    text += format_rows("Missing, or in need of more rights", rows);
  }
  text.pop_back();
  return text;
}

std::string to_json(const ProbeReport& report) {
  using nlohmann::json;
  const Board& board = report.board;
  json document{{"name", board.name}, {"cpus", board.cpus}};
  document["domains"] = json::array();
  for (const auto& domain : board.domains) {
    document["domains"].push_back({{"name", domain.name},
                                   {"policy", domain.policy},
                                   {"cpus", domain.cpus},
                                   {"opps_mhz", domain.opps_mhz}});
  }
  document["places"] = json::array();
  for (const auto& place : board.places) {
    document["places"].push_back(
        {{"name", place.name}, {"cpus", place.cpus}, {"threads", place.threads}});
  }
  document["controls"] = json::array();
  for (const auto& control : report.controls) {
    document["controls"].push_back(
        {{"name", control.name}, {"mechanism", control.mechanism}, {"path", control.path}});
  }
  document["signals"] = json::array();
  for (std::size_t i = 0; i < report.signals.size(); ++i) {
    const Signal& signal = report.signals[i];
    const Reading& reading = report.readings[i];
    document["signals"].push_back({{"name", signal.name},
                                   {"unit", signal.unit},
                                   {"source", signal.source},
                                   {"estimated", signal.estimated},
                                   {"value", reading.valid ? json(reading.value) : json()}});
  }
  document["missing"] = json::array();
  for (const auto& missing : report.missing) {
    document["missing"].push_back(
        {{"path", missing.path}, {"reason", missing.reason}, {"remedy", missing.remedy}});
  }
  // Names come from firmware, which need not know UTF-8.
  return document.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace rein
