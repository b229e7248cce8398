#include "platform/linux_sensors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "platform/attribute_sensor.hpp"
#include "platform/clock_attributes.hpp"
#include "platform/counter_group.hpp"
#include "platform/cpu_time_sensor.hpp"
#include "platform/hwmon.hpp"
#include "platform/perf_power_sensor.hpp"
#include "platform/power_attributes.hpp"
#include "platform/power_sensor.hpp"
#include "platform/pressure_sensor.hpp"
#include "platform/thermal_attributes.hpp"

namespace rein {

namespace {

/// A signal that has been well for so long is trusted as at first.
constexpr int kMaxPatience = 1024;

void append(std::vector<Attribute>& attributes, std::vector<Attribute> more) {
  std::move(more.begin(), more.end(), std::back_inserter(attributes));
}

bool has_packages(const std::vector<Attribute>& attributes) {
  return std::any_of(attributes.begin(), attributes.end(), [](const Attribute& attribute) {
    return attribute.role == PowerRole::kPackage;
  });
}

}  // namespace

LinuxSensors::LinuxSensors(const Board& board, const SysfsRoot& root)
    : root_(root), with_threads_(root.is_where_we_run()), thread_list_(root) {
  auto cpu_time = std::make_unique<CpuTimeSensor>(root, board.cpus);
  const CpuTimeSensor& cpu_time_sensor = *cpu_time;
  add(std::move(cpu_time));
  add(std::make_unique<PressureSensor>(root, missing_));
  if (with_threads_) {
    add(std::make_unique<CounterGroup>(root, missing_));
  }
  add_attributes(board);
  add_total(board);
  const bool measured = std::any_of(signals_.begin(), signals_.end(),
                                    [](const Signal& signal) { return signal.name == "power_w"; });
  if (!measured) {
    missing_.push_back({"/sys/class/powercap, /sys/class/hwmon",
                        "no sensor gives the power of the whole machine",
                        "give `power_model` in the board file; power_w is then an estimate"});
  }
  if (board.power_model.cpu_w > 0.0) {
    add(std::make_unique<ModelledPowerSensor>(board.power_model, cpu_time_sensor,
                                              /*with_total=*/!measured));
  }
  health_.resize(signals_.size());
}

void LinuxSensors::add(std::unique_ptr<Sensor> sensor) {
  signals_.insert(signals_.end(), sensor->signals().begin(), sensor->signals().end());
  sensors_.push_back(std::move(sensor));
}

void LinuxSensors::add_attributes(const Board& board) {
  const auto chips = find_hwmon_chips(root_);
  auto given = find_given(root_, board.sensors, missing_);
  std::vector<Attribute> found = find_frequencies(root_, board.domains);
  append(found, find_gpu_load(root_));
  append(found, find_temperatures(root_, chips, missing_));
  append(found, find_throttling(root_, chips));
  std::vector<Missing> unreadable;
  append(found, find_powercap(root_, unreadable));
  append(found, find_hwmon_power(root_, chips, missing_));
  append(found, find_jetson_power(root_));

  const auto attributes = name_signals(root_, std::move(given), std::move(found));
  for (std::size_t i = 0; i < attributes.size(); ++i) {
    if (attributes[i].quantity == "power_w") {
      powers_.push_back({signals_.size() + i, attributes[i].name.name, attributes[i].role});
    }
  }
  add(std::make_unique<AttributeSensor>(root_, attributes));

  if (!has_packages(attributes) && with_threads_) {
    // The same counters by another way: so never both.
    auto perf = std::make_unique<PerfPowerSensor>(root_, unreadable);
    for (const std::size_t package : perf->packages()) {
      powers_.push_back({signals_.size() + package, "package", PowerRole::kPackage});
    }
    if (!perf->packages().empty()) {
      unreadable.clear();
    }
    add(std::move(perf));
  }
  std::move(unreadable.begin(), unreadable.end(), std::back_inserter(missing_));
}

std::vector<std::size_t> LinuxSensors::find_total(const Board& board) const {
  std::vector<std::size_t> parts;
  for (const auto& rail : board.total_power) {
    const auto found =
        std::find_if(signals_.begin(), signals_.end(),
                     [&rail](const Signal& signal) { return signal.name == "power_w." + rail; });
    if (found != signals_.end()) {
      parts.push_back(static_cast<std::size_t>(found - signals_.begin()));
    }
  }
  if (!parts.empty() && parts.size() == board.total_power.size()) {
    return parts;
  }
  parts.clear();
  std::vector<std::size_t> inputs;
  for (const auto& power : powers_) {
    if (power.role == PowerRole::kPackage) {
      parts.push_back(power.signal);
    }
    if (is_input_rail(power.name)) {
      inputs.push_back(power.signal);
    }
  }
  if (!parts.empty()) {
    return parts;
  }
  if (inputs.size() == 1) {
    return inputs;
  }
  const bool only_one =
      board.total_power.empty() && powers_.size() == 1 && powers_.front().role == PowerRole::kRail;
  return only_one ? std::vector<std::size_t>{powers_.front().signal} : std::vector<std::size_t>{};
}

void LinuxSensors::add_total(const Board& board) {
  for (const auto& rail : board.total_power) {
    const std::string name = "power_w." + rail;
    if (std::none_of(signals_.begin(), signals_.end(),
                     [&name](const Signal& signal) { return signal.name == name; })) {
      missing_.push_back({name, "is not measured here, so that its sum has no part of it",
                          "check `total_power` of the board file"});
    }
  }
  const bool given = std::any_of(signals_.begin(), signals_.end(),
                                 [](const Signal& signal) { return signal.name == "power_w"; });
  const auto parts = find_total(board);
  if (given || parts.empty()) {
    return;
  }
  std::vector<std::string> names;
  names.reserve(parts.size());
  for (const std::size_t part : parts) {
    names.push_back(signals_[part].name);
  }
  const std::string source = parts.size() == 1 ? signals_[parts.front()].source
                                               : fmt::format("{}", fmt::join(names, " + "));
  add(std::make_unique<TotalPowerSensor>(parts, source));
}

Telemetry LinuxSensors::sample(TimePoint now) {
  if (!last_sample_) {
    for (auto& health : health_) {
      health.last_valid = now;
    }
  }
  context_.now = now;
  // A clock that went backwards, as in a virtual machine that was moved, says nothing of how long.
  context_.interval = std::max(now - last_sample_.value_or(now), Duration::zero());
  last_sample_ = now;
  if (with_threads_) {
    thread_list_.read(context_.threads);
  }
  measurements_.clear();
  for (const auto& sensor : sensors_) {
    sensor->sample(context_, measurements_);
  }

  Telemetry telemetry{.readings = {}, .interval = context_.interval};
  telemetry.readings.reserve(measurements_.size());
  for (std::size_t i = 0; i < measurements_.size(); ++i) {
    telemetry.readings.push_back(judge(i, measurements_[i], context_));
  }
  return telemetry;
}

Reading LinuxSensors::judge(std::size_t signal, const Measurement& measurement,
                            const SampleContext& context) {
  const bool valid = measurement.value && std::isfinite(*measurement.value);
  follow(signal, valid, measurement.problem);
  Health& health = health_[signal];
  if (!valid) {
    return {.value = 0.0,
            .valid = false,
            .age = std::max(context.now - health.last_valid, Duration::zero()),
            .stale = false};
  }
  health.last_valid = context.now;
  return {.value = *measurement.value,
          .valid = true,
          .age = measurement.age,
          .stale = measurement.age > context.interval};
}

void LinuxSensors::follow(std::size_t signal, bool valid, const std::string& problem) {
  Health& health = health_[signal];
  const auto& [name, unit, source, estimated] = signals_[signal];
  if (!valid) {
    health.well = 0;
    if (!health.in_trouble && !problem.empty()) {
      health.in_trouble = true;
      health.without_value = 0;
      troubles_.push_back(fmt::format("{}: {}", name, problem));
    }
    ++health.without_value;
    return;
  }
  health.well = std::min(health.well + 1, kMaxPatience);
  if (health.in_trouble && health.well >= health.patience) {
    health.in_trouble = false;
    // Twice as patient the next time, so that one that comes and goes does not fill the log.
    health.patience = std::min(health.patience * 2, kMaxPatience);
    troubles_.push_back(fmt::format("{}: {}: reads again, after {} sample{} without a value", name,
                                    source, health.without_value,
                                    health.without_value == 1 ? "" : "s"));
  } else if (!health.in_trouble && health.well == kMaxPatience) {
    health.patience = 1;
  }
}

std::vector<std::string> LinuxSensors::new_troubles() { return std::exchange(troubles_, {}); }

}  // namespace rein
