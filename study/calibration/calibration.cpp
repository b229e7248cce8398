#include "study/calibration/calibration.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "agent/loop/run_summary.hpp"
#include "common/json_text.hpp"
#include "env/service_noise.hpp"
#include "study/calibration/least_squares.hpp"
#include "study/run/simulated_run.hpp"

namespace rein {

namespace {

/// How far the logarithm of a parameter may well be from the board file's: times or divided by two
/// for what is often assumed. An exponent is a property of the kind of work and its code.
constexpr double kScaleDeviation = 0.69;
constexpr double kExponentDeviation = 0.1;
/// Beyond so many of these deviations nothing is looked for.
constexpr double kMostDeviations = 4.0;
/// What the model is off by even where a measurement is exact, as a share.
constexpr double kModelError = 0.05;
/// Of a board that was calibrated well, what may differ is this share of what usually may.
constexpr double kLeastSpread = 1.0 / 3.0;
/// Less power than this is as good as none.
constexpr double kLeastPowerW = 1e-3;
/// What a configuration is taken to need in which the simulated board serves nothing.
constexpr double kNeverServedMs = 1e5;

/// One number of the board, or the same one of all devices of a make.
struct Parameter {
  std::string name;
  std::vector<std::function<double&(Board&)>> values;  ///< Each above 0.
  double deviation = 0.0;                              ///< Of its logarithm, beforehand.
  double most = std::numeric_limits<double>::infinity();
};

/// Collects what a profile can tell of a board.
class ParameterList {
 public:
  explicit ParameterList(const Board& board) : board_(board) {}

  void add_speeds(const std::string& kind) {
    for (std::size_t i = 0; i < devices().size(); ++i) {
      const auto& kinds = devices()[i].kinds;
      const auto found = std::ranges::find(kinds, kind, &WorkKindSpec::name);
      if (found != kinds.end()) {
        add_kind(i, static_cast<std::size_t>(found - kinds.begin()));
        add_exponent(i, "thread_exponent", 1.0, [i](Board& board) -> double& {
          return board.simulation->devices[i].thread_exponent;
        });
      }
    }
  }

  void add_device_powers() {
    for (std::size_t i = 0; i < devices().size(); ++i) {
      add_device_power(i, "dynamic_w", &SimulatedDevice::dynamic_w);
      add_device_power(i, "idle_w", &SimulatedDevice::idle_w);
      add_device_power(i, "leakage_w", &SimulatedDevice::leakage_w);
    }
    for (std::size_t i = 0; i < board_.simulation->rails.size(); ++i) {
      add({.name = board_.simulation->rails[i].name + ".base_w",
           .values = {[i](Board& board) -> double& { return board.simulation->rails[i].base_w; }},
           .deviation = kScaleDeviation});
    }
  }

  void add_power_model() {
    add({.name = "power_model.idle_w",
         .values = {[](Board& board) -> double& { return board.power_model.idle_w; }},
         .deviation = kScaleDeviation});
    add({.name = "power_model.cpu_w",
         .values = {[](Board& board) -> double& { return board.power_model.cpu_w; }},
         .deviation = kScaleDeviation});
  }

  const std::vector<Parameter>& parameters() const { return parameters_; }

 private:
  const std::vector<SimulatedDevice>& devices() const { return board_.simulation->devices; }

  /// Devices of the same make have one name, and so one parameter.
  std::string name_of(std::size_t device, const std::string& quantity) const {
    const auto same = std::ranges::find_if(devices(), [&](const SimulatedDevice& other) {
      return is_same_make(other, devices()[device]);
    });
    return same->domain + "." + quantity;
  }

  void add(Parameter parameter) {
    // What is 0 is so by what the machine is, and nothing times 0 is anything else.
    if (parameter.values.front()(board_) <= 0.0) {
      return;
    }
    const auto same = std::ranges::find(parameters_, parameter.name, &Parameter::name);
    if (same == parameters_.end()) {
      parameters_.push_back(std::move(parameter));
    } else {
      same->values.push_back(std::move(parameter.values.front()));
    }
  }

  void add_exponent(std::size_t device, const std::string& quantity, double most,
                    std::function<double&(Board&)> value) {
    add({.name = name_of(device, quantity),
         .values = {std::move(value)},
         .deviation = kExponentDeviation,
         .most = most});
  }

