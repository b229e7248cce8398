#include "platform/sensors/perf_power_sensor.hpp"

#include <fmt/format.h>
#include <linux/perf_event.h>

#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

#include "platform/kernel/pmu.hpp"
#include "platform/kernel/sysfs_root.hpp"
#include "platform/kernel/system_calls.hpp"
#include "platform/quantities.hpp"

namespace rein {

namespace {

/// An event, and powercap's name of the zone; the package's carries its number.
struct Zone {
  const char* event;
  const char* name;
};
constexpr std::array<Zone, 5> kZones{{{"energy-pkg", "package"},
                                      {"energy-cores", "core"},
                                      {"energy-gpu", "uncore"},
                                      {"energy-ram", "dram"},
                                      {"energy-psys", "psys"}}};

std::optional<double> read_scale(const SysfsRoot& root, const std::string& event) {
  const std::string text = root.try_read(event + ".scale").value_or("");
  double scale = 0.0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), scale);
  return result.ec == std::errc{} && std::isfinite(scale) && scale > 0.0 &&
                 root.try_read(event + ".unit") == "Joules"
             ? std::optional(scale)
             : std::nullopt;
}

Measurement power_trouble(const std::string& where, const std::string& what) {
  return {.value = {}, .age = {}, .problem = fmt::format("{}: {}", where, what)};
}

}  // namespace

PerfPowerSensor::PerfPowerSensor(const SysfsRoot& root, std::vector<Missing>& missing)
    : calls_(root.calls()) {
  const auto pmu = find_pmu(root, "power");
  if (!pmu) {
    return;
  }
  std::vector<SensorName> names;
  for (const int cpu : pmu->cpus) {
    open_on(root, *pmu, cpu, names, missing);
  }
  const auto unique = unique_names(names);
  for (std::size_t i = 0; i < counters_.size(); ++i) {
    signals_.push_back(
        make_signal("power_w", unique[i], fmt::format("perf_event_open: {}", counters_[i].where)));
    if (counters_[i].package) {
      packages_.push_back(i);
    }
  }
}

PerfPowerSensor::~PerfPowerSensor() {
  for (const auto& counter : counters_) {
    calls_.close_counter(counter.descriptor);
  }
}

void PerfPowerSensor::open_on(const SysfsRoot& root, const Pmu& pmu, int cpu,
                              std::vector<SensorName>& names, std::vector<Missing>& missing) {
  const std::string package =
      root.try_read(fmt::format("/sys/devices/system/cpu/cpu{}/topology/physical_package_id", cpu))
          .value_or(std::to_string(names.size()));
  for (const auto& [event_name, zone] : kZones) {
    const std::string path = fmt::format("{}/events/{}", pmu.path, event_name);
    const auto event = find_event(root, pmu, std::span(&event_name, 1));
    const auto scale = read_scale(root, path);
    if (!event || !scale) {
      continue;
    }
    perf_event_attr attributes{};
    attributes.size = sizeof(attributes);
    attributes.type = pmu.type;
    attributes.config = event->config;
    const int descriptor = calls_.open_counter(attributes, /*thread=*/-1, cpu, /*leader=*/-1);
    if (descriptor < 0) {
      missing.push_back({path, fmt::format("cannot be counted: {}", std::strerror(-descriptor)),
                         "run as root, or with /proc/sys/kernel/perf_event_paranoid of 0"});
      continue;
    }
    const bool is_package = zone == std::string_view("package");
    names.push_back({is_package ? "package-" + package : zone, "package-" + package});
    counters_.push_back({.descriptor = descriptor,
                         .where = fmt::format("{} of CPU {}", event_name, cpu),
                         .j = *scale,
                         .package = is_package,
                         .last = {}});
  }
}

Measurement PerfPowerSensor::measure(Counter& counter, Duration interval) {
  std::uint64_t now = 0;
  if (!calls_.read_counters(counter.descriptor, std::span(&now, 1))) {
    counter.last.reset();
    return power_trouble(counter.where, "cannot be read");
  }
  const auto before = std::exchange(counter.last, now);
  if (!before || interval <= Duration::zero()) {
    return {};
  }
  if (now < *before) {
    return power_trouble(
        counter.where, fmt::format("expected a count that grows, found {} after {}", now, *before));
  }
  if (now == *before && counter.package) {
    return interval < kLongEnoughToMove
               ? Measurement{}
               : power_trouble(counter.where, fmt::format("has not moved for {:.0f} ms",
                                                          to_milliseconds(interval)));
  }
  const double power_w = static_cast<double>(now - *before) * counter.j / to_seconds(interval);
  const Quantity& quantity = quantity_of("power_w");
  if (const auto problem = implausible(quantity, quantity.min, quantity.max, power_w);
      !problem.empty()) {
    return power_trouble(counter.where, problem);
  }
  return {.value = power_w, .age = {}, .problem = {}};
}

void PerfPowerSensor::sample(const SampleContext& context, std::vector<Measurement>& measurements) {
  for (auto& counter : counters_) {
    measurements.push_back(measure(counter, context.interval));
  }
}

}  // namespace rein
