// Boards and scenarios that are drawn for training: what must hold for every one of them.
#include "env/randomised_task.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "env/training_worlds.hpp"
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
    const double most = (1.0 + spread.speed) * (1.0 + spread.speed_part);
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
    drawn.scenario = random_scenario(SmallTask::budgets(), task.board, 20.0, {}, random);
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
        random_scenario(SmallTask::budgets(), task.board, 60.0, RandomScenarioSpec{}, random);
    DOCTEST_REQUIRE(scenario.duration_s() == doctest::Approx(60.0));
    DOCTEST_REQUIRE(scenario.co_runners.size() == 3);  // The board has no GPU.
    for (const auto& co_runner : scenario.co_runners) {
      has_bursts = has_bursts || co_runner.contention->off_ms > 0.0;
    }
    for (const auto& phase : scenario.phases) {
      DOCTEST_REQUIRE(phase.duration_s > 0.0);
      DOCTEST_REQUIRE(phase.budgets.latency->deadline_ms >= 0.6 * 20.0);
      DOCTEST_REQUIRE(phase.budgets.latency->deadline_ms <= 1.6 * 20.0);
      DOCTEST_REQUIRE(phase.budgets.power->limit_w >= 0.8 * 3.0 - 1e-9);
      DOCTEST_REQUIRE(phase.budgets.power->limit_w <= 1.3 * 3.0 + 1e-9);
      DOCTEST_REQUIRE_FALSE(phase.budgets.accuracy);
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
  spread.speed = spread.speed_part = 0.0;
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
