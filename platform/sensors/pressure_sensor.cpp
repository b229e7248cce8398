#include "platform/sensors/pressure_sensor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>
#include <string_view>

#include "platform/kernel/access.hpp"
#include "platform/quantities.hpp"

namespace rein {

namespace {

constexpr std::size_t kFileSize = 256;
constexpr std::string_view kTotal = " total=";

/// From "some avg10=0.00 avg60=0.00 avg300=0.00 total=123", in us.
std::optional<std::uint64_t> parse_some_total(std::string_view text) {
  if (!text.starts_with("some ")) {
    return std::nullopt;
  }
  text = text.substr(0, text.find('\n'));
  const std::size_t total = text.rfind(kTotal);
  return total == std::string_view::npos ? std::nullopt
                                         : parse_count(trim(text.substr(total + kTotal.size())));
}

}  // namespace

PressureSensor::PressureSensor(const SysfsRoot& root, std::vector<Missing>& missing) {
  for (const std::string resource : {"cpu", "memory"}) {
    const std::string path = "/proc/pressure/" + resource;
    KernelFile file(root, path, kFileSize);
    if (!file.read()) {
      const std::string kernel = "a kernel with CONFIG_PSI, started with psi=1";
      // Without psi=1 it says EOPNOTSUPP when it is read.
      const int error = root.read_error(path);
      missing.push_back(error == EOPNOTSUPP || error == 0 ? Missing{path, "says nothing", kernel}
                                                          : unreadable(root, path, kernel));
      continue;
    }
    signals_.push_back(make_signal("pressure_" + resource + "_share", "", path));
    resources_.push_back({std::move(file), {}});
  }
}

void PressureSensor::sample(const SampleContext& context, std::vector<Measurement>& measurements) {
  for (auto& resource : resources_) {
    Measurement& measurement = measurements.emplace_back();
    const auto text = resource.file.read();
    const auto total_us = text ? parse_some_total(*text) : std::nullopt;
    if (!total_us) {
      measurement.problem =
          text ? fmt::format("{}: expected 'some ... total=' and a whole number, found '{}'",
                             resource.file.path(), text->substr(0, text->find('\n')))
               : resource.file.problem();
    }
    const auto step_us = resource.stalled_us.advance(total_us);
    if (step_us && context.interval > Duration::zero()) {
      measurement.value =
          std::min(static_cast<double>(*step_us) / 1e6 / to_seconds(context.interval), 1.0);
    }
  }
}

}  // namespace rein
