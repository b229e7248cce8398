#include "env/randomised_task.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace rein {

namespace {

using Interval = RandomScenarioSpec::Interval;

double draw_uniform(const Interval& interval, Random& random) {
  return interval.least + (interval.most - interval.least) * random.uniform();
}

double draw_log_uniform(const Interval& interval, Random& random) {
  return interval.least * std::pow(interval.most / interval.least, random.uniform());
}

double draw_factor(double spread, Random& random) {
  return draw_log_uniform({1.0 / (1.0 + spread), 1.0 + spread}, random);
}

double draw_shift(double most, Random& random) { return draw_uniform({-most, most}, random); }

/// Keeps to what Simulation::from_yaml() takes.
void scale(double& value, double factor, double most) { value = std::min(value * factor, most); }

SimulatedDevice randomise(SimulatedDevice device, const Randomisation& spread, Random& random) {
  const double slowness = draw_factor(spread.speed, random);
  const double launch = slowness * draw_factor(spread.speed_part, random);
  device.launch_ms *= launch;
  device.launch_mcycles *= launch;
  scale(device.thread_exponent, draw_factor(spread.exponent, random), 1.0);
  for (auto& kind : device.kinds) {
    kind.compute_ms *= slowness * draw_factor(spread.speed_part, random);
    kind.memory_ms *= slowness * draw_factor(spread.speed_part, random);
    scale(kind.exponent, draw_factor(spread.exponent, random), 2.0);
    scale(kind.activity, draw_factor(spread.activity, random), 10.0);
    if (kind.launch_ms) {
      *kind.launch_ms *= launch;
    }
    if (kind.launch_mcycles) {
      *kind.launch_mcycles *= launch;
    }
  }
  // One factor for all three: power rises with frequency as it did.
  const double power = draw_factor(spread.power, random);
  device.dynamic_w *= power;
  device.idle_w *= power;
  device.leakage_w *= power;
  scale(device.leakage_per_k, draw_factor(spread.leakage_per_k, random), 0.1);
  scale(device.stall_activity, draw_factor(spread.activity, random), 10.0);
  device.raise_ms *= draw_factor(spread.delay, random);
  device.lower_ms *= draw_factor(spread.delay, random);
  return device;
}

/// Takes the drawn values of a device of the same make.
SimulatedDevice as_drawn(const SimulatedDevice& nominal, SimulatedDevice drawn) {
  drawn.domain = nominal.domain;
  drawn.zone = nominal.zone;
  return drawn;
}

void randomise_devices(std::vector<SimulatedDevice>& devices, const Randomisation& spread,
                       Random& random) {
  const std::vector<SimulatedDevice> nominal = devices;
  for (std::size_t i = 0; i < devices.size(); ++i) {
    const auto same =
        static_cast<std::size_t>(std::ranges::find_if(nominal,
                                                      [&](const SimulatedDevice& other) {
                                                        return is_same_make(other, nominal[i]);
                                                      }) -
                                 nominal.begin());
    devices[i] = same < i ? as_drawn(nominal[i], devices[same])
                          : randomise(std::move(devices[i]), spread, random);
  }
}

void randomise_heat(Simulation& simulation, const Randomisation& spread, Random& random) {
  for (auto& zone : simulation.zones) {
    scale(zone.offset_k, draw_factor(spread.heat, random), 100.0);
    for (auto& stage : zone.stages) {
      stage.resistance_k_per_w *= draw_factor(spread.heat, random);
      stage.time_constant_s *= draw_factor(spread.heat, random);
    }
  }
  const double shift_k = draw_shift(spread.trip_k, random);
  for (auto& throttle : simulation.throttles) {
    throttle.trip_c = std::clamp(throttle.trip_c + shift_k, 0.0, 150.0);
  }
  simulation.ambient_c =
      std::clamp(simulation.ambient_c + draw_shift(spread.ambient_k, random), -40.0, 100.0);
}

void randomise_noise(Simulation& simulation, const Randomisation& spread, Random& random) {
  LatencyNoise& noise = simulation.noise;
  scale(noise.sigma, draw_factor(spread.latency_noise, random), 0.2);
  scale(noise.tail_share, draw_factor(spread.latency_noise, random), 0.5);
  scale(noise.tail_scale, draw_factor(spread.latency_noise, random), 10.0);
  for (auto& sensor : simulation.sensors) {
    sensor.noise *= draw_factor(spread.sensor_noise, random);
  }
}

struct RandomCoRunner {
  std::string name;
  ContentionProfile profile;
};

std::vector<RandomCoRunner> draw_co_runners(const Board& board, const RandomScenarioSpec& spec,
                                            Random& random) {
  std::vector<RandomCoRunner> co_runners;
  for (const char* const cluster : {"fastest", "all"}) {
    RandomCoRunner co_runner{.name = fmt::format("{} CPUs", cluster), .profile = {}};
    co_runner.profile.cpu = {{cluster, draw_uniform(spec.cpu_load, random)}};
    co_runner.profile.memory = draw_uniform(spec.memory_aside, random);
    co_runners.push_back(std::move(co_runner));
  }
  if (std::ranges::any_of(board.simulation->devices, [](const SimulatedDevice& device) {
        return device.kind == DeviceKind::kGpu;
      })) {
    RandomCoRunner co_runner{.name = "GPU", .profile = {}};
    co_runner.profile.gpu = draw_uniform(spec.gpu, random);
    co_runner.profile.memory = draw_uniform(spec.memory_aside, random);
    co_runners.push_back(std::move(co_runner));
  }
  RandomCoRunner co_runner{.name = "memory", .profile = {}};
  co_runner.profile.memory = draw_uniform(spec.memory, random);
  co_runners.push_back(std::move(co_runner));
  for (auto& each : co_runners) {
    if (random.uniform() < spec.burst_share) {
      each.profile.on_ms = draw_log_uniform(spec.on_ms, random);
      each.profile.off_ms = draw_log_uniform(spec.off_ms, random);
    }
  }
  return co_runners;
}

Budgets draw_budgets(Budgets budgets, const RandomScenarioSpec& spec, Random& random) {
  const double power = draw_log_uniform(spec.power, random);
  if (budgets.latency) {
    budgets.latency->deadline_ms *= draw_log_uniform(spec.deadline, random);
  }
  if (budgets.power) {
    budgets.power->limit_w *= power;
  }
  if (budgets.energy && budgets.energy->limit_mj) {
    *budgets.energy->limit_mj *= power;
  }
  if (budgets.accuracy) {
    budgets.accuracy->min_top1 *= draw_log_uniform(spec.accuracy, random);
  }
  if (budgets.temperature) {
    budgets.temperature->limit_c += draw_uniform(spec.temperature_k, random);
  }
  return budgets;
}

/// A battery for the whole scenario, sometimes.
void draw_battery(Budgets& budgets, double duration_s, const RandomScenarioSpec& spec,
                  Random& random) {
  const bool wanted = random.uniform() < spec.battery_share;
  const double share = draw_uniform(spec.battery, random);
  if (wanted && budgets.power && !budgets.energy) {
    budgets.energy = EnergyBudget{.limit_mj = std::nullopt,
                                  .total_j = share * budgets.power->limit_w * duration_s,
                                  .horizon_s = duration_s};
  }
}

}  // namespace

