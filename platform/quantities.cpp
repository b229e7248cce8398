#include "platform/quantities.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "common/error.hpp"

namespace rein {

namespace {

constexpr double kAny = 1e12;

constexpr double kPerMille = 1e-3;
constexpr double kPerCent = 1e-2;
constexpr std::array kGpuLoadFiles{
    NumberFiles{"/sys/devices/gpu.0/load", kPerMille},
    NumberFiles{"/sys/devices/platform/gpu.0/load", kPerMille},
    NumberFiles{"/sys/devices/platform/host1x/*.gv11b/load", kPerMille},
    NumberFiles{"/sys/devices/platform/host1x/*.gp10b/load", kPerMille},
    NumberFiles{"/sys/devices/platform/host1x/*.ga10b/load", kPerMille},
    NumberFiles{"/sys/devices/platform/*.gpu/load", kPerMille},
    NumberFiles{"/sys/devices/platform/*/*.gpu/load", kPerMille},
    NumberFiles{"/sys/class/drm/card*/device/gpu_busy_percent", kPerCent},
};

constexpr Sight kShare{.of = Sight::Of::kEach};

/// In the order of docs/trace.md.
constexpr std::array kQuantities{
    Quantity{.name = "cpu_ours_share",
             .unit = "1",
             .behind = "cpu",
             .each = "of a CPU's time that our threads used; all three are 0 for a CPU that is "
                     "offline",
             .sight = kShare,
             .in_report = true},
    Quantity{.name = "cpu_others_share",
             .unit = "1",
             .behind = "cpu",
             .each = "of a CPU's time that everybody else used",
             .sight = kShare,
             .in_report = true},
    Quantity{.name = "cpu_steal_share",
             .unit = "1",
             .behind = "cpu",
             .each = "of a CPU's time that the hypervisor took",
             .sight = kShare,
             .in_report = true},
    Quantity{
        .name = "pressure_cpu_share",
        .unit = "1",
        .whole = "of the time in which some task waited for a CPU (pressure stall information)",
        .sight = kShare,
        .simulated = Simulated::kCrowd},
    Quantity{.name = "pressure_memory_share",
             .unit = "1",
             .whole = "of the time in which some task waited for memory",
             .sight = kShare,
             .simulated = Simulated::kZero},
    Quantity{.name = "instructions",
             .unit = "1",
             .whole = "of our threads in the period, where the processor's counters are offered; "
                      "the total of all kinds of cores if all count it",
             .behind = "unit",
             .each = "the same on one kind of core, where there are several (`armv7_cortex_a15`, "
                     "`cpu_atom`)",
             .max = kAny,
             .over_signals = Fold::kSum,
             .over_time = Fold::kSum},
    Quantity{.name = "cycles",
             .unit = "1",
             .whole = "like `instructions`",
             .behind = "unit",
             .each = "like `instructions.<unit>`",
             .max = kAny,
             .over_signals = Fold::kSum,
             .over_time = Fold::kSum},
    Quantity{.name = "cache_misses",
             .unit = "1",
             .whole = "like `instructions`",
             .behind = "unit",
             .each = "like `instructions.<unit>`",
             .max = kAny,
             .over_signals = Fold::kSum,
             .over_time = Fold::kSum},
    Quantity{
        .name = "context_switches",
        .unit = "1",
        .whole = "of our threads in the period, where the processor's counters are not offered",
        .max = kAny,
        .over_signals = Fold::kSum,
        .over_time = Fold::kSum},
    Quantity{.name = "cpu_migrations",
             .unit = "1",
             .whole = "like `context_switches`",
             .max = kAny,
             .over_signals = Fold::kSum,
             .over_time = Fold::kSum},
    Quantity{.name = "page_faults",
             .unit = "1",
             .whole = "like `context_switches`",
             .max = kAny,
             .over_signals = Fold::kSum,
             .over_time = Fold::kSum},
    Quantity{.name = "task_clock_s",
             .unit = "s",
             .whole = "for which our threads ran in the period, there too",
             .max = kAny,
             .over_signals = Fold::kSum,
             .over_time = Fold::kSum},
    Quantity{.name = "power_w",
             .unit = "W",
             .whole = "of the whole machine, mean over the period: the board file's `total_power`, "
                      "else its model, else what is known to measure it, else an assumed model "
                      "([in which order](boards.md#the-power-of-the-whole-machine)): "
                      "`summary.json`, under `signals`, says which",
             .behind = "rail",
             .each = "what a sensor says: the mean over the period if it counts energy, else as it "
                     "measured last",
             .max = 10e3,
             .stuck_after_s = 10.0,
             .zero_may_stay = true,
             .over_signals = Fold::kSum,
             .sight = {.of = Sight::Of::kWhole,
                       .scale = {.kind = Scale::Kind::kLog10,  // 2.5 mW to 100 kW.
                                 .one = 10.0,
                                 .divisor = 4.0,
                                 .min = -0.9,
                                 .max = 1.0,
                                 .neutral = -1.0}},
             .simulated = Simulated::kRail,
             .is_given = true,
             .group = Quantity::Group::kPower,
             .in_report = true},
    Quantity{.name = "power_ours_w",
             .unit = "W",
             .whole = "our CPU time times the model's power of a busy CPU: always an estimate",
             .max = 10e3,
             .over_signals = Fold::kSum,
             .group = Quantity::Group::kPower,
             .in_report = true},
    Quantity{.name = "temperature_c",
             .unit = "degC",
             .behind = "zone",
             .each =
                 "of a thermal zone, a card, or a sensor of hwmon that no zone shows, whether it "
                 "[counts](boards.md#which-temperatures-count) or not",
             .min = -40.0,
             .max = 150.0,
             .stuck_after_s = 300.0,
             .doubtful = 1.5,
             .believed_below = 15.0,
             .has_other_units = true,
             .usual_min = 10.0,
             .usual_max = 120.0,
             .over_signals = Fold::kMost,
             .over_time = Fold::kLast,
             .sight = {.of = Sight::Of::kHeat, .scale = {.one = 150.0}},
             .simulated = Simulated::kZone,
             .is_given = true,
             .chart = "Temperature"},
    Quantity{.name = "frequency_mhz",
             .unit = "MHz",
             .behind = "domain",
             .each = "that the kernel, or a card's driver, says was granted",
             .min = 0.001,
             .max = 100e3,
             .has_other_units = true,
             .over_time = Fold::kLast,
             .is_given = true,
             .chart = "Frequency"},
    Quantity{.name = "voltage_v",
             .unit = "V",
             .behind = "rail",
             .each = "as a board file's sensor measured last",
             .min = -1e3,
             .max = 1e3,
             .over_time = Fold::kLast,
             .is_given = true},
    Quantity{.name = "current_a",
             .unit = "A",
             .behind = "rail",
             .each = "as a board file's sensor measured last",
             .min = -1e3,
             .max = 1e3,
             .over_signals = Fold::kSum,
             .over_time = Fold::kLast,
             .is_given = true},
    Quantity{.name = "gpu_load_share",
             .unit = "1",
             .whole = "of the time that the GPU was busy, as its driver says",
             .sight = kShare,
             .simulated = Simulated::kGpu,
             .files = kGpuLoadFiles},
    Quantity{.name = "load_share",
             .unit = "1",
             .behind = "device",
             .each = "of the time that a device was busy, as a board file's sensor or a card says",
             .sight = kShare,
             .simulated = Simulated::kGpu,
             .is_given = true},
    Quantity{.name = "throttle_share",
             .unit = "1",
             .behind = "device",
             .each =
                 "how far a cooling device (`cpufreq-cpu0`, `Processor`) slows its domain down: "
                 "its state, of the greatest",
             .over_signals = Fold::kMost,
             .over_time = Fold::kLast,
             .sight = kShare,
             .simulated = Simulated::kThrottle,
             .group = Quantity::Group::kThrottling,
             .throttles = true},
    Quantity{.name = "cooling_share",
             .unit = "1",
             .behind = "fan",
             .each = "the same of a fan",
             .over_signals = Fold::kMost,
             .over_time = Fold::kLast,
             .sight = kShare,
             .simulated = Simulated::kZero,
             .group = Quantity::Group::kThrottling},
    Quantity{.name = "throttle_events",
             .unit = "1",
             .behind = "name",
             .each = "how often the hardware stepped in during the period: heat of a package or "
                     "core (x86), over-current (Jetson)",
             .max = 1e9,
             .over_signals = Fold::kSum,
             .over_time = Fold::kSum,
             .group = Quantity::Group::kThrottling,
             .throttles = true},
    Quantity{.name = "throttled",
             .unit = "1",
             .behind = "reason",
             .each = "0 or 1: what held a Raspberry Pi back at the period's end (`undervoltage`, "
                     "`frequency_capped`, `throttled`, `soft_temperature_limit`), or an NVIDIA "
                     "card (`gpu_power`, `gpu_heat`, `gpu_hardware`)",
             .over_signals = Fold::kMost,
             .over_time = Fold::kLast,
             .group = Quantity::Group::kThrottling,
             .throttles = true},
};

}  // namespace

std::span<const Quantity> quantities() { return kQuantities; }

const Quantity* find_quantity(std::string_view signal) {
  const auto found =
      std::ranges::find(kQuantities, signal.substr(0, signal.find('.')), &Quantity::name);
  return found == kQuantities.end() ? nullptr : &*found;
}

const Quantity& quantity_of(std::string_view signal) {
  if (const Quantity* const found = find_quantity(signal)) {
    return *found;
  }
  throw Error(
      fmt::format("{}: expected a signal of a known quantity, found none of that name", signal));
}

std::string implausible(const Quantity& quantity, double min, double max, double value) {
  return value >= min && value <= max
             ? ""
             : fmt::format("expected {} to {}{}, found {:.6g}", min, max,
                           quantity.unit == "1" ? "" : fmt::format(" {}", quantity.unit), value);
}

std::string_view name_behind_dot(std::string_view signal) {
  const std::size_t dot = signal.find('.');
  return dot == std::string_view::npos ? std::string_view{} : signal.substr(dot + 1);
}

Signal make_signal(std::string_view quantity, std::string_view name, std::string source,
                   bool estimated) {
  return {.name = name.empty() ? std::string(quantity) : fmt::format("{}.{}", quantity, name),
          .unit = std::string(quantity_of(quantity).unit),
          .source = std::move(source),
          .estimated = estimated};
}

}  // namespace rein
