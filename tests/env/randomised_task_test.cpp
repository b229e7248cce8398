// Boards and scenarios that are drawn for training: what must hold for every one of them.
#include "env/randomised_task.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "env/training_worlds.hpp"
#include "platform/simulated/simulated_board.hpp"
#include "support/simulated_world.hpp"

namespace rein {
namespace {

constexpr std::uint64_t kSeeds = 200;

const std::string kMore =
    "  latency_noise: {sigma: 0.15, tail_share: 0.4, tail_scale: 0.3, tail_shape: 0.1,\n"
    "                  tail_persistence: 0.5}\n"
    "  migration_ms: 2\n"
    "  throttling:\n"
    "    - {name: soc, zone: soc, domain: cpu, trip_c: 60, hysteresis_c: 2}\n";

SimulatedTask nominal() {
  SimulatedTask task = SmallTask::make(SmallTask::kAlone, kMore);
  task.network.switch_ms = 1.0;
  task.board.simulation->devices.front().thread_exponent = 0.9;
  return task;
}

SimulatedTask draw(const SimulatedTask& task, std::uint64_t seed) {
  Random random(seed);
  return randomise(task, Randomisation{}, random);
}

/// Every number that is drawn, in a fixed order.
std::vector<double> numbers_of(const SimulatedTask& task) {
  const Simulation& simulation = *task.board.simulation;
  std::vector<double> numbers;
  for (const auto& device : simulation.devices) {
    numbers.insert(numbers.end(),
                   {device.dynamic_w, device.idle_w, device.launch_ms, device.thread_exponent,
                    device.stall_activity, device.kinds.front().compute_ms,
                    device.kinds.front().memory_ms, device.kinds.front().exponent});
  }
  const auto& stage = simulation.zones.front().stages.front();
  numbers.insert(
      numbers.end(),
      {simulation.rails.front().base_w, simulation.rails.front().factor, stage.resistance_k_per_w,
       stage.time_constant_s, simulation.throttles.front().trip_c, simulation.noise.sigma,
       simulation.noise.tail_share, simulation.noise.tail_scale, simulation.migration_ms,
       simulation.ambient_c, task.network.switch_ms, task.network.sensitivity.cpu,
       task.network.sensitivity.gpu, task.network.sensitivity.memory, task.requests.rate_hz});
  return numbers;
}

DOCTEST_TEST_CASE("a drawn board is the same from the same seed and another from another") {
  const SimulatedTask task = nominal();
  std::set<std::vector<double>> seen;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const auto numbers = numbers_of(draw(task, seed));
    DOCTEST_REQUIRE(numbers == numbers_of(draw(task, seed)));
    seen.insert(numbers);
  }
  DOCTEST_CHECK(seen.size() == kSeeds);
}

DOCTEST_TEST_CASE("a drawn board is near the nominal one in every number and never at it") {
  const SimulatedTask task = nominal();
  const auto of_nominal = numbers_of(task);
  const Randomisation spread;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const SimulatedTask drawn = draw(task, seed);
    const auto numbers = numbers_of(drawn);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      DOCTEST_CAPTURE(i);
      DOCTEST_REQUIRE(std::isfinite(numbers[i]));
      DOCTEST_REQUIRE(numbers[i] != of_nominal[i]);
    }
    const double speed = drawn.board.simulation->devices.front().kinds.front().compute_ms / 8.0;
    const double most =
        (1.0 + spread.board_speed) * (1.0 + spread.speed) * (1.0 + spread.speed_part);
    DOCTEST_REQUIRE(speed <= most);
    DOCTEST_REQUIRE(speed >= 1.0 / most);
    DOCTEST_REQUIRE(std::abs(drawn.board.simulation->ambient_c - 20.0) <= spread.ambient_k);
  }
}

