// For people.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>

#include "platform/probe/probe.hpp"
#include "platform/quantities.hpp"

namespace rein {

namespace {

using Row = std::vector<std::string>;
constexpr double kSameStepMhz = 0.05;  ///< Closer than frequencies are given.
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
         std::abs((numbers[count] - numbers[count - 1]) - (numbers[1] - numbers[0])) <
             kSameStepMhz) {
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
  const std::string count =
      fmt::format("({}{})", num,
                  clock.takes_any                 ? " of any"
                  : clock.listed_mhz.size() > num ? fmt::format(" of {}", clock.listed_mhz.size())
                                                  : "");
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
  std::string text = "no value";
  if (reading.valid) {
    text = fmt::format("{:.4g}{}{}", reading.value, signal.unit == "1" ? "" : " ",
                       signal.unit == "1" ? "" : signal.unit);
  }
  if (quantity_of(signal.name).sight.of == Sight::Of::kHeat && !signal.is_heat) {
    text += " (does not count)";
  }
  if (reading.valid && signal.estimated) {
    text += " (estimate)";
  }
  if (reading.valid && reading.stale) {
    text += fmt::format(", up to {:.2g} s old", to_seconds(reading.age));
  }
  return text;
}

auto is_in(Quantity::Group group) {
  return [group](const Signal& signal) { return quantity_of(signal.name).group == group; };
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
  const auto is_power = is_in(Quantity::Group::kPower);
  const auto is_total = [](const Signal& signal) { return signal.name == "power_w"; };
  auto rows = signal_rows(report, is_total);
  const auto rails = signal_rows(
      report, [&](const Signal& signal) { return is_power(signal) && !is_total(signal); });
  rows.insert(rows.end(), rails.begin(), rails.end());
  return format_rows("Power", rows);
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
  const auto signals = signal_rows(report, is_in(Quantity::Group::kThrottling));
  rows.insert(rows.end(), signals.begin(), signals.end());
  const auto now = report.throttling_now();
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

/// Clocks that no run sets by itself, and how to have one set.
std::string describe_left_alone(const ProbeReport& report) {
  std::vector<Row> rows;
  for (std::size_t i = 0; i < report.board.domains.size(); ++i) {
    if (const DomainSpec& domain = report.board.domains[i]; !domain.control) {
      rows.push_back({domain.name, report.clocks[i].path, "no place uses it"});
    }
  }
  for (const auto& each : report.left_alone) {
    rows.push_back({each.device, "/sys/class/devfreq", each.what});
  }
  return format_rows("Left alone (a board file sets it: `domains: [{name: ..., devfreq: ...}]`)",
                     rows);
}

std::string describe_troubles(const ProbeReport& report) {
  std::vector<Row> rows;
  for (const auto& trouble : report.troubles) {
    rows.push_back({trouble});
  }
  return format_rows("In trouble", rows);
}

// For programs.

}  // namespace

std::string to_table(const ProbeReport& report) {
  std::string text =
      fmt::format("{}: CPUs {}{}\n\n", report.board.name, format_cpu_list(report.board.cpus),
                  report.kernel.empty() ? "" : fmt::format(", Linux {}", report.kernel));
  text += describe_clocks(report) + describe_places(report.board) + describe_controls(report);
  text += describe_power(report) + describe_trips(report.board) + describe_throttling(report);
  text += format_rows("Signals", signal_rows(report, is_in(Quantity::Group::kOther)));
  text += describe_pmus(report) + describe_left_alone(report) + describe_troubles(report) +
          describe_missing(report);
  text.pop_back();
  return text;
}

}  // namespace rein
