#include "agent/core/profile.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "agent/core/managed_application.hpp"
#include "common/config_node.hpp"
#include "common/csv_table.hpp"
#include "common/error.hpp"
#include "common/files.hpp"
#include "common/statistics.hpp"

namespace rein {

namespace {

/// The mean of a signal, over the time in which it had a value.
class MeanPower {
 public:
  explicit MeanPower(std::optional<std::size_t> signal) : signal_(signal) {}

  void add(const StepInfo& info) {
    if (const auto watts = signal_ ? info.reading(*signal_) : std::nullopt) {
      energy_j_ += *watts * info.interval_s;
      seconds_ += info.interval_s;
    }
  }
  std::optional<double> watts() const {
    return seconds_ > 0.0 ? std::optional(energy_j_ / seconds_) : std::nullopt;
  }

 private:
  std::optional<std::size_t> signal_;
  double energy_j_ = 0.0;
  double seconds_ = 0.0;
};

/// Adds up the periods of one configuration.
class Measurement {
 public:
  explicit Measurement(const Environment& environment)
      : limited_(
            find_signal(environment.signals(), name_of(environment.description().power_signal))),
        whole_(find_signal(environment.signals(), "power_w")) {}

  void add(const StepInfo& info) {
    seconds_ += info.interval_s;
    limited_.add(info);
    whole_.add(info);
    const ServiceReport& service = managed_service(info);
    if (service.served == 0) {
      return;
    }
    served_ += service.served;
    busy_ms_ += service.busy_ms;
    means_ms_.push_back(service.busy_ms / static_cast<double>(service.served));
    latencies_ms_.insert(latencies_ms_.end(), service.latencies_ms.begin(),
                         service.latencies_ms.end());
  }

  ProfileEntry entry(ActionId action, double top1) const {
    const double served = static_cast<double>(served_);
    ProfileEntry entry{.action = action, .requests = served_, .top1 = top1};
    entry.power_w = limited_.watts();
    if (served_ > 0) {
      entry.service_ms = busy_ms_ / served;
      entry.service_sd_ms = spread_ms();
      entry.latency_p95_ms = quantile(latencies_ms_, 0.95);
      if (const auto whole_w = whole_.watts()) {
        entry.energy_mj = 1e3 * *whole_w * seconds_ / served;
      }
    }
    return entry;
  }

 private:
  double spread_ms() const {
    const double centre = mean(means_ms_);
    double squares = 0.0;
    for (const double value : means_ms_) {
      squares += (value - centre) * (value - centre);
    }
    return std::sqrt(squares / static_cast<double>(means_ms_.size()));
  }

  MeanPower limited_;  ///< The signal that the power budget is about ...
  MeanPower whole_;    ///< ... and the whole board.
  double seconds_ = 0.0;
  std::size_t served_ = 0;
  double busy_ms_ = 0.0;
  std::vector<double> means_ms_;
  std::vector<double> latencies_ms_;
};

/// A column that holds a number, and where it is in an entry.
struct Quantity {
  const char* name;
  std::optional<double> ProfileEntry::*value;
};
constexpr Quantity kQuantities[] = {{"service_ms", &ProfileEntry::service_ms},
                                    {"service_sd_ms", &ProfileEntry::service_sd_ms},
                                    {"latency_p95_ms", &ProfileEntry::latency_p95_ms},
                                    {"power_w", &ProfileEntry::power_w},
                                    {"energy_mj", &ProfileEntry::energy_mj}};

std::vector<std::string> column_names(const ActionSpace& actions) {
  std::vector<std::string> names = {"action"};
  std::ranges::transform(actions.knobs(), std::back_inserter(names), &Knob::name);
  names.emplace_back("requests");
  for (const auto& quantity : kQuantities) {
    names.emplace_back(quantity.name);
  }
  names.emplace_back("top1");
  return names;
}

/// Reads the cells of one row, from left to right.
class RowReader {
 public:
  RowReader(const std::string& file, const CsvTable& table, const CsvTable::Row& row)
      : file_(file), table_(table), row_(row) {}

  const std::string& text() { return row_.cells[next_++]; }

  std::optional<double> number(double max) {
    const std::string& cell = text();
    if (cell.empty()) {
      return std::nullopt;
    }
    double value = 0.0;
    const char* end = cell.data() + cell.size();
    const auto [stop, error] = std::from_chars(cell.data(), end, value);
    if (error != std::errc{} || stop != end || !(value >= 0.0 && value <= max)) {
      fail(Range{.min = 0.0, .max = max}.describe("a number") + " or nothing");
    }
    return value;
  }

  double required(double max, bool whole = false) {
    const auto value = number(max);
    if (!value || (whole && *value != std::floor(*value))) {
      fail(Range{.min = 0.0, .max = max}.describe(whole ? "a whole number" : "a number"));
    }
    return *value;
  }

