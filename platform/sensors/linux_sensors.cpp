#include "platform/sensors/linux_sensors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <utility>

#include "platform/kernel/access.hpp"
#include "platform/sensors/attribute_sensor.hpp"
#include "platform/sensors/clock_attributes.hpp"
#include "platform/sensors/counter_group.hpp"
#include "platform/sensors/cpu_time_sensor.hpp"
#include "platform/sensors/hwmon.hpp"
#include "platform/sensors/nvml_sensor.hpp"
#include "platform/sensors/perf_power_sensor.hpp"
#include "platform/sensors/power_attributes.hpp"
#include "platform/sensors/power_sensor.hpp"
#include "platform/sensors/pressure_sensor.hpp"
#include "platform/sensors/thermal_attributes.hpp"

namespace rein {

namespace {

/// No machine that runs this program draws less: the number is of something else, or in another
/// unit.
constexpr double kMinMachineW = 0.1;
constexpr double kMinWPerCpu = 0.03;
/// A signal that has been well for so long is trusted as at first.
constexpr int kMaxPatience = 1024;
/// Of what calls to a card take.
const SteadyClock kClock;

void append(std::vector<Attribute>& attributes, std::vector<Attribute> more) {
  std::move(more.begin(), more.end(), std::back_inserter(attributes));
}

bool has_packages(const std::vector<Attribute>& attributes) {
  return std::any_of(attributes.begin(), attributes.end(), [](const Attribute& attribute) {
    return attribute.role == PowerRole::kPackage;
  });
}

}  // namespace

LinuxSensors::LinuxSensors(const Board& board, const SysfsRoot& root, const Subject& subject)
    : root_(root), with_threads_(root.is_where_we_run()), thread_list_(root, subject) {
  auto cpu_time = std::make_unique<CpuTimeSensor>(root, board.cpus, subject);
  const CpuTimeSensor& cpu_time_sensor = *cpu_time;
  add(std::move(cpu_time));
  add(std::make_unique<PressureSensor>(root, missing_));
  if (with_threads_) {
    add(std::make_unique<CounterGroup>(root, missing_, subject));
  }
  add_attributes(board);
  const bool measured = add_total(board);
  if (board.power_model.cpu_w > 0.0) {
    if (const auto cards = names_of(powers_of(PowerRole::kCard));
        !measured && board.has_gpu() && !cards.empty()) {
      missing_.push_back({"power_w", "is by a model of the CPUs, and has nothing of the GPU",
                          fmt::format("for the GPU's power give `total_power: [{}]` in the board "
                                      "file, with all other rails that are measured",
                                      fmt::join(cards, ", "))});
    }
    add(std::make_unique<ModelledPowerSensor>(board.power_model, cpu_time_sensor,
                                              /*with_total=*/!measured));
  }
  missing_ = fold(missing_);
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
  append(found, find_listed(root_));
  append(found, find_temperatures(root_, chips, missing_));
  append(found, find_throttling(root_, chips));
  std::vector<Missing> unreadable;
  append(found, find_powercap(root_, unreadable));
  append(found, find_hwmon_power(root_, chips, missing_));
  append(found, find_jetson_power(root_));

  auto attributes = name_signals(root_, std::move(given), std::move(found));
  for (std::size_t i = 0; i < attributes.size(); ++i) {
    note(signals_.size() + i, attributes[i].signal, attributes[i].role, attributes[i].heat);
  }
  add(std::make_unique<AttributeSensor>(root_, attributes));
  if (with_threads_) {
    auto cards = std::make_unique<NvmlSensor>(root_, kClock, board.has_gpu(), signals_, missing_);
    for (std::size_t i = 0; i < cards->signals().size(); ++i) {
      note(signals_.size() + i, cards->signals()[i], PowerRole::kCard, HeatSource::kCard);
    }
    add(std::move(cards));
  }
  choose(board);

  if (!has_packages(attributes) && with_threads_) {
    // The same counters by another way: so never both.
    auto perf = std::make_unique<PerfPowerSensor>(root_, unreadable);
    for (const std::size_t package : perf->packages()) {
      powers_.push_back({signals_.size() + package, PowerRole::kPackage});
    }
    if (!perf->packages().empty()) {
      unreadable.clear();
    }
    add(std::move(perf));
  }
  std::move(unreadable.begin(), unreadable.end(), std::back_inserter(missing_));
}

void LinuxSensors::note(std::size_t signal, const Signal& what, PowerRole role, HeatSource heat) {
  if (what.name.starts_with("power_w.")) {
    powers_.push_back({signal, role});
  } else if (what.name.starts_with("temperature_c.")) {
    heats_.push_back({signal, heat});
  }
}

void LinuxSensors::choose(const Board& board) {
  std::vector<Temperature> temperatures;
  for (const auto& [signal, source] : heats_) {
    temperatures.push_back({std::string(name_behind_dot(signals_[signal].name)), source});
  }
  const auto counts = choose_heat(temperatures, board.temperature, board.has_gpu(), missing_);
  for (std::size_t i = 0; i < heats_.size(); ++i) {
    signals_[heats_[i].signal].is_heat = counts[i];
  }
}

std::vector<std::string> LinuxSensors::names_of(const std::vector<std::size_t>& signals) const {
  std::vector<std::string> names(signals.size());
  std::ranges::transform(signals, names.begin(), [this](std::size_t signal) {
    return std::string(name_behind_dot(signals_[signal].name));
  });
  return names;
}

std::vector<std::size_t> LinuxSensors::find_given_total(const Board& board) {
  std::vector<std::size_t> powers(powers_.size());
  std::ranges::transform(powers_, powers.begin(), &Power::signal);
  const auto rails = names_of(powers);
  std::vector<std::size_t> parts;
  for (const auto& rail : board.total_power) {
    const auto found = std::ranges::find(signals_, "power_w." + rail, &Signal::name);
    if (found == signals_.end()) {
      missing_.push_back({"power_w." + rail,
                          "is not measured here, so that its sum has no part of it",
                          fmt::format("check `total_power` of the board file{}",
                                      rails.empty() ? "" : "; there is " + fold(rails))});
    } else {
      parts.push_back(static_cast<std::size_t>(found - signals_.begin()));
    }
  }
  return parts.size() == board.total_power.size() ? parts : std::vector<std::size_t>{};
}

std::vector<std::size_t> LinuxSensors::powers_of(PowerRole role) const {
  std::vector<std::size_t> found;
  for (const auto& power : powers_) {
    if (power.role == role) {
      found.push_back(power.signal);
    }
  }
  return found;
}

std::vector<std::size_t> LinuxSensors::guess_total(bool uses_cards) const {
  if (auto machine = powers_of(PowerRole::kMachine); !machine.empty()) {
    // One of several may contain the other.
    return machine.size() == 1 ? machine : std::vector<std::size_t>{};
  }
  if (auto parts = powers_of(PowerRole::kPackage); !parts.empty()) {
    const auto cards = uses_cards ? powers_of(PowerRole::kCard) : std::vector<std::size_t>{};
    parts.insert(parts.end(), cards.begin(), cards.end());
    return parts;
  }
  auto only = powers_of(PowerRole::kOnlyRail);
  return only.size() == 1 && powers_of(PowerRole::kRail).empty() ? only
                                                                 : std::vector<std::size_t>{};
}

bool LinuxSensors::add_total(const Board& board) {
  if (std::ranges::find(signals_, "power_w", &Signal::name) != signals_.end()) {
    return true;
  }
  if (add_sum(find_given_total(board), /*min_w=*/0.0)) {
    return true;
  }
  const auto guess = guess_total(board.has_gpu());
  if (board.power_model.cpu_w > 0.0 && !board.power_model.is_assumed) {
    if (!guess.empty()) {
      missing_.push_back(
          {"power_w",
           "is by `power_model` of the board file, which goes before what could be "
           "but guessed to be the whole machine",
           fmt::format("if it is measured, give `total_power: [{}]` in the board file",
                       fmt::join(names_of(guess), ", "))});
    }
    return false;
  }
  if (guess.empty()) {
    tell_no_total();
    return false;
  }
  if (const auto packages = powers_of(PowerRole::kPackage);
      std::ranges::find(packages, guess.front()) != packages.end()) {
    missing_.push_back({"power_w",
                        fmt::format("is of the processor {}alone: nothing else is known to measure "
                                    "the whole machine",
                                    guess.size() > packages.size() ? "and the GPU " : ""),
                        "name the rails that do under `total_power` in the board file, or give "
                        "`power_model`, or leave it so"});
    return add_sum(guess, /*min_w=*/0.0);
  }
  return add_sum(guess,
                 std::max(kMinMachineW, kMinWPerCpu * static_cast<double>(board.cpus.size())));
}

void LinuxSensors::tell_no_total() {
  std::vector<std::size_t> rails;
  for (const auto& power : powers_) {
    if (power.role != PowerRole::kNone && power.role != PowerRole::kCard) {
      rails.push_back(power.signal);
    }
  }
  missing_.push_back(
      rails.empty()
          ? Missing{"/sys/class/powercap, /sys/class/hwmon",
                    "no sensor gives the power of the whole machine",
                    "give `power_model` in the board file; power_w is then an estimate"}
          : Missing{"power_w", "no rail is known to be the whole machine's",
                    fmt::format("give `total_power: [{}]` in the board file, without rails that "
                                "others contain",
                                fmt::join(names_of(rails), ", "))});
}

bool LinuxSensors::add_sum(const std::vector<std::size_t>& parts, double min_w) {
  if (parts.empty()) {
    return false;
  }
  std::vector<std::string> names;
  names.reserve(parts.size());
  for (const std::size_t part : parts) {
    names.push_back(signals_[part].name);
  }
  const std::string source = parts.size() == 1 ? signals_[parts.front()].source
                                               : fmt::format("{}", fmt::join(names, " + "));
  add(std::make_unique<TotalPowerSensor>(parts, source, min_w));
  return true;
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
  const std::string& name = signals_[signal].name;
  if (!valid) {
    health.well = 0;
    if (!health.in_trouble && !problem.empty()) {
      health.in_trouble = true;
      health.without_value = 0;
      const std::size_t end = std::min(problem.find(": "), problem.size());
      troubles_.push_back({name, problem.substr(0, end), problem.substr(end)});
    }
    ++health.without_value;
    return;
  }
  health.well = std::min(health.well + 1, kMaxPatience);
  if (health.in_trouble && health.well >= health.patience) {
    health.in_trouble = false;
    // Twice as patient the next time, so that one that comes and goes does not fill the log.
    health.patience = std::min(health.patience * 2, kMaxPatience);
    troubles_.push_back({name, signals_[signal].source,
                         fmt::format(": reads again, after {} sample{} without a value",
                                     health.without_value, health.without_value == 1 ? "" : "s")});
  } else if (!health.in_trouble && health.well == kMaxPatience) {
    health.patience = 1;
  }
}

/// Those that say the same of several signals or files are one line.
std::vector<std::string> LinuxSensors::new_troubles() {
  std::vector<std::string> lines;
  const auto troubles = std::exchange(troubles_, {});
  std::vector<std::string> told;
  for (const auto& trouble : troubles) {
    if (std::ranges::find(told, trouble.what) != told.end()) {
      continue;
    }
    told.push_back(trouble.what);
    std::vector<std::string> wheres;
    std::map<std::string, std::vector<std::string>> names;  // By quantity.
    for (const auto& other : troubles) {
      if (other.what == trouble.what) {
        wheres.push_back(other.where);
        names[std::string(quantity_of(other.signal).name)].push_back(other.signal);
      }
    }
    std::vector<std::string> folded;
    folded.reserve(names.size());
    for (const auto& [quantity, signals] : names) {
      folded.push_back(fold(signals));
    }
    lines.push_back(fmt::format("{}: {}{}", fmt::join(folded, ", "), fold(wheres), trouble.what));
  }
  return lines;
}

}  // namespace rein
