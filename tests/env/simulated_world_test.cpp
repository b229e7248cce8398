// Whole episodes on a simulated board that can be worked out by hand, and forecasts of them.
#include "env/simulated_world.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

#include "common/error.hpp"
#include "support/allocation_count.hpp"
#include "support/environment_contract.hpp"
#include "support/simulated_world.hpp"

namespace rein {
namespace {

/// Everything that is random, or changes: noise, Poisson arrivals, co-runners, ambient temperature.
SimulatedTask lively_task() {
  SimulatedTask task = SmallTask::make(
      "name: lively\n"
      "co_runners:\n"
      "  burner: {contention: {cpu: {fastest: 0.5}, memory: 0.3}}\n"
      "  pulse: {contention: {cpu: {all: 1}, on_ms: 30, off_ms: 70}}\n"
      "chain: {duration_s: 60, start_s: 1}\n"
      "phases:\n"
      "  - {name: alone, duration_s: 1}\n"
      "  - {name: burnt, duration_s: 1, co_runners: [burner]}\n"
      "  - {name: hot, duration_s: 1, co_runners: [burner, pulse], ambient_c: 45,\n"
      "     relative: {rate: 1.5, deadline: 0.6, power: 0.8, battery: 0.7}}\n",
      "  latency_noise: {sigma: 0.05, tail_share: 0.05, tail_scale: 0.5, tail_shape: 0.2,\n"
      "                  tail_persistence: 0.7}\n"
      "  migration_ms: 2\n");
  task.requests.arrival = RequestSpec::Arrival::kPoisson;
  task.requests.drop_expired = true;
  task.network.switch_ms = 1.0;
  return task;
}

DOCTEST_TEST_CASE("a simulated world keeps the contract of environments") {
  SimulatedWorld world(lively_task());
  check_environment_contract(world.environment());
}

DOCTEST_TEST_CASE("a simulated episode is the same for the same seed, in a new world or an old") {
  SimulatedWorld one(lively_task());
  SimulatedWorld other(lively_task());
  check_rollouts_repeat(one.environment(), other.environment(), 700);
  DOCTEST_CHECK(rollout(one.environment(), 3, 100) != rollout(one.environment(), 4, 100));
}

DOCTEST_TEST_CASE(
    "an episode with Poisson arrivals was another after one that ended at another rate") {
  Random random(1);
  for (int i = 0; i < 12; ++i) {
    std::string phases;
    for (int phase = 0; phase < 3; ++phase) {
      phases += fmt::format(
          "  - {{name: p{}, duration_s: {:.3f}, rate_hz: {:.3f}, co_runners: [{}], "
          "budgets: {{latency: {{deadline_ms: {:.3f}}}}}}}\n",
          phase, 0.3 + random.uniform(), 2.0 + 100.0 * random.uniform(),
          random.uniform() < 0.5 ? "busy" : "", 5.0 + 50.0 * random.uniform());
    }
    const std::string chain = i % 2 == 0 ? "" : "chain: {duration_s: 60}\n";
    SimulatedTask task =
        SmallTask::make("name: drawn\n" + chain +
                        "co_runners: {busy: {contention: {cpu: {all: 1}}}}\nphases:\n" + phases);
    task.requests.arrival = static_cast<RequestSpec::Arrival>(i % 3);
    DOCTEST_CAPTURE(i);
    SimulatedWorld one(task);
    SimulatedWorld other(task);
    check_rollouts_repeat(one.environment(), other.environment(), 60);
  }
}

DOCTEST_TEST_CASE("latency, misses, accuracy and power of a period are what they must be") {
  SimulatedWorld world(SmallTask::make());
  Environment& environment = world.environment();
  environment.reset(1);
  const StepResult full = environment.step(action_of(environment, "1.0", "cpu0"));
  const ServiceReport& service = full.info.applications.front().service;
  DOCTEST_CHECK(service.latencies_ms == std::vector<double>{11.0, 11.0});
  DOCTEST_CHECK(service.arrived == 3);  // At 0, 50 and 100 ms.
  DOCTEST_CHECK(service.queued == 1);
  DOCTEST_CHECK(service.missed() == 0);
  DOCTEST_CHECK(full.info.interval_s == 0.1);
  DOCTEST_CHECK(full.reward == 1.0);
  const auto signal = [&](const StepResult& result, const std::string& name) {
    return result.info.signals[find_signal(environment.signals(), name).value()].value();
  };
  // The board's 1 W, the clock's 0.5 W, and one CPU's 2 W for 22 of 100 ms.
  DOCTEST_CHECK(signal(full, "power_w") == doctest::Approx(1.94));
  DOCTEST_CHECK(signal(full, "cpu_ours_share.cpu0") == doctest::Approx(0.22));
  // The application's own, by the board's power model.
  DOCTEST_CHECK(signal(full, "power_ours_w") == doctest::Approx(0.44));

  const StepResult half = environment.step(action_of(environment, "0.5", "all2"));
  DOCTEST_CHECK(half.info.applications.front().service.latencies_ms ==
                std::vector<double>{4.0, 4.0});
  DOCTEST_CHECK(half.reward == 0.0);
}

DOCTEST_TEST_CASE("a deadline that a level cannot keep is missed every time") {
  SimulatedTask task = SmallTask::make(
      "name: tight\nphases: [{name: a, duration_s: 9, budgets: {latency: {deadline_ms: 10}}}]\n");
  SimulatedWorld world(task);
  Environment& environment = world.environment();
  environment.reset(1);
  const Action full = action_of(environment, "1.0", "cpu0");
  const Action half = action_of(environment, "0.5", "cpu0");
  DOCTEST_CHECK(world.clairvoyant().foresee(full, 1).violation == 1.0);
  DOCTEST_CHECK(environment.step(full).info.applications.front().service.late == 2);
  DOCTEST_CHECK(world.clairvoyant().foresee(half, 1).violation == 0.0);
  DOCTEST_CHECK(environment.step(half).info.applications.front().service.late == 0);
}

DOCTEST_TEST_CASE("a co-runner's contention slows requests down in its phase alone") {
  SimulatedWorld world(
      SmallTask::make("name: s\nco_runners: {burner: {contention: {cpu: {all: 1}}}}\n"
                      "phases:\n"
                      "  - {name: a, duration_s: 0.2}\n"
                      "  - {name: b, duration_s: 0.2, co_runners: [burner]}\n"
                      "  - {name: c, duration_s: 0.2}\n"));
  Environment& environment = world.environment();
  for (int episode = 0; episode < 2; ++episode) {
    environment.reset(1);
    std::vector<double> latencies_ms;
    for (bool ends = false; !ends;) {
      const StepResult& result = environment.step(action_of(environment, "1.0", "cpu0"));
      latencies_ms.push_back(result.info.applications.front().service.latencies_ms.back());
      ends = result.truncated;
    }
    DOCTEST_CHECK(latencies_ms == std::vector<double>{11, 11, 22, 22, 11, 11});
  }
}

/// Steps through a task at random, and before each step checks what was foreseen of it.
void check_foresight(const SimulatedTask& task, int steps, std::size_t periods) {
  SimulatedWorld world(task);
  Environment& environment = world.environment();
  environment.reset(1);
  Random random(1);
  for (int i = 0; i < steps; ++i) {
    const Action action = any_action(environment, random);
    const Outlook outlook = world.clairvoyant().foresee(action, periods);
    double reward = 0.0;
    double objective = 0.0;
    for (std::size_t period = 0; period < periods; ++period) {
      const StepResult& result = environment.step(action);
      reward += result.reward;
      objective += result.info.reward_terms.front().value;
      DOCTEST_REQUIRE_FALSE(result.truncated);
    }
    DOCTEST_CAPTURE(i);
    DOCTEST_CAPTURE(environment.action_space().describe(action));
    DOCTEST_REQUIRE(outlook.reward * static_cast<double>(periods) ==
                    doctest::Approx(reward).epsilon(1e-9));
    DOCTEST_REQUIRE(outlook.objective * static_cast<double>(periods) ==
                    doctest::Approx(objective).epsilon(1e-9));
  }
}

const std::string kBusy =
    "name: busy\n"
    "co_runners:\n"
    "  burner: {contention: {cpu: {fastest: 0.5}, memory: 0.3}}\n"
    "  pulse: {contention: {cpu: {all: 1}, on_ms: 30, off_ms: 70}}\n"
    "phases:\n"
    "  - name: a\n"
    "    duration_s: 600\n"
    "    co_runners: [burner, pulse]\n"
    "    ambient_c: 30\n"
    "    relative: {rate: 3}\n"
    "    budgets: {temperature: {limit_c: 45}, accuracy: {min_top1: 0.7}, energy: {limit_mj: "
    "30}}\n";

DOCTEST_TEST_CASE("without noise what is foreseen of a period is what comes") {
  check_foresight(SmallTask::make(), 200, 1);
  SimulatedTask task = SmallTask::make(kBusy, "  migration_ms: 2\n");
  task.network.switch_ms = 1.0;
  check_foresight(task, 500, 1);
}

DOCTEST_TEST_CASE("without noise what is foreseen of several periods is what comes") {
  SimulatedTask task = SmallTask::make(kBusy, "  migration_ms: 2\n");
  task.network.switch_ms = 1.0;
  check_foresight(task, 100, 5);
}

DOCTEST_TEST_CASE("what is foreseen holds for every objective, budget signal and arrival") {
  SimulatedTask task = SmallTask::make(
      "name: s\nphases: [{name: a, duration_s: 600, budgets: {power: {limit_w: 0.5, signal: "
      "power_ours_w}}}]\n");
  task.requests.drop_expired = true;
  for (const Objective objective :
       {Objective{Objective::Kind::kMinPower, 4.0}, Objective{Objective::Kind::kMinEnergy, 200.0},
        Objective{Objective::Kind::kMinLatency, 0.0}}) {
    task.objective = objective;
    check_foresight(task, 100, 1);
  }
  task.requests.arrival = RequestSpec::Arrival::kClosedLoop;
  check_foresight(task, 100, 2);
}

DOCTEST_TEST_CASE("on every board what is foreseen is what comes, but for noise") {
  int boards = 0;
  for (const auto& file : std::filesystem::directory_iterator(REIN_SOURCE_DIR "/configs/boards")) {
    DOCTEST_CAPTURE(file.path().string());
    SimulatedTask task = SmallTask::make(kBusy);
    task.board = Board::from_yaml(ConfigNode::load(file.path()));
    if (!task.board.simulation) {
      continue;
    }
    ++boards;
    task.board.simulation->noise = {};
    for (auto& sensor : task.board.simulation->sensors) {
      sensor.period_ms = sensor.lag_ms = sensor.resolution = sensor.noise = 0.0;
    }
    task.board.simulation->cpu_tick_ms = 0.0;
    task.platform.frequencies = task.board.domains;
    task.network.switch_ms = 1.0;
    check_foresight(task, 50, 3);
  }
  DOCTEST_CHECK(boards >= 5);
}

DOCTEST_TEST_CASE("a battery's allowance is foreseen as it is") {
  check_foresight(SmallTask::make("name: s\nphases: [{name: a, duration_s: 60, relative: {battery: "
                                  "0.5}}]\n"),
                  100, 1);
}

DOCTEST_TEST_CASE("with noise the foreseen share of misses is that of many periods") {
  SimulatedTask task = SmallTask::make(
      "name: s\nphases: [{name: a, duration_s: 1000, budgets: {latency: {deadline_ms: 11.5}}}]\n",
      "  latency_noise: {sigma: 0.05, tail_share: 0.1, tail_scale: 0.2, tail_persistence: 0.5}\n");
  SimulatedWorld world(task);
  Environment& environment = world.environment();
  environment.reset(1);
  const Action action = action_of(environment, "1.0", "cpu0");
  const double foreseen = world.clairvoyant().foresee(action, 1).violation;
  double missed = 0.0;
  double requests = 0.0;
  for (int i = 0; i < 5000; ++i) {
    const ServiceReport& service = environment.step(action).info.applications.front().service;
    missed += static_cast<double>(service.missed());
    requests += static_cast<double>(service.requests());
  }
  DOCTEST_CHECK(foreseen > 0.1);
  DOCTEST_CHECK(missed / requests == doctest::Approx(foreseen).epsilon(0.05));
}

DOCTEST_TEST_CASE("what is foreseen of an action and then another is what comes") {
  SimulatedTask task = SmallTask::make(kBusy, "  migration_ms: 2\n");
  task.network.switch_ms = 1.0;
  SimulatedWorld world(task);
  Environment& environment = world.environment();
  environment.reset(1);
  Random random(1);
  for (int i = 0; i < 50; ++i) {
    const Action first = any_action(environment, random);
    const Action then = any_action(environment, random);
    const Foreseen foreseen = world.clairvoyant().foresee(
        {.action = first, .periods = 2, .change = 1, .then = &then, .periods_then = 3});
    double reward = environment.step(first).reward;
    DOCTEST_REQUIRE(foreseen.change.reward == doctest::Approx(reward).epsilon(1e-9));
    for (int period = 1; period < 5; ++period) {
      reward += environment.step(period < 2 ? first : then).reward;
    }
    DOCTEST_REQUIRE(foreseen.all.reward * 5.0 == doctest::Approx(reward).epsilon(1e-9));
  }
}

DOCTEST_TEST_CASE("the foreseen share of misses of Poisson arrivals is that of many periods") {
  // Requests of 11 ms at 20 a second, of which one in five meets another one there.
  SimulatedTask task = SmallTask::make(
      "name: s\nphases: [{name: a, duration_s: 2000, budgets: {latency: {deadline_ms: 18}}}]\n");
  task.requests.arrival = RequestSpec::Arrival::kPoisson;
  SimulatedWorld world(task);
  Environment& environment = world.environment();
  environment.reset(1);
  DOCTEST_REQUIRE(world.clairvoyant().is_by_chance());
  const Action action = action_of(environment, "1.0", "cpu0");
  const double foreseen =
      world.clairvoyant().foresee({.action = action, .periods = 50, .futures = 300}).all.violation;
  double missed = 0.0;
  double requests = 0.0;
  for (int i = 0; i < 15000; ++i) {
    const ServiceReport& service = environment.step(action).info.applications.front().service;
    missed += static_cast<double>(service.missed());
    requests += static_cast<double>(service.requests());
  }
  // More than the chance of a gap below 4 ms, 1 - exp(-0.08): queues of two and more are late too.
  DOCTEST_CHECK(foreseen > 0.077);
  DOCTEST_CHECK(missed / requests == doctest::Approx(foreseen).epsilon(0.08));
}

DOCTEST_TEST_CASE("conditions are other ones where something is there or asked for, and not else") {
  SimulatedTask task = SmallTask::make(
      "name: s\nco_runners: {burner: {contention: {cpu: {all: 1}}}}\n"
      "phases:\n"
      "  - {name: a, duration_s: 6}\n"
      "  - {name: b, duration_s: 6, co_runners: [burner]}\n"
      "  - {name: c, duration_s: 6, relative: {deadline: 2}}\n"
      "  - {name: d, duration_s: 6, relative: {rate: 2}}\n"
      "  - {name: e, duration_s: 6, relative: {power: 0.5}}\n");
  for (auto& zone : task.board.simulation->zones) {
    for (auto& stage : zone.stages) {
      stage.resistance_k_per_w = 0.01;  // It hardly grows warmer.
    }
  }
  SimulatedWorld world(task);
  Environment& environment = world.environment();
  environment.reset(1);
  const Action action = action_of(environment, "0.5", "cpu0");
  std::set<std::uint64_t> before;
  for (int phase = 0; phase < 5; ++phase) {
    DOCTEST_CAPTURE(phase);
    std::set<std::uint64_t> seen;
    for (int period = 0; period < 60; ++period) {
      const auto now = world.clairvoyant().conditions();
      DOCTEST_REQUIRE(now.has_value());
      DOCTEST_CHECK(world.clairvoyant().conditions() == now);
      DOCTEST_CHECK(before.count(*now) == 0);
      seen.insert(*now);
      environment.step(action);
    }
    DOCTEST_CHECK(seen.size() == 1);
    before.merge(seen);
  }
}

DOCTEST_TEST_CASE("foreseeing changes nothing") {
  SimulatedWorld one(lively_task());
  SimulatedWorld other(lively_task());
  one.environment().reset(5);
  other.environment().reset(5);
  Random random(1);
  for (int i = 0; i < 200; ++i) {
    const Action tried = any_action(one.environment(), random);
    const double first = one.clairvoyant().foresee(tried, 3).reward;
    one.clairvoyant().foresee(any_action(one.environment(), random), 1);
    DOCTEST_REQUIRE(one.clairvoyant().foresee(tried, 3).reward == first);
    const Action action = any_action(one.environment(), random);
    const StepResult& result = one.environment().step(action);
    const StepResult& expected = other.environment().step(action);
    DOCTEST_REQUIRE(result.reward == expected.reward);
    DOCTEST_REQUIRE(result.observation == expected.observation);
  }
}

DOCTEST_TEST_CASE("an action that does not exist cannot be foreseen") {
  SimulatedWorld world(SmallTask::make());
  world.environment().reset(1);
  DOCTEST_CHECK_THROWS_AS(world.clairvoyant().foresee({}, 1), std::out_of_range);
}

DOCTEST_TEST_CASE("simulated steps and forecasts allocate nothing once they have been taken") {
  SimulatedTask task = lively_task();
  SimulatedWorld world(task);
  Environment& environment = world.environment();
  const ActionSpace& actions = environment.action_space();
  environment.reset(1);
  Action action;
  const auto pass = [&](std::size_t steps) {
    double sum = 0.0;
    for (std::size_t i = 0; i < steps; ++i) {
      actions.decode(i * 5 % actions.size(), action);
      sum += world.clairvoyant().foresee(action, 2).reward;
      sum += environment.step(action).reward;
    }
    return sum;
  };
  pass(400);
  environment.reset(1);
  pass(5);  // In the first phase, which holds for a second.
  const std::size_t before = allocation_count();
  pass(5);
  DOCTEST_CHECK(allocation_count() == before);
}

DOCTEST_TEST_CASE("what does not fit together is refused") {
  SimulatedTask task = SmallTask::make(
      "name: s\nco_runners: {burner: {command: [ls]}}\nphases: [{name: a, duration_s: 1}]\n");
  DOCTEST_CHECK_THROWS_WITH_AS(SimulatedWorld{task},
                               "co-runner burner: expected a contention, which can be simulated, "
                               "found a command alone",
                               Error);
  task = SmallTask::make();
  task.board.simulation.reset();
  DOCTEST_CHECK_THROWS_WITH_AS(SimulatedWorld{task},
                               "board small: expected a simulation, found none", Error);
  task = SmallTask::make();
  task.network.kind = "transformer";
  DOCTEST_CHECK_THROWS_WITH_AS(SimulatedWorld{task},
                               "expected a kind of work that the board simulates (cnn), found "
                               "'transformer'",
                               Error);
}

}  // namespace
}  // namespace rein