DOCTEST_TEST_CASE("a drawn board is valid and keeps the nominal one's knobs and features") {
  const SimulatedTask task = nominal();
  const auto names_of = [](SimulatedWorld& world) {
    std::vector<std::string> names;
    for (const auto& feature : world.environment().observation_spec().features()) {
      names.push_back(feature.name);
    }
    for (const auto& knob : world.environment().action_space().knobs()) {
      names.push_back(knob.name);
      for (const auto& level : knob.levels) {
        names.push_back(level.label);
      }
    }
    return names;
  };
  SimulatedWorld same(task);
  const auto names = names_of(same);
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    Random random(seed);
    SimulatedTask drawn = randomise(task, Randomisation{}, random);
    drawn.scenario = random_scenario(SmallTask::budgets(), drawn, 20.0, {}, random);
    const Simulation& simulation = *drawn.board.simulation;
    // As Simulation::from_yaml() demands.
    const auto& device = simulation.devices.front();
    const auto busy_w = [&](double speed, double volts) {
      return (2.0 * device.dynamic_w + device.idle_w) * speed * volts * volts +
             device.leakage_w * volts;
    };
    DOCTEST_REQUIRE(busy_w(1.0, 1.0) > busy_w(0.5, 0.5));
    DOCTEST_REQUIRE(device.thread_exponent <= 1.0);
    DOCTEST_REQUIRE(simulation.noise.sigma <= 0.2);
    DOCTEST_REQUIRE(simulation.noise.tail_share <= 0.5);
    SimulatedWorld world(drawn);
    DOCTEST_REQUIRE(names_of(world) == names);
  }
}

DOCTEST_TEST_CASE("clusters of the same make stay the same, and others do not") {
  SimulatedTask task = nominal();
  auto& devices = task.board.simulation->devices;
  devices.push_back(devices.front());
  devices.back().domain = "twin";
  devices.push_back(devices.front());
  devices.back().domain = "big";
  devices.back().dynamic_w = 4.0;
  const auto drawn = draw(task, 1).board.simulation->devices;
  DOCTEST_CHECK(drawn[1].domain == "twin");
  DOCTEST_CHECK(drawn[1].dynamic_w == drawn[0].dynamic_w);
  DOCTEST_CHECK(drawn[1].kinds.front().compute_ms == drawn[0].kinds.front().compute_ms);
  DOCTEST_CHECK(drawn[2].dynamic_w != 2.0 * drawn[0].dynamic_w);
}

DOCTEST_TEST_CASE("a drawn scenario fills its time with phases that keep to the run's budgets") {
  const SimulatedTask task = nominal();
  bool has_battery = false;
  bool has_bursts = false;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    Random random(seed);
    const Scenario scenario =
        random_scenario(SmallTask::budgets(), task, 60.0, RandomScenarioSpec{}, random);
    DOCTEST_REQUIRE(scenario.duration_s() == doctest::Approx(60.0));
    DOCTEST_REQUIRE(scenario.co_runners.size() == 3);  // The board has no GPU.
    for (const auto& co_runner : scenario.co_runners) {
      has_bursts = has_bursts || co_runner.contention->off_ms > 0.0;
    }
    for (const auto& phase : scenario.phases) {
      DOCTEST_REQUIRE(phase.duration_s > 0.0);
      DOCTEST_REQUIRE(phase.budgets.latency->deadline_ms >= 0.4 * 0.6 * 20.0);
      DOCTEST_REQUIRE(phase.budgets.latency->deadline_ms <= 1.6 * 20.0);
      DOCTEST_REQUIRE(phase.budgets.power->limit_w >= 0.8 * 3.0 - 1e-9);
      DOCTEST_REQUIRE(phase.budgets.power->limit_w <= 1.3 * 3.0 + 1e-9);
      DOCTEST_REQUIRE(*phase.ambient_c >= 15.0);
      DOCTEST_REQUIRE(*phase.ambient_c <= 55.0);
      DOCTEST_REQUIRE(phase.budgets.energy.has_value() ==
                      scenario.phases.front().budgets.energy.has_value());
      has_battery = has_battery || phase.budgets.energy;
    }
  }
  DOCTEST_CHECK(has_battery);
  DOCTEST_CHECK(has_bursts);
}

