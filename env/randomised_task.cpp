#include "env/randomised_task.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "platform/simulated/simulated_board.hpp"

namespace rein {

namespace {

using Interval = DrawnFrom;

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
  const auto overlap = [&](double& value) {
    if (value > 1.0) {
      value = std::min(100.0, 1.0 + (value - 1.0) * draw_factor(spread.overlap, random));
    }
  };
  overlap(device.memory_overlap);
  for (auto& kind : device.kinds) {
    if (kind.memory_overlap) {
      overlap(*kind.memory_overlap);
    }
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

/// All times of a device.
void slow_down(SimulatedDevice& device, double factor) {
  device.launch_ms *= factor;
  device.launch_mcycles *= factor;
  for (auto& kind : device.kinds) {
    kind.compute_ms *= factor;
    kind.memory_ms *= factor;
    for (auto* launch : {&kind.launch_ms, &kind.launch_mcycles}) {
      if (*launch) {
        **launch *= factor;
      }
    }
  }
}

/// All powers of a board; what it estimates without sensors stays as its file has it.
void scale_power(Board& board, double factor) {
  for (auto& device : board.simulation->devices) {
    device.dynamic_w *= factor;
    device.idle_w *= factor;
    device.leakage_w *= factor;
  }
  for (auto& rail : board.simulation->rails) {
    rail.base_w *= factor;
  }
}

/// Whether the board's power is an estimate, which is the same whatever the machine draws.
bool is_estimated(const Board& board) {
  const auto is_sensed = [&board](const std::string& rail) {
    return std::ranges::any_of(board.simulation->sensors, [&rail](const SimulatedSensor& sensor) {
      return !sensor.silent && sensor.signal == "power_w." + rail;
    });
  };
  return board.total_power.empty() || !std::ranges::all_of(board.total_power, is_sensed);
}

/// The costs of the levels below the widest as those of another network.
void randomise_costs(SimulatedNetwork& network, const Randomisation& spread, Random& random) {
  const double ratio = draw_factor(spread.cost_ratio, random);
  const std::vector<SimulatedNetwork::Level> nominal = network.levels;
  for (std::size_t i = nominal.size() - 1; i > 0; --i) {
    const double step = ratio * draw_factor(spread.cost_step, random);
    network.levels[i - 1].mflops =
        network.levels[i].mflops * std::pow(nominal[i - 1].mflops / nominal[i].mflops, step);
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
    const double kind = random.uniform();
    if (kind < spec.burst_share) {
      each.profile.on_ms = draw_log_uniform(spec.on_ms, random);
      each.profile.off_ms = draw_log_uniform(spec.off_ms, random);
    } else if (kind < spec.burst_share + spec.alternating_share) {
      each.profile.on_ms = draw_log_uniform(spec.alternating_ms, random);
      each.profile.off_ms = draw_log_uniform(spec.alternating_ms, random);
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

/// A limit that binds, sometimes: between the temperature at rest and that at the end of the
/// scenario with everything busy.
void draw_heat(Budgets& budgets, const Board& board, double ambient_c, double duration_s,
               const RandomScenarioSpec& spec, Random& random) {
  const bool wanted = random.uniform() < spec.heat_share;
  const double share = draw_uniform(spec.heat, random);
  if (!wanted) {
    return;
  }
  SimulatedBoard machine(board);
  machine.set_ambient(ambient_c);
  const double rest_c = machine.hottest_c();
  machine.start(/*id=*/0, {.cpu = {{"all", 1.0}}, .gpu = 1.0, .memory = 1.0});
  machine.idle_until(TimePoint{} + from_seconds(duration_s));
  machine.update();
  budgets.temperature = TemperatureBudget{rest_c + share * (machine.hottest_c() - rest_c)};
}

/// A floor that the deadline may not allow, sometimes.
void draw_conflict(Budgets& budgets, const SimulatedNetwork& network,
                   const RandomScenarioSpec& spec, Random& random) {
  const bool wanted = random.uniform() < spec.conflict_share;
  const auto& level = network.levels[random.index(network.levels.size())].network;
  const double deadline = draw_log_uniform(spec.conflict_deadline, random);
  if (wanted && budgets.latency) {
    budgets.accuracy =
        AccuracyBudget{.min_top1 = level.accuracy_top1, .window_s = AccuracyBudget{}.window_s};
    budgets.latency->deadline_ms *= deadline;
  }
}

/// Bursts of requests, and few between them, as times from 0 on.
std::vector<double> draw_bursts(const RandomLoadSpec& spec, Random& random) {
  constexpr std::size_t kArrivals = 1000;
  const double rate = draw_log_uniform(spec.burst_rate, random);
  const double length = draw_log_uniform(spec.burst_length, random);
  const double share = draw_uniform(spec.in_bursts, random);
  // Requests between two bursts, so that the share comes out.
  const double between = length * (1.0 - share) / share;
  std::vector<double> times_s = {0.0};
  bool is_burst = false;
  while (times_s.size() < kArrivals) {
    is_burst = !is_burst;
    const double gap_s = is_burst ? 1.0 / rate : 1.0;
    const double end_s =
        times_s.back() + random.exponential(gap_s * std::max(1.0, is_burst ? length : between));
    do {
      times_s.push_back(times_s.back() + random.exponential(gap_s));
    } while (times_s.back() < end_s && times_s.size() < kArrivals);
  }
  return times_s;
}

void draw_arrival(RequestSpec& requests, const RandomLoadSpec& spec, Random& random) {
  const double kind = random.uniform();
  if (requests.arrival == RequestSpec::Arrival::kClosedLoop) {
    return;
  }
  if (kind < spec.poisson_share) {
    requests.arrival = RequestSpec::Arrival::kPoisson;
  } else if (kind < spec.poisson_share + spec.bursty_share) {
    requests.arrival = RequestSpec::Arrival::kRecorded;
    requests.recording = {.arrivals =
                              std::make_shared<const RecordedArrivals>(draw_bursts(spec, random))};
  } else if (kind < spec.poisson_share + spec.bursty_share + spec.closed_loop_share) {
    requests.arrival = RequestSpec::Arrival::kClosedLoop;
  }
}

/// Of the first kind of work of every device: how much longer it takes.
double slowness_of(const Board& board, const Board& nominal) {
  double logarithms = 0.0;
  double count = 0.0;
  for (std::size_t i = 0; i < board.simulation->devices.size(); ++i) {
    const auto& kinds = board.simulation->devices[i].kinds;
    if (!kinds.empty()) {
      logarithms += std::log(kinds.front().compute_ms /
                             nominal.simulation->devices[i].kinds.front().compute_ms);
      count += 1.0;
    }
  }
  return count > 0.0 ? std::exp(logarithms / count) : 1.0;
}

/// With every device busy.
double most_power_w(const Board& board) {
  if (is_estimated(board)) {
    return board.power_model.idle_w +
           board.power_model.cpu_w * static_cast<double>(board.cpus.size());
  }
  double sum_w = 0.0;
  for (std::size_t i = 0; i < board.simulation->devices.size(); ++i) {
    const auto& device = board.simulation->devices[i];
    const double units =
        device.kind == DeviceKind::kCpu ? static_cast<double>(board.domains[i].cpus.size()) : 1.0;
    sum_w += device.dynamic_w * units + device.idle_w + device.leakage_w;
  }
  for (const auto& rail : board.simulation->rails) {
    sum_w += rail.base_w;
  }
  return sum_w;
}

/// So much time for a request, power, and energy of one.
Budgets scaled(Budgets budgets, double time, double power) {
  if (budgets.latency) {
    budgets.latency->deadline_ms *= time;
  }
  if (budgets.power) {
    budgets.power->limit_w *= power;
  }
  if (budgets.energy) {
    for (auto* energy : {&budgets.energy->limit_mj, &budgets.energy->total_j}) {
      if (*energy) {
        **energy *= energy == &budgets.energy->limit_mj ? power * time : power;
      }
    }
  }
  return budgets;
}

/// A machine all of whose powers are so much smaller, and that gets as hot.
void make_small(SimulatedTask& task, double factor) {
  scale_power(task.board, factor);
  task.board.power_model.idle_w *= factor;
  task.board.power_model.cpu_w *= factor;
  for (auto& zone : task.board.simulation->zones) {
    for (auto& stage : zone.stages) {
      stage.resistance_k_per_w /= factor;
    }
  }
  for (auto& sensor : task.board.simulation->sensors) {
    if (sensor.signal.starts_with("power_w")) {
      sensor.resolution *= factor;
      sensor.noise *= factor;
    }
  }
  task.objective.reference *= factor;
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
  const double slowness = draw_factor(spread.board_speed, random);
  for (auto& device : simulation.devices) {
    slow_down(device, slowness);
  }
  scale_power(task.board, draw_factor(spread.board_power, random));
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
  if (random.uniform() < spread.other_network_share) {
    randomise_costs(task.network, spread, random);
  }
  return task;
}

Budgets randomise_load(SimulatedTask& task, Budgets budgets, const SimulatedTask& nominal,
                       const RandomLoadSpec& spec, Random& random) {
  draw_arrival(task.requests, spec, random);
  const double batch = draw_log_uniform(spec.batch, random);
  if (random.uniform() < spec.batch_share) {
    const double before = static_cast<double>(task.requests.batch);
    task.requests.batch =
        std::clamp<std::size_t>(static_cast<std::size_t>(std::round(before * batch)), 1, 1024);
    const double times = static_cast<double>(task.requests.batch) / before;
    task.requests.rate_hz /= times;
    budgets = scaled(budgets, times, 1.0);
  }
  if (random.uniform() < spec.fits_share) {
    const double slowness = slowness_of(task.board, nominal.board);
    task.requests.rate_hz /= slowness;
    const double before_w = most_power_w(nominal.board);
    budgets = scaled(budgets, slowness, before_w > 0.0 ? most_power_w(task.board) / before_w : 1.0);
  }
  const double small = draw_log_uniform(spec.small_power, random);
  if (random.uniform() < spec.small_share) {
    make_small(task, small);
    budgets = scaled(budgets, 1.0, small);
  }
  return budgets;
}

Scenario random_scenario(const Budgets& base, const SimulatedTask& task, double duration_s,
                         const RandomScenarioSpec& spec, Random& random) {
  const Board& board = task.board;
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
  draw_heat(run, board, ambient_c, duration_s, spec, random);
  draw_conflict(run, task.network, spec, random);
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
    const double overload_s = draw_log_uniform(spec.overload_s, random);
    const double overload_rate = draw_log_uniform(spec.overload_rate, random);
    if (random.uniform() < spec.overload_share && overload_s < phase.duration_s) {
      ScenarioPhase overload = phase;
      overload.name += ", overload";
      overload.duration_s = overload_s;
      overload.rate_scale *= overload_rate;
      phase.duration_s -= overload_s;
      start_s += overload_s;
      scenario.phases.push_back(std::move(overload));
    }
    start_s += phase.duration_s;
    scenario.phases.push_back(std::move(phase));
  }
  return scenario;
}

}  // namespace rein
