#include "platform/pressure_sensor.hpp"

#include <algorithm>
#include <string>

namespace rein {

namespace {

constexpr std::size_t kFileSize = 256;
constexpr std::string_view kTotal = "total=";

/// From "some avg10=0.00 avg60=0.00 avg300=0.00 total=123", in us.
std::optional<std::uint64_t> parse_some_total(std::string_view text) {
  if (!text.starts_with("some ")) {
    return std::nullopt;
  }
  for (const auto word : split_words(text.substr(0, text.find('\n')))) {
    if (word.starts_with(kTotal)) {
      return parse_count(word.substr(kTotal.size()));
    }
  }
  return std::nullopt;
}

}  // namespace

PressureSensor::PressureSensor(const SysfsRoot& root, std::vector<Missing>& missing) {
  for (const std::string resource : {"cpu", "memory"}) {
    const std::string path = "/proc/pressure/" + resource;
    KernelFile file(root, path, kFileSize);
    if (!file.read()) {
      missing.push_back({path, root.exists(path) ? "cannot be read" : "does not exist",
                         "a kernel with CONFIG_PSI, started with psi=1"});
      continue;
    }
    signals_.push_back({.name = "pressure_" + resource + "_share", .unit = "1", .source = path});
    resources_.push_back({std::move(file), {}});
  }
}

void PressureSensor::sample(const SampleContext& context,
                            std::vector<std::optional<double>>& values) {
  for (auto& resource : resources_) {
    const auto text = resource.file.read();
    const auto step = resource.stalled_us.advance(text ? parse_some_total(*text) : std::nullopt);
    values.push_back(
        step && context.interval > Duration::zero()
            ? std::optional(
                  std::min(static_cast<double>(*step) / 1e6 / to_seconds(context.interval), 1.0))
            : std::nullopt);
  }
}

}  // namespace rein