DOCTEST_TEST_CASE(
    "drawn scenarios have overloads, limits of heat that bind, floors that conflict") {
  const SimulatedTask task = nominal();
  std::size_t overloads = 0;
  std::size_t limits = 0;
  std::size_t floors = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    Random random(seed);
    const Scenario scenario = random_scenario(SmallTask::budgets(), task, 60.0, {}, random);
    const auto& budgets = scenario.phases.front().budgets;
    for (std::size_t i = 0; i + 1 < scenario.phases.size(); ++i) {
      const auto& phase = scenario.phases[i];
      if (phase.name.ends_with("overload")) {
        ++overloads;
        // Before a phase of the same rate, and shorter than it may have been.
        DOCTEST_REQUIRE(phase.rate_scale / scenario.phases[i + 1].rate_scale >= 1.5);
        DOCTEST_REQUIRE(phase.duration_s <= 3.0);
      }
    }
    if (budgets.temperature) {
      ++limits;
      // 10 K/W: at rest 1 W and more, with both CPUs busy up to 5.5 W, but for throttling at 60.
      const double ambient_c = *scenario.phases.front().ambient_c;
      DOCTEST_REQUIRE(budgets.temperature->limit_c >= ambient_c - 5.0);
      DOCTEST_REQUIRE(budgets.temperature->limit_c <= ambient_c + 60.0);
    }
    if (budgets.accuracy) {
      ++floors;
      DOCTEST_REQUIRE((budgets.accuracy->min_top1 == doctest::Approx(0.6).epsilon(0.11) ||
                       budgets.accuracy->min_top1 == doctest::Approx(0.8).epsilon(0.11)));
    }
  }
  DOCTEST_CHECK(overloads > 20);
  DOCTEST_CHECK(limits > 10);
  DOCTEST_CHECK(limits < kSeeds / 2);
  DOCTEST_CHECK(floors > 10);
  DOCTEST_CHECK(floors < kSeeds / 2);
}

DOCTEST_TEST_CASE(
    "a drawn limit of heat lies between the machine at rest and the machine at work") {
  const SimulatedTask task = nominal();
  RandomScenarioSpec spec;
  spec.heat_share = 1.0;
  spec.temperature_k = {0.0, 0.0};
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Random random(seed);
    const Scenario scenario = random_scenario({}, task, 30.0, spec, random);
    const ScenarioPhase& first = scenario.phases.front();
    SimulatedBoard board(task.board);
    board.set_ambient(first.ambient_c);
    const double rest_c = board.hottest_c();
    board.start(1, {.cpu = {{"all", 1.0}}});
    board.idle_until(TimePoint{} + std::chrono::seconds(30));
    board.update();
    DOCTEST_CHECK(first.budgets.temperature->limit_c > rest_c);
    DOCTEST_CHECK(first.budgets.temperature->limit_c < board.hottest_c());
  }
}

DOCTEST_TEST_CASE("training worlds have all kinds of arrivals, batches and sizes of machines") {
  const SimulatedTask base = nominal();
  const TrainingWorlds worlds({{base, SmallTask::budgets()}}, 5.0, 1);
  std::set<RequestSpec::Arrival> arrivals;
  std::set<std::size_t> batches;
  std::set<bool> is_small;
  SimulatedWorld same(base);
  const auto features = same.environment().observation_spec().size();
  for (std::uint64_t i = 0; i < kSeeds; ++i) {
    const SimulatedTask task = worlds.training_task(i);
    arrivals.insert(task.requests.arrival);
    batches.insert(task.requests.batch);
    is_small.insert(task.board.simulation->rails.front().base_w < 0.1);
    SimulatedWorld world(task);
    Environment& environment = world.environment();
    DOCTEST_REQUIRE(environment.observation_spec().size() == features);
    DOCTEST_REQUIRE(environment.action_space().size() == same.environment().action_space().size());
    environment.reset(i);
    for (int period = 0; period < 3; ++period) {
      const auto step = environment.step(environment.action_space().decode(0));
      DOCTEST_REQUIRE(std::isfinite(step.reward));
      for (const double value : step.observation) {
        DOCTEST_REQUIRE(std::isfinite(value));
      }
    }
  }
  DOCTEST_CHECK(arrivals.size() == 4);
  DOCTEST_CHECK(batches.size() > 2);
  DOCTEST_CHECK(is_small.size() == 2);
}

