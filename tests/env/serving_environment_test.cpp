// The serving environment over a fake machine in closed loop with a manual clock: nothing sleeps,
// and every latency can be worked out by hand.
#include "env/serving_environment.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "common/error.hpp"
#include "support/allocation_count.hpp"
#include "support/environment_contract.hpp"
#include "support/fake_world.hpp"
#include "support/simulated_world.hpp"
#include "support/still_world.hpp"

namespace rein {
namespace {

double feature(const Environment& environment, const Observation& observation,
               const std::string& name) {
  const auto& features = environment.observation_spec().features();
  const auto found = std::ranges::find(features, name, &Feature::name);
  DOCTEST_REQUIRE(found != features.end());
  return observation[static_cast<std::size_t>(found - features.begin())];
}

DOCTEST_TEST_CASE("the serving environment keeps the contract") {
  FakeWorld world;
  check_environment_contract(world.environment);
}

DOCTEST_TEST_CASE("the serving environment keeps the contract when no sensor works") {
  FakeWorld world;
  world.machine.broken_sensors = true;
  check_environment_contract(world.environment);
}

DOCTEST_TEST_CASE("in a closed loop agents were told of a rate that nobody had set") {
  SimulatedTask task = SmallTask::make();
  task.requests.arrival = RequestSpec::Arrival::kClosedLoop;
  task.network.levels[1].mflops = 1490.0;  // 150 ms on one CPU.
  SimulatedWorld world(task);
  Environment& environment = world.environment();
  DOCTEST_CHECK(environment.description().arrival == RequestSpec::Arrival::kClosedLoop);
  const auto& features = environment.observation_spec().features();
  const auto rate = static_cast<std::size_t>(
      std::ranges::find(features, "arrival_rate.app", &Feature::name) - features.begin());
  DOCTEST_CHECK(environment.reset(1)[rate] == features[rate].scale.neutral);
  for (int i = 0; i < 10; ++i) {
    const StepResult& result = environment.step(action_of(environment, "1", "cpu0"));
    DOCTEST_CHECK(100.0 * std::pow(10.0, 4.0 * result.observation[rate]) ==
                  doctest::Approx(1e3 / 150.0).epsilon(0.01));
  }
}

DOCTEST_TEST_CASE("the same seed gives the same rollout, and reset leaves nothing behind") {
  FakeWorld one;
  FakeWorld other;
  check_rollouts_repeat(one.environment, other.environment);
  DOCTEST_CHECK(rollout(one.environment, 3, 200) != rollout(one.environment, 4, 200));
}

DOCTEST_TEST_CASE("steps allocate nothing once they have been taken before") {
  StillWorld world;
  world.environment.reset(1);
  const ActionSpace& actions = world.environment.action_space();
  Action action;
  const auto steps = [&] {
    double sum = 0.0;
    for (std::size_t i = 0; i < 200; ++i) {
      actions.decode(i * 7 % actions.size(), action);
      sum += world.environment.step(action).reward;
    }
    return sum;
  };
  steps();
  const std::size_t before = allocation_count();
  steps();
  DOCTEST_CHECK(allocation_count() == before);
}

DOCTEST_TEST_CASE("a result is as if it were new when a period leaves out what one before had") {
  FakeWorld world;
  world.environment.reset(1);
  world.machine.refuse = true;
  world.machine.stale_power = true;
  world.environment.step({0, 0, 0});
  world.machine.stale_power = false;
  const StepInfo& info = world.environment.step({0, 0, 0}).info;
  DOCTEST_CHECK(info.stale.empty());
  DOCTEST_CHECK(info.messages.empty());
  DOCTEST_CHECK_FALSE(info.granted[2].refused);
  DOCTEST_CHECK(info.skipped_periods == 0);
}

DOCTEST_TEST_CASE("a phase scales the run's rate where it gives none of its own") {
  FakeWorld world(
      "name: s\nphases:\n"
      "  - {name: a, duration_s: 1, relative: {rate: 0.5}}\n"
      "  - {name: b, duration_s: 1, rate_hz: 10}\n"
      "  - {name: c, duration_s: 1}\n");
  world.environment.reset(1);
  std::map<std::string, std::size_t> arrived;
  for (int i = 0; i < 30; ++i) {
    const StepInfo& info = world.environment.step(world.action("0.25", "cpu0")).info;
    arrived[info.phase] += info.applications.front().service.arrived;
  }
  DOCTEST_CHECK(arrived["a"] == 21);  // At 40 / 2 Hz, the first at the very start.
  DOCTEST_CHECK(arrived["b"] == 10);
  DOCTEST_CHECK(arrived["c"] == 39);  // The first gap is still that of b.
}

DOCTEST_TEST_CASE("a platform that can be reset is, from the seed, before anything is sampled") {
  struct Resettable final : Platform {
    const std::vector<Signal>& signals() const override { return still.signals(); }
    const std::vector<Control>& controls() const override { return still.controls(); }
    void reset(std::uint64_t new_seed) override { seed = new_seed; }
    const Telemetry& sample() override {
      seed_when_sampled = seed;
      return still.sample();
    }
    const std::vector<Grant>& apply(const Configuration& configuration) override {
      return still.apply(configuration);
    }
    const std::vector<Grant>& grants() override { return still.grants(); }
    std::vector<std::string> new_troubles() override { return {}; }
    StillPlatform still{4};
    std::uint64_t seed = 0;
    std::uint64_t seed_when_sampled = 0;
  };
  ManualClock clock;
  Resettable platform;
  StillWorker worker(clock);
  ScenarioPlayer player(StillWorld::scenario(), {});
  ServingEnvironment environment(platform, worker, "app", StillWorld::requests(), player, clock,
                                 {});
  environment.reset(17);
  DOCTEST_CHECK(platform.seed_when_sampled == 17);
}

DOCTEST_TEST_CASE("knobs are the width and then every control of the platform") {
  FakeWorld world;
  const auto& knobs = world.environment.action_space().knobs();
  DOCTEST_REQUIRE(knobs.size() == 3);
  DOCTEST_CHECK(knobs[0].name == "width.app");
  DOCTEST_CHECK(knobs[0].kind == Knob::Kind::kWidth);
  DOCTEST_CHECK(knobs[1].kind == Knob::Kind::kMapping);
  DOCTEST_CHECK(knobs[2].kind == Knob::Kind::kBandwidth);
  DOCTEST_CHECK(world.environment.action_space().size() == 24);
}

DOCTEST_TEST_CASE("a control was taken for what its name begins with") {
  StillPlatform platform(4);
  platform.rename(0, "frequency.app");
  platform.rename(1, "mapping.cpu");
  ManualClock clock;
  StillWorker worker(clock);
  ScenarioPlayer player(StillWorld::scenario(), {});
  const ServingEnvironment environment(platform, worker, "app", StillWorld::requests(), player,
                                       clock, {});
  const ActionSpace& actions = environment.action_space();
  DOCTEST_CHECK(actions.knobs()[1].kind == Knob::Kind::kMapping);
  DOCTEST_CHECK(actions.knobs()[2].kind == Knob::Kind::kFrequency);
  DOCTEST_CHECK(actions.find(Knob::Kind::kMapping, 0) == std::size_t{1});
}

DOCTEST_TEST_CASE("a place was told to the worker as a number of threads") {
  StillWorld world;
  world.environment.reset(1);
  std::vector<std::string> told;
  for (const std::size_t place : {0U, 1U, 2U}) {  // The first two have as many threads.
    world.environment.step({0, place, 0, 0, 0});
    told.push_back(world.worker.place);
  }
  DOCTEST_CHECK(told == std::vector<std::string>{"cpu0", "cpu1", "all2"});
}

DOCTEST_TEST_CASE("an action sets width, place, threads and bandwidth") {
  FakeWorld world;
  world.environment.reset(1);
  world.environment.step(world.action("0.5", "all2", "0.5cpu"));
  DOCTEST_CHECK(world.machine.width == 0.5);
  DOCTEST_CHECK(world.machine.place == 2);
  DOCTEST_CHECK(world.machine.threads == 2);
  DOCTEST_CHECK(world.machine.bandwidth_cpus == 0.5);
  world.environment.step(world.action("0.5", "cpu1", "0.5cpu"));
  DOCTEST_CHECK(world.machine.threads == 1);
}

DOCTEST_TEST_CASE("alone, full width on one thread serves all in time at full accuracy") {
  FakeWorld world;
  world.environment.reset(1);
  const StepResult result = world.environment.step(world.action("1.0", "cpu0"));
  const ServiceReport& service = result.info.applications.front().service;
  DOCTEST_CHECK(service.served >= 4);
  DOCTEST_CHECK(service.missed() == 0);
  DOCTEST_CHECK(service.latencies_ms.front() == doctest::Approx(8.0));
  DOCTEST_CHECK(result.reward == doctest::Approx(1.0));
  DOCTEST_CHECK(result.info.phase == "alone");
}

DOCTEST_TEST_CASE("a co-runner makes the same action miss, and the observation shows why") {
  FakeWorld world;
  world.environment.reset(1);
  StepResult result;
  do {
    result = world.environment.step(world.action("1.0", "cpu0"));
  } while (result.info.phase != "both");
  const ServiceReport& service = result.info.applications.front().service;
  DOCTEST_CHECK(service.latencies_ms.back() == doctest::Approx(16.0));
  DOCTEST_CHECK(service.missed() == service.requests());
  DOCTEST_CHECK(result.reward < 0.0);
  DOCTEST_CHECK(result.info.co_runners == std::vector<std::string>{"first", "second"});
  DOCTEST_CHECK(feature(world.environment, result.observation, "cpu_others_share.cpu1") == 1.0);
  DOCTEST_CHECK(feature(world.environment, result.observation, "slowdown.app") ==
                doctest::Approx(0.25));  // log2(16 / 8) / 4
  DOCTEST_CHECK(feature(world.environment, result.observation, "miss_share.app") == 1.0);
}

DOCTEST_TEST_CASE("a changed deadline is seen in the observation and judged by") {
  FakeWorld world;
  const Observation first = world.environment.reset(1);
  const double before = feature(world.environment, first, "deadline.app");
  StepResult result = world.environment.step(world.action("1.0", "cpu0"));
  double seen = 0.0;  // By the agent, before the period.
  while (result.info.phase != "tight") {
    seen = feature(world.environment, result.observation, "deadline.app");
    result = world.environment.step(world.action("1.0", "cpu0"));
  }
  DOCTEST_CHECK(seen < before);
  const ServiceReport& service = result.info.applications.front().service;
  DOCTEST_CHECK(service.missed() >= service.requests() - 1);  // One may have come before.
}

DOCTEST_TEST_CASE("the end of the scenario truncates and never terminates") {
  FakeWorld world;
  world.environment.reset(1);
  int steps = 0;
  for (StepResult result; !result.truncated; ++steps) {
    result = world.environment.step(world.action("0.25", "cpu0"));
    DOCTEST_REQUIRE_FALSE(result.terminated);
  }
  DOCTEST_CHECK(steps == 80);
}

DOCTEST_TEST_CASE("a period that is overrun skips periods and says how many") {
  FakeWorld world;
  world.environment.reset(1);
  const auto slow = world.action("1.0", "all2", "0.5cpu");  // 60 ms x 4 with a co-runner
  StepResult result;
  do {
    result = world.environment.step(slow);
  } while (result.info.phase != "one");
  result = world.environment.step(slow);
  DOCTEST_CHECK(result.info.skipped_periods >= 1);
}

DOCTEST_TEST_CASE("a power that is not known is no number to the agent") {
  FakeWorld world;
  world.machine.broken_sensors = true;
  world.environment.reset(1);
  const StepResult result = world.environment.step(world.action("1.0", "cpu0"));
  for (const auto& signal : result.info.signals) {
    DOCTEST_CHECK_FALSE(signal.has_value());
  }
  DOCTEST_CHECK(result.reward == doctest::Approx(1.0));
}

DOCTEST_TEST_CASE("a control that the machine refuses is reported and tried again") {
  FakeWorld world;
  world.environment.reset(1);
  const Action action = world.action("0.5", "cpu1", "0.5cpu");
  world.machine.refuse = true;
  StepResult result = world.environment.step(action);
  DOCTEST_CHECK(result.info.messages ==
                std::vector<std::string>{"/sys/fake: cannot write '1': Device or resource busy"});
  DOCTEST_REQUIRE(result.info.granted.size() == 3);
  DOCTEST_CHECK_FALSE(result.info.granted[1].refused);
  DOCTEST_CHECK(result.info.granted[1].label == "cpu1");
  DOCTEST_CHECK(result.info.granted[2].refused);
  DOCTEST_CHECK(result.info.granted[2].label == "2cpu");
  // The agent sees what is in force, not what it asked for.
  DOCTEST_CHECK(feature(world.environment, result.observation, "bandwidth.cpu") == 1.0);

  result = world.environment.step(action);
  DOCTEST_CHECK(result.info.messages.empty());
  DOCTEST_CHECK(result.info.granted[2].value == 0.5);
  DOCTEST_CHECK(feature(world.environment, result.observation, "bandwidth.cpu") == 0.0);
}

DOCTEST_TEST_CASE("a place whose GPU is lost is left out, and the first place goes on instead") {
  FakeMachine machine;
  machine.cpu1_device = "gpu";
  FakeWorld world(FakeWorld::kScenario, FakeWorld::default_requests(), machine);
  world.environment.reset(1);
  const Action action = world.action("0.5", "cpu1");
  StepResult result = world.environment.step(action);
  DOCTEST_CHECK_FALSE(result.info.granted[1].refused);
  DOCTEST_CHECK(result.info.messages.empty());

  world.network.gpu_obstacle = "it has fallen off the bus";
  result = world.environment.step(action);  // Lost in this period, where it still was.
  DOCTEST_CHECK(result.info.messages ==
                std::vector<std::string>{"mapping.app cpu1: the gpu can no longer be used: it has "
                                         "fallen off the bus; left out, the CPU goes on"});
  DOCTEST_CHECK(world.machine.place == 1);
  for (int i = 0; i < 2; ++i) {
    result = world.environment.step(action);
    DOCTEST_CHECK(result.info.messages.empty());
    DOCTEST_CHECK(world.machine.place == 0);
    DOCTEST_CHECK(result.info.granted[1].refused);
    DOCTEST_CHECK_FALSE(result.info.granted[1].left_out);
    DOCTEST_CHECK(result.info.granted[1].label == "cpu0");
    // The agent sees where it is, not where it wanted to be.
    DOCTEST_CHECK(feature(world.environment, result.observation, "mapping.app") == 0.0);
  }
  result = world.environment.step(world.action("0.5", "all2"));
  DOCTEST_CHECK_FALSE(result.info.granted[1].refused);
  DOCTEST_CHECK(result.info.granted[1].label == "all2");
}

DOCTEST_TEST_CASE(
    "a GPU that has not the memory when an episode begins is told in its first period") {
  FakeMachine machine;
  machine.cpu1_device = "gpu";
  FakeWorld world(FakeWorld::kScenario, FakeWorld::default_requests(), machine);
  world.network.gpu_obstacle = "its memory is full";
  world.environment.reset(1);
  const StepResult result = world.environment.step(world.action("0.5", "cpu1"));
  DOCTEST_CHECK(result.info.messages.size() == 1);
  DOCTEST_CHECK(result.info.granted[1].label == "cpu0");
  DOCTEST_CHECK(world.machine.place == 0);
}

DOCTEST_TEST_CASE("a signal that was measured before the period is marked as stale") {
  FakeWorld world;
  world.environment.reset(1);
  world.machine.stale_power = true;
  const StepResult result = world.environment.step({0, 0, 0});
  DOCTEST_CHECK(result.info.stale == std::vector<std::size_t>{2});
  DOCTEST_CHECK(result.info.signals[2].has_value());
}

DOCTEST_TEST_CASE(
    "a budget on temperature that sees none is told to be blind, less and less often") {
  FakeWorld world(
      "name: hot\n"
      "phases:\n"
      "  - {name: hot, duration_s: 100, budgets: {temperature: {limit_c: 80}}}\n");
  std::vector<std::string> messages;
  const auto step = [&](int periods) {
    messages.clear();
    for (int i = 0; i < periods; ++i) {
      for (const auto& message : world.environment.step({0, 0, 0}).info.messages) {
        messages.push_back(message);
      }
    }
    return messages.size();
  };
  world.environment.reset(1);
  DOCTEST_CHECK(step(5) == 0);
  world.machine.broken_sensors = true;
  DOCTEST_CHECK(step(1) == 0);
  DOCTEST_CHECK(step(1) == 1);
  DOCTEST_CHECK(messages.front() ==
                "the budget on temperature is blind: no value of temperature_c.zone (2 periods)");
  DOCTEST_CHECK(step(10) == 0);
  world.machine.broken_sensors = false;
  DOCTEST_CHECK(step(1) == 0);
  world.machine.broken_sensors = true;
  DOCTEST_CHECK(step(3) == 0);
  DOCTEST_CHECK(step(7) == 1);
}

DOCTEST_TEST_CASE("a machine without a temperature says so to whoever has a budget on it") {
  FakeWorld world(
      "name: hot\n"
      "phases:\n"
      "  - {name: hot, duration_s: 100, budgets: {temperature: {limit_c: 80}}}\n");
  FakePlatform platform(world.machine, /*with_heat=*/false);
  ServingEnvironment environment(platform, world.worker, "app", FakeWorld::default_requests(),
                                 world.player, world.machine.clock, {});
  environment.reset(1);
  environment.step({0, 0, 0});
  DOCTEST_CHECK(environment.step({0, 0, 0}).info.messages ==
                std::vector<std::string>{
                    "the budget on temperature is blind: nothing here is known to measure the "
                    "processor's heat (`rein probe` says why)"});
  for (const auto& each : environment.observation_spec().features()) {
    DOCTEST_CHECK(each.name != "temperature_c.zone");
  }
}

DOCTEST_TEST_CASE("a co-runner in trouble is reported to the user once") {
  FakeWorld world;
  world.environment.reset(1);
  world.fakes[0]->trouble_text = "exit status 127";
  DOCTEST_CHECK(world.environment.step({0, 0, 0}).info.messages ==
                std::vector<std::string>{"co-runner first: exit status 127"});
  DOCTEST_CHECK(world.environment.step({0, 0, 0}).info.messages.empty());
}

}  // namespace
}  // namespace rein