  /// About the cell that was read last.
  [[noreturn]] void fail(const std::string& expected) const {
    reject(fmt::format("expected {}, found '{}'", expected, row_.cells[next_ - 1]));
  }
  [[noreturn]] void reject(const std::string& problem) const {
    throw ConfigError(
        fmt::format("{}:{}: column {}: {}", file_, row_.line, table_.columns[next_ - 1], problem));
  }

 private:
  const std::string& file_;
  const CsvTable& table_;
  const CsvTable::Row& row_;
  std::size_t next_ = 0;
};

ProfileEntry read_entry(RowReader reader, ActionId expected, const ActionSpace& actions) {
  constexpr double kMost = 1e12;
  ProfileEntry entry;
  entry.action = static_cast<ActionId>(reader.required(kMost, /*whole=*/true));
  if (entry.action != expected) {
    reader.fail(fmt::format("{}: a row for each configuration, in their order", expected));
  }
  const auto levels = actions.decode(entry.action);
  for (std::size_t i = 0; i < levels.size(); ++i) {
    const std::string& label = actions.knobs()[i].levels[levels[i]].label;
    if (reader.text() != label) {
      reader.fail(fmt::format("'{}' as in this run", label));
    }
  }
  entry.requests = static_cast<std::size_t>(reader.required(kMost, /*whole=*/true));
  for (const auto& quantity : kQuantities) {
    entry.*quantity.value = reader.number(kMost);
  }
  entry.top1 = reader.required(1.0);
  return entry;
}

}  // namespace

Profile Profile::measure(Environment& environment, std::uint64_t seed, std::size_t settle,
                         std::size_t periods, const std::function<bool()>& stop,
                         const std::function<void(std::size_t)>& progress) {
  Profile profile;
  profile.measure_rest(environment, seed, settle, periods, stop, progress);
  return profile;
}

void Profile::measure_rest(Environment& environment, std::uint64_t seed, std::size_t settle,
                           std::size_t periods, const std::function<bool()>& stop,
                           const std::function<void(std::size_t)>& progress) {
  const auto& actions = environment.action_space();
  const auto top1 = environment.description().top1;
  entries.reserve(actions.size());
  environment.reset(seed);
  const auto width = actions.find(Knob::Kind::kWidth, kManagedApplication);
  for (ActionId action = entries.size(); action < actions.size(); ++action) {
    Measurement measurement(environment);
    const Action levels = actions.decode(action);
    for (std::size_t period = 0; period < settle + periods; ++period) {
      if (stop()) {
        return;
      }
      const StepResult& result = environment.step(levels);
      if (period >= settle) {
        measurement.add(result.info);
      }
      if (result.terminated || result.truncated) {
        environment.reset(seed);
      }
    }
    entries.push_back(measurement.entry(action, top1.at(levels[*width])));
    progress(action + 1);
  }
}

void Profile::write(const std::filesystem::path& file, const ActionSpace& actions) const {
  std::string text = csv_line(column_names(actions));
  for (const auto& entry : entries) {
    text += fmt::format("{}", entry.action);
    const auto levels = actions.decode(entry.action);
    for (std::size_t i = 0; i < levels.size(); ++i) {
      text.append(",").append(csv_cell(actions.knobs()[i].levels[levels[i]].label));
    }
    text += fmt::format(",{}", entry.requests);
    for (const auto& quantity : kQuantities) {
      const auto& value = entry.*quantity.value;
      text += value ? fmt::format(",{}", *value) : ",";
    }
    text += fmt::format(",{}\n", entry.top1);
  }
  write_file(file, text);
}

Profile Profile::read(const std::filesystem::path& file, const ActionSpace& actions) {
  Profile profile = read_begun(file, actions);
  if (profile.entries.size() != actions.size()) {
    throw ConfigError(fmt::format("{}:{}: expected the {} configurations of this run, found {}",
                                  file.string(), profile.entries.size() + 1, actions.size(),
                                  profile.entries.size()));
  }
  return profile;
}

Profile Profile::read_begun(const std::filesystem::path& file, const ActionSpace& actions) {
  const std::string name = file.string();
  const CsvTable table = parse_csv(read_file(file), name);
  if (const auto expected = column_names(actions); table.columns != expected) {
    throw ConfigError(fmt::format("{}:1: expected the columns {} as in this run, found {}", name,
                                  fmt::join(expected, ","), fmt::join(table.columns, ",")));
  }
  Profile profile;
  profile.entries.reserve(actions.size());
  for (const auto& row : table.rows) {
    if (profile.entries.size() == actions.size()) {
      throw ConfigError(fmt::format("{}:{}: expected the {} configurations of this run, found more",
                                    name, row.line, actions.size()));
    }
    profile.entries.push_back(read_entry({name, table, row}, profile.entries.size(), actions));
  }
  return profile;
}

}  // namespace rein