DOCTEST_TEST_CASE("a closed loop stays one, and its worlds have no other arrivals") {
  SimulatedTask task = nominal();
  task.requests.arrival = RequestSpec::Arrival::kClosedLoop;
  const TrainingWorlds worlds({{task, SmallTask::budgets()}}, 5.0, 1);
  for (std::uint64_t i = 0; i < 50; ++i) {
    DOCTEST_CHECK(worlds.training_task(i).requests.arrival == RequestSpec::Arrival::kClosedLoop);
  }
}

DOCTEST_TEST_CASE("drawn bursts are bursts, at the run's mean rate") {
  RandomLoadSpec spec;
  spec.poisson_share = 0.0;
  spec.bursty_share = 1.0;
  double deviation = 0.0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Random random(seed);
    SimulatedTask task = nominal();
    randomise_load(task, {}, nominal(), spec, random);
    const RecordedArrivals& arrivals = *task.requests.recording.arrivals;
    double mean = 0.0;
    double squares = 0.0;
    for (std::size_t i = 0; i < arrivals.size(); ++i) {
      mean += arrivals.gap(i) / static_cast<double>(arrivals.size());
      squares += arrivals.gap(i) * arrivals.gap(i) / static_cast<double>(arrivals.size());
    }
    DOCTEST_CHECK(mean == doctest::Approx(1.0));
    deviation += std::sqrt(squares - mean * mean) / 20.0;
  }
  // 1 is a Poisson process.
  DOCTEST_CHECK(deviation > 1.3);
}

DOCTEST_TEST_CASE("another network's costs ascend to the same widest level") {
  Randomisation spread;
  spread.other_network_share = 1.0;
  SimulatedTask task = nominal();
  task.network.levels.insert(task.network.levels.begin(), task.network.levels.front());
  task.network.levels.front().mflops = 20.0;
  std::set<double> costs;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Random random(seed);
    const auto levels = randomise(task, spread, random).network.levels;
    DOCTEST_REQUIRE(levels[0].mflops > 0.0);
    DOCTEST_REQUIRE(levels[0].mflops < levels[1].mflops);
    DOCTEST_REQUIRE(levels[1].mflops < levels[2].mflops);
    DOCTEST_REQUIRE(levels[2].mflops == 100.0);
    DOCTEST_REQUIRE(levels[1].network.name == task.network.levels[1].network.name);
    costs.insert(levels[0].mflops);
  }
  DOCTEST_CHECK(costs.size() == 50);
  DOCTEST_CHECK(*costs.begin() < 10.0);
  DOCTEST_CHECK(*costs.rbegin() > 30.0);
}

DOCTEST_TEST_CASE("a small machine is the same one on another scale of power") {
  RandomLoadSpec spec;
  spec.small_share = 1.0;
  spec.batch_share = spec.fits_share = 0.0;
  spec.small_power = {0.002, 0.002};
  Random random(1);
  SimulatedTask task = nominal();
  const Budgets budgets = randomise_load(task, SmallTask::budgets(), nominal(), spec, random);
  DOCTEST_CHECK(budgets.power->limit_w == doctest::Approx(0.006));
  DOCTEST_CHECK(budgets.latency->deadline_ms == 20.0);
  const auto play = [](const Board& of, double& power_w, double& hottest_c) {
    SimulatedBoard board(of);
    board.start(1, {.cpu = {{"all", 1.0}}});
    board.idle_until(TimePoint{} + std::chrono::seconds(5));
    board.update();
    power_w = board.energy_j() / 5.0;
    hottest_c = board.hottest_c();
  };
  double power_w = 0.0;
  double small_power_w = 0.0;
  double hottest_c = 0.0;
  double small_hottest_c = 0.0;
  play(nominal().board, power_w, hottest_c);
  play(task.board, small_power_w, small_hottest_c);
  DOCTEST_CHECK(small_power_w == doctest::Approx(0.002 * power_w));
  DOCTEST_CHECK(small_hottest_c == doctest::Approx(hottest_c));
}

