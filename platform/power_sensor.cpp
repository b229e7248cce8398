#include "platform/power_sensor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rein {

namespace {

constexpr double kMaxPlausibleW = 10e3;  ///< More in one zone is a counter that was reset.

std::optional<std::uint64_t> read_count(const SysfsRoot& root, const std::string& path) {
  return parse_count(root.try_read(path).value_or(""));
}

Signal power_signal(const std::string& rail, const std::string& source) {
  return {.name = rail.empty() ? "power_w" : "power_w." + rail, .unit = "W", .source = source};
}

/// "2" of "power2_input"; empty if the name is another.
std::string number_between(const std::string& name, std::string_view before,
                           std::string_view after) {
  return name.starts_with(before) && name.ends_with(after)
             ? name.substr(before.size(), name.size() - before.size() - after.size())
             : std::string();
}

struct FoundRail {
  std::string label;
  std::string path;
  std::string voltage_path;
};

/// The rail that a file of an hwmon chip stands for, if it does.
std::optional<FoundRail> find_rail(const SysfsRoot& root, const std::string& chip,
                                   const std::string& file) {
  const std::string path = fmt::format("{}/{}", chip, file);
  if (const auto number = number_between(file, "curr", "_input"); !number.empty()) {
    const std::string voltage = fmt::format("{}/in{}", chip, number);
    const auto label = root.try_read(voltage + "_label");
    return label && root.exists(voltage + "_input")
               ? std::optional(FoundRail{*label, path, voltage + "_input"})
               : std::nullopt;
  }
  std::string number = number_between(file, "power", "_input");
  if (number.empty()) {
    number = number_between(file, "power", "_average");
    if (root.exists(fmt::format("{}/power{}_input", chip, number))) {
      return std::nullopt;  // The same rail, which comes once.
    }
  }
  if (number.empty()) {
    return std::nullopt;
  }
  auto label = root.try_read(fmt::format("{}/power{}_label", chip, number));
  if (!label) {
    label = fmt::format("{}_power{}", root.try_read(chip + "/name").value_or("hwmon"), number);
  }
  return FoundRail{*label, path, ""};
}

}  // namespace

bool has_total_power(const std::vector<Signal>& signals) {
  return std::any_of(signals.begin(), signals.end(),
                     [](const Signal& signal) { return signal.name == "power_w"; });
}

RaplPowerSensor::RaplPowerSensor(const SysfsRoot& root, std::vector<Missing>& missing)
    : root_(root) {
  const std::string folder = "/sys/class/powercap";
  std::vector<SensorName> names;
  for (const auto& zone : root.list(folder)) {
    // Not intel-rapl-mmio, which is the same once more.
    if (!zone.starts_with("intel-rapl:")) {
      continue;
    }
    const std::string path = fmt::format("{}/{}", folder, zone);
    const std::string energy_path = path + "/energy_uj";
    if (!root.try_read(energy_path)) {
      missing.push_back({energy_path, "cannot be read",
                         "run as root, or give read access (it is root's since Linux 5.10)"});
      continue;
    }
    const std::string name = root.try_read(path + "/name").value_or("");
    names.push_back({name, zone.substr(zone.find(':') + 1)});
    zones_.push_back({.path = energy_path,
                      .package = name.starts_with("package"),
                      .max_uj = read_count(root, path + "/max_energy_range_uj"),
                      .last_uj = {}});
    has_packages_ = has_packages_ || zones_.back().package;
  }
  const auto unique = unique_names(names);
  for (std::size_t i = 0; i < zones_.size(); ++i) {
    signals_.push_back(power_signal(unique[i], zones_[i].path));
  }
  if (has_packages_) {
    signals_.push_back(power_signal("", folder + "/intel-rapl:*/energy_uj"));
  }
}