  void add_kind(std::size_t device, std::size_t kind) {
    const auto& spec = devices()[device].kinds[kind];
    const auto of_kind = [=](double WorkKindSpec::*value) {
      return [=](Board& board) -> double& {
        return board.simulation->devices[device].kinds[kind].*value;
      };
    };
    /// The kind's own, if it has one, or the device's.
    const auto launch = [=](std::optional<double> WorkKindSpec::*own,
                            double SimulatedDevice::*common) {
      return [=](Board& board) -> double& {
        SimulatedDevice& where = board.simulation->devices[device];
        auto& instead = where.kinds[kind].*own;
        return instead ? *instead : where.*common;
      };
    };
    const auto add_time = [&](const std::string& quantity, std::function<double&(Board&)> value) {
      add({.name = name_of(device, spec.name + "." + quantity),
           .values = {std::move(value)},
           .deviation = kScaleDeviation});
    };
    add_time("compute_ms", of_kind(&WorkKindSpec::compute_ms));
    add_time("memory_ms", of_kind(&WorkKindSpec::memory_ms));
    add_time("launch_ms", launch(&WorkKindSpec::launch_ms, &SimulatedDevice::launch_ms));
    add_time("launch_mcycles",
             launch(&WorkKindSpec::launch_mcycles, &SimulatedDevice::launch_mcycles));
    add_exponent(device, spec.name + ".exponent", 2.0, of_kind(&WorkKindSpec::exponent));
  }

  void add_device_power(std::size_t device, const std::string& quantity,
                        double SimulatedDevice::*value) {
    add({.name = name_of(device, quantity),
         .values = {[=](Board& board) -> double& {
           return board.simulation->devices[device].*value;
         }},
         .deviation = kScaleDeviation});
  }

  Board board_;
  std::vector<Parameter> parameters_;
};

/// The same machine without what a mean over enough periods does not show.
SimulatedTask without_noise(SimulatedTask task) {
  task.board.simulation->noise = {};
  for (auto& sensor : task.board.simulation->sensors) {
    sensor.noise = sensor.resolution = 0.0;
  }
  return task;
}

/// A number of the profile that the simulated one should have too.
struct Target {
  ActionId action = 0;
  double logarithm = 0.0;
  double deviation = 0.0;  ///< Of the logarithm, as it was measured.
};

/// Compares boards with what was measured.
class Comparison {
 public:
  Comparison(const SimulatedTask& nominal, const Budgets& budgets, const Profile& measured)
      : task_(without_noise(nominal)),
        budgets_(budgets),
        // Noise is not symmetric: what is left out counts in the mean.
        noise_factor_(ServiceNoise(nominal.board.simulation->noise).mean()) {
    for (const auto& entry : measured.entries) {
      if (!tells_service_time(entry)) {
        continue;
      }
      const double service_ms = *entry.service_ms;
      // All of the deviation of the periods, not that of their mean: what disturbs a machine for a
      // period often does for the next ones.
      const double share = entry.service_sd_ms.value_or(0.0) / service_ms;
      service_.push_back({entry.action, std::log(service_ms), std::hypot(kModelError, share)});
      if (entry.power_w.value_or(0.0) > 0.0) {
        power_.push_back({entry.action, std::log(*entry.power_w), kModelError});
      }
    }
  }

  std::size_t configurations() const { return service_.size(); }
  bool has_power() const { return !power_.empty(); }
  void leave_out_power() { power_.clear(); }

  /// Logarithms of simulated over measured.
  struct Ratios {
    std::vector<double> service;
    std::vector<double> power;
  };
  Ratios compare(const Board& board) const {
    SimulatedTask task = task_;
    task.board.simulation->devices = board.simulation->devices;
    task.board.simulation->rails = board.simulation->rails;
    task.board.power_model = board.power_model;
    ModelProfile model(std::move(task), budgets_);
    const auto& simulated = model.get().entries;
    Ratios ratios;
    for (const auto& target : service_) {
      const double service_ms = simulated[target.action].service_ms.value_or(kNeverServedMs);
      ratios.service.push_back(std::log(service_ms * noise_factor_) - target.logarithm);
    }
    for (const auto& target : power_) {
      ratios.power.push_back(std::log(std::max(kLeastPowerW, *simulated[target.action].power_w)) -
                             target.logarithm);
    }
    return ratios;
  }

  /// The same in terms of how far off a measurement may be.
  std::vector<double> weigh(const Ratios& ratios) const {
    std::vector<double> weighted;
    for (std::size_t i = 0; i < service_.size(); ++i) {
      weighted.push_back(ratios.service[i] / service_[i].deviation);
    }
    for (std::size_t i = 0; i < power_.size(); ++i) {
      weighted.push_back(ratios.power[i] / power_[i].deviation);
    }
    return weighted;
  }