bool is_same_make(const SimulatedDevice& one, const SimulatedDevice& other) {
  return one.kind == other.kind && one.dynamic_w == other.dynamic_w && one.idle_w == other.idle_w &&
         std::ranges::equal(one.kinds, other.kinds,
                            [](const WorkKindSpec& kind, const WorkKindSpec& same) {
                              return kind.name == same.name && kind.compute_ms == same.compute_ms &&
                                     kind.memory_ms == same.memory_ms;
                            });
}

SimulatedTask randomise(const SimulatedTask& nominal, const Randomisation& spread, Random& random) {
  SimulatedTask task = nominal;
  Simulation& simulation = *task.board.simulation;
  randomise_devices(simulation.devices, spread, random);
  for (auto& rail : simulation.rails) {
    rail.base_w *= draw_factor(spread.rail_base, random);
    scale(rail.factor, draw_factor(spread.rail_factor, random), 10.0);
  }
  randomise_heat(simulation, spread, random);
  randomise_noise(simulation, spread, random);
  scale(simulation.migration_ms, draw_factor(spread.delay, random), 60'000.0);
  task.network.switch_ms *= draw_factor(spread.delay, random);
  for (double* sensitivity : {&task.network.sensitivity.cpu, &task.network.sensitivity.gpu,
                              &task.network.sensitivity.memory}) {
    *sensitivity *= draw_factor(spread.contention, random);
  }
  task.requests.rate_hz *= draw_factor(spread.rate, random);
  return task;
}

Scenario random_scenario(const Budgets& base, const Board& board, double duration_s,
                         const RandomScenarioSpec& spec, Random& random) {
  Scenario scenario;
  scenario.name = "random";
  for (auto& co_runner : draw_co_runners(board, spec, random)) {
    scenario.co_runners.push_back({.name = std::move(co_runner.name),
                                   .command = {},
                                   .cpus = {},
                                   .user = {},
                                   .contention = std::move(co_runner.profile)});
  }
  Budgets run = base;
  draw_battery(run, duration_s, spec, random);
  const double ambient_c = draw_uniform(spec.ambient_c, random);
  Budgets budgets = run;
  double rate = 1.0;
  for (double start_s = 0.0; start_s < duration_s;) {
    ScenarioPhase phase;
    phase.name = fmt::format("phase {}", scenario.phases.size() + 1);
    phase.duration_s = std::min(draw_log_uniform(spec.phase_s, random), duration_s - start_s);
    for (std::size_t i = 0; i < scenario.co_runners.size(); ++i) {
      if (random.uniform() < spec.co_runner_share) {
        phase.co_runners.push_back(i);
      }
    }
    if (random.uniform() < spec.change_share) {
      budgets = draw_budgets(run, spec, random);
    }
    if (random.uniform() < spec.change_share) {
      rate = draw_log_uniform(spec.rate, random);
    }
    phase.budgets = budgets;
    phase.rate_scale = rate;
    phase.ambient_c = ambient_c;
    start_s += phase.duration_s;
    scenario.phases.push_back(std::move(phase));
  }
  return scenario;
}

}  // namespace rein