DOCTEST_TEST_CASE("another batch is asked for as many images, and has as much longer for them") {
  RandomLoadSpec spec;
  spec.batch_share = 1.0;
  spec.fits_share = spec.small_share = 0.0;
  SimulatedTask base = nominal();
  base.requests.batch = 8;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Random random(seed);
    SimulatedTask task = base;
    const Budgets budgets = randomise_load(task, SmallTask::budgets(), base, spec, random);
    const double times = static_cast<double>(task.requests.batch) / 8.0;
    DOCTEST_CHECK(task.requests.rate_hz == doctest::Approx(base.requests.rate_hz / times));
    DOCTEST_CHECK(budgets.latency->deadline_ms == doctest::Approx(20.0 * times));
    DOCTEST_CHECK(task.requests.batch >= 2);
    DOCTEST_CHECK(task.requests.batch <= 32);
  }
}

DOCTEST_TEST_CASE("training and validation never play in the same board, nor in a nominal one") {
  const TrainingWorlds worlds({{nominal(), SmallTask::budgets()}}, 10.0, 1);
  const TrainingWorlds others({{nominal(), SmallTask::budgets()}}, 10.0, 2);
  std::set<std::vector<double>> seen = {numbers_of(nominal())};
  for (std::uint64_t i = 0; i < 50; ++i) {
    DOCTEST_CHECK(seen.insert(numbers_of(worlds.training_task(i))).second);
    DOCTEST_CHECK(seen.insert(numbers_of(others.training_task(i))).second);
    DOCTEST_CHECK(seen.insert(numbers_of(worlds.validation_task(i))).second);
    DOCTEST_CHECK(numbers_of(worlds.validation_task(i)) == numbers_of(others.validation_task(i)));
  }
}

DOCTEST_TEST_CASE("worlds are drawn as far from their nominal one as its spread says") {
  Randomisation spread;
  spread.board_speed = spread.speed = spread.speed_part = 0.0;
  const TrainingWorlds worlds({{nominal(), SmallTask::budgets(), spread}}, 10.0, 1);
  const SimulatedDevice known = nominal().board.simulation->devices.front();
  for (std::uint64_t i = 0; i < 5; ++i) {
    for (const auto& task : {worlds.training_task(i), worlds.validation_task(i)}) {
      const auto& device = task.board.simulation->devices.front();
      DOCTEST_CHECK(device.kinds.front().compute_ms == known.kinds.front().compute_ms);
      DOCTEST_CHECK(device.dynamic_w != known.dynamic_w);
    }
  }
}

DOCTEST_TEST_CASE("what an agent sees does not depend on the scenario's budgets") {
  const SimulatedTask limited = nominal();
  SimulatedTask free = nominal();
  free.scenario = Scenario::alone({}, 10.0);
  SimulatedWorld one(limited);
  SimulatedWorld other(free);
  const auto& features = other.environment().observation_spec().features();
  DOCTEST_CHECK(one.environment().observation_spec().size() == features.size());
  const Observation seen = other.environment().reset(1);
  for (std::size_t i = 0; i < features.size(); ++i) {
    if (features[i].name == "deadline.app" || features[i].name == "power.limit" ||
        features[i].name == "energy.allowance") {
      DOCTEST_CHECK(seen[i] == 1.0);
    }
  }
}

}  // namespace
}  // namespace rein