 private:
  SimulatedTask task_;
  Budgets budgets_;
  double noise_factor_;
  std::vector<Target> service_;
  std::vector<Target> power_;
};

/// Whence the simulated board has the power that the budget is about.
enum class PowerSource { kNone, kSensors, kModel };

PowerSource power_source_of(const SimulatedTask& task) {
  SimulatedWorld world(task);
  Environment& environment = world.environment();
  const auto power =
      find_signal(environment.signals(), name_of(environment.description().power_signal));
  environment.reset(/*seed=*/1);
  // A sensor that is there may be silent.
  if (!power || !environment.step(environment.action_space().decode(0)).info.signals[*power]) {
    return PowerSource::kNone;
  }
  return environment.signals()[*power].estimated ? PowerSource::kModel : PowerSource::kSensors;
}

Board with_factors(Board board, const std::vector<Parameter>& parameters,
                   const std::vector<double>& logarithms) {
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    for (const auto& value : parameters[i].values) {
      value(board) = std::min(value(board) * std::exp(logarithms[i]), parameters[i].most);
    }
  }
  return board;
}

/// Logarithms of the factors by which the most probable board differs from the nominal one.
std::vector<double> find_factors(const Board& nominal, const std::vector<Parameter>& parameters,
                                 const Comparison& comparison) {
  Board board = nominal;
  std::vector<Unknown> unknowns;
  for (const auto& parameter : parameters) {
    const double far = kMostDeviations * parameter.deviation;
    const double room = std::log(parameter.most / parameter.values.front()(board));
    unknowns.push_back({.start = 0.0, .least = -far, .most = std::clamp(room, 0.0, far)});
  }
  return least_squares(unknowns, [&](const std::vector<double>& logarithms) {
    auto residuals =
        comparison.weigh(comparison.compare(with_factors(nominal, parameters, logarithms)));
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      residuals.push_back(logarithms[i] / parameters[i].deviation);
    }
    return residuals;
  });
}

double mean_error(const std::vector<double>& ratios) {
  double sum = 0.0;
  for (const double ratio : ratios) {
    sum += std::abs(std::expm1(ratio));
  }
  return sum / static_cast<double>(ratios.size());
}

/// The spread that differs as much as the calibrated board still does from what was measured.
double spread_of(const std::vector<double>& ratios, double usual) {
  double squares = 0.0;
  for (const double ratio : ratios) {
    squares += ratio * ratio;
  }
  // The deviation of a variable that is uniform from -1 to 1 is 1 / sqrt(3).
  const double most = std::sqrt(3.0 * squares / static_cast<double>(ratios.size()));
  return std::clamp(std::expm1(most), kLeastSpread * usual, usual);
}

Randomisation find_spread(const Comparison::Ratios& left, PowerSource power) {
  Randomisation spread;
  spread.speed = spread_of(left.service, spread.speed);
  spread.speed_part = spread_of(left.service, spread.speed_part);
  // The board as a whole is no longer in doubt.
  spread.board_speed = spread.speed;
  if (power == PowerSource::kSensors && !left.power.empty()) {
    spread.power = spread_of(left.power, spread.power);
    spread.board_power = spread.power;
    spread.rail_base = spread_of(left.power, spread.rail_base);
  }
  return spread;
}

}  // namespace

bool tells_service_time(const ProfileEntry& entry) {
  return entry.requests > 0 && entry.service_ms.value_or(0.0) > 0.0;
}

Calibration calibrate(const SimulatedTask& nominal, const Budgets& budgets,
                      const Profile& measured) {
  const PowerSource power = power_source_of(nominal);
  Comparison comparison(nominal, budgets, measured);
  ParameterList list(nominal.board);
  list.add_speeds(nominal.network.kind);
  if (power == PowerSource::kNone) {
    comparison.leave_out_power();
  } else if (comparison.has_power()) {
    power == PowerSource::kModel ? list.add_power_model() : list.add_device_powers();
  }

  const auto& parameters = list.parameters();
  const auto before = comparison.compare(nominal.board);
  const auto factors = find_factors(nominal.board, parameters, comparison);
  Calibration calibration{.board = with_factors(nominal.board, parameters, factors)};
  const auto after = comparison.compare(calibration.board);
  Board from = nominal.board;
  for (const auto& parameter : parameters) {
    const auto& value = parameter.values.front();
    calibration.parameters.push_back({parameter.name, value(from), value(calibration.board)});
  }
  calibration.configurations = comparison.configurations();
  calibration.service_time = {mean_error(before.service), mean_error(after.service)};
  if (comparison.has_power()) {
    calibration.power = {mean_error(before.power), mean_error(after.power)};
  }
  calibration.spread = find_spread(after, power);
  return calibration;
}

double Calibration::worst_error() const {
  return std::max(service_time.after, power ? power->after : 0.0);
}

std::string Calibration::describe() const {
  const auto change = [](const Error& error) {
    return fmt::format("{:.1f} % -> {:.1f} %", 100.0 * error.before, 100.0 * error.after);
  };
  return fmt::format("mean error of service time {}", change(service_time)) +
         (power ? ", of power " + change(*power) : "");
}

std::string Calibration::to_json() const {
  const auto pair_of = [](double before, double after) {
    return nlohmann::ordered_json{{"before", before}, {"after", after}};
  };
  nlohmann::ordered_json json;
  json["board"] = board.name;
  json["configurations"] = configurations;
  json["mean_error"]["service_time"] = pair_of(service_time.before, service_time.after);
  if (power) {
    json["mean_error"]["power"] = pair_of(power->before, power->after);
  }
  json["spread"] = {{"speed", spread.speed},
                    {"speed_part", spread.speed_part},
                    {"power", spread.power},
                    {"rail_base", spread.rail_base}};
  for (const auto& parameter : parameters) {
    json["parameters"][parameter.name] = pair_of(parameter.before, parameter.after);
  }
  return json_text(json, 1) + "\n";
}

}  // namespace rein
