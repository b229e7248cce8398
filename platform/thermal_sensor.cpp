#include "platform/thermal_sensor.hpp"

#include <fmt/format.h>

#include <string>

#include "platform/kernel_file.hpp"

namespace rein {

namespace {

constexpr double kMinC = -40.0;
constexpr double kMaxC = 150.0;

std::optional<double> to_celsius(std::optional<std::int64_t> millidegrees) {
  if (!millidegrees) {
    return std::nullopt;
  }
  const double celsius = static_cast<double>(*millidegrees) / 1e3;
  return celsius >= kMinC && celsius <= kMaxC ? std::optional(celsius) : std::nullopt;
}

}  // namespace

ThermalSensor::ThermalSensor(const SysfsRoot& root, std::vector<Missing>& missing) : root_(root) {
  const std::string folder = "/sys/class/thermal";
  std::vector<SensorName> names;
  std::vector<std::string> paths;
  for (const auto& zone : root.list(folder)) {
    if (!zone.starts_with("thermal_zone")) {
      continue;
    }
    const std::string place = fmt::format("{}/{}", folder, zone);
    if (root.exists(place + "/temp")) {
      names.push_back({root.try_read(place + "/type").value_or(""),
                       zone.substr(std::string_view("thermal_").size())});
      paths.push_back(place + "/temp");
    }
  }
  const auto unique = unique_names(names);
  for (std::size_t i = 0; i < paths.size(); ++i) {
    signals_.push_back({.name = "temperature_c." + unique[i], .unit = "degC", .source = paths[i]});
  }
  if (signals_.empty()) {
    missing.push_back({folder, "has no thermal zones", "the driver of this board's sensors"});
  }
}

void ThermalSensor::sample(const SampleContext&, std::vector<std::optional<double>>& values) {
  for (const auto& signal : signals_) {
    values.push_back(to_celsius(parse_integer(root_.try_read(signal.source).value_or(""))));
  }
}

}  // namespace rein