std::optional<double> RaplPowerSensor::advance(Zone& zone, const SampleContext& context) {
  const auto now = read_count(root_, zone.path);
  const auto before = std::exchange(zone.last_uj, now);
  if (!now || !before || context.interval <= Duration::zero()) {
    return std::nullopt;
  }
  std::uint64_t step_uj = *now - *before;
  if (*now < *before) {
    if (!zone.max_uj || *before > *zone.max_uj) {
      return std::nullopt;
    }
    step_uj = *zone.max_uj - *before + *now;
  }
  const double power_w = static_cast<double>(step_uj) / 1e6 / to_seconds(context.interval);
  return power_w <= kMaxPlausibleW ? std::optional(power_w) : std::nullopt;
}

void RaplPowerSensor::sample(const SampleContext& context,
                             std::vector<std::optional<double>>& values) {
  std::optional<double> total = 0.0;
  for (auto& zone : zones_) {
    const auto power_w = advance(zone, context);
    values.push_back(power_w);
    if (zone.package) {
      total = total && power_w ? std::optional(*total + *power_w) : std::nullopt;
    }
  }
  if (has_packages_) {
    values.push_back(total);
  }
}

HwmonPowerSensor::HwmonPowerSensor(const SysfsRoot& root, bool with_total) : root_(root) {
  const std::string folder = "/sys/class/hwmon";
  std::vector<SensorName> names;
  for (const auto& chip : root.list(folder)) {
    const std::string place = fmt::format("{}/{}", folder, chip);
    for (const auto& file : root.list(place)) {
      if (auto rail = find_rail(root, place, file)) {
        names.push_back({rail->label, chip});
        rails_.push_back({std::move(rail->path), std::move(rail->voltage_path)});
      }
    }
  }

  const auto unique = unique_names(names);
  for (std::size_t i = 0; i < rails_.size(); ++i) {
    signals_.push_back(power_signal(unique[i], rails_[i].path));
    if (with_total && (rails_.size() == 1 || names[i].name == "VDD_IN")) {
      total_ = i;
    }
  }
  if (total_) {
    signals_.push_back(power_signal("", rails_[*total_].path));
  }
}

void HwmonPowerSensor::sample(const SampleContext&, std::vector<std::optional<double>>& values) {
  const std::size_t first = values.size();
  for (const auto& rail : rails_) {
    const auto number = read_count(root_, rail.path);
    const auto factor = rail.voltage_path.empty() ? std::optional<std::uint64_t>(1)
                                                  : read_count(root_, rail.voltage_path);
    // mV times mA is uW.
    const auto power_w =
        number && factor
            ? std::optional(static_cast<double>(*number) * static_cast<double>(*factor) / 1e6)
            : std::nullopt;
    values.push_back(power_w && *power_w <= kMaxPlausibleW ? power_w : std::nullopt);
  }
  if (total_) {
    values.push_back(values[first + *total_]);
  }
}

ModelledPowerSensor::ModelledPowerSensor(const PowerModel& model, const CpuTimeSensor& cpu_time,
                                         bool with_total)
    : model_(model), cpu_time_(cpu_time) {
  const std::string source = fmt::format("model: {} W a busy CPU", model.cpu_w);
  signals_.push_back({.name = "power_ours_w", .unit = "W", .source = source, .estimated = true});
  if (with_total) {
    signals_.push_back({.name = "power_w",
                        .unit = "W",
                        .source = fmt::format("{} and {} W idle", source, model.idle_w),
                        .estimated = true});
  }
}

void ModelledPowerSensor::sample(const SampleContext&, std::vector<std::optional<double>>& values) {
  const auto ours = cpu_time_.ours_cpus();
  values.push_back(ours ? std::optional(*ours * model_.cpu_w) : std::nullopt);
  if (signals_.size() > 1) {
    const auto busy = cpu_time_.busy_cpus();
    values.push_back(busy ? std::optional(model_.idle_w + *busy * model_.cpu_w) : std::nullopt);
  }
}

}  // namespace rein
