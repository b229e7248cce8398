// The live environment over a fake machine in closed loop with a manual clock: nothing sleeps, and
// every latency can be worked out by hand.
#include "env/live_environment.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "common/error.hpp"
#include "support/environment_contract.hpp"
#include "support/fake_world.hpp"

namespace rein {
namespace {

double feature(const Environment& environment, const Observation& observation,
               const std::string& name) {
  const auto& features = environment.observation_spec().features();
  const auto found = std::ranges::find(features, name, &Feature::name);
  DOCTEST_REQUIRE(found != features.end());
  return observation[static_cast<std::size_t>(found - features.begin())];
}

DOCTEST_TEST_CASE("the live environment keeps the contract") {
  FakeWorld world;
  check_environment_contract(world.environment);
}

DOCTEST_TEST_CASE("the live environment keeps the contract when no sensor works") {
  FakeWorld world;
  world.machine.broken_sensors = true;
  check_environment_contract(world.environment);
}

DOCTEST_TEST_CASE("the same seed gives the same rollout, and reset leaves nothing behind") {
  FakeWorld one;
  FakeWorld other;
  const auto record = rollout(one.environment, 3, 200);
  DOCTEST_CHECK(rollout(other.environment, 3, 200) == record);
  DOCTEST_CHECK(rollout(one.environment, 3, 200) == record);
  DOCTEST_CHECK(rollout(other.environment, 4, 200) != record);
}

DOCTEST_TEST_CASE("knobs are the width and then every control of the platform") {
  FakeWorld world;
  const auto& knobs = world.environment.action_space().knobs();
  DOCTEST_REQUIRE(knobs.size() == 3);
  DOCTEST_CHECK(knobs[0].name == "width.app");
  DOCTEST_CHECK(knobs[0].effect == Knob::Effect::kCostlier);
  DOCTEST_CHECK(knobs[1].effect == Knob::Effect::kUnordered);
  DOCTEST_CHECK(knobs[2].effect == Knob::Effect::kFaster);
  DOCTEST_CHECK(world.environment.action_space().size() == 24);
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
  const ActionId action = world.action("0.5", "cpu1", "0.5cpu");
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

DOCTEST_TEST_CASE("a signal that was measured before the period is marked as stale") {
  FakeWorld world;
  world.environment.reset(1);
  world.machine.stale_power = true;
  const StepResult result = world.environment.step(0);
  DOCTEST_CHECK(result.info.stale == std::vector<std::size_t>{2});
  DOCTEST_CHECK(result.info.signals[2].has_value());
}

DOCTEST_TEST_CASE("a co-runner in trouble is reported to the user once") {
  FakeWorld world;
  world.environment.reset(1);
  world.fakes[0]->trouble_text = "exit status 127";
  DOCTEST_CHECK(world.environment.step(0).info.messages ==
                std::vector<std::string>{"co-runner first: exit status 127"});
  DOCTEST_CHECK(world.environment.step(0).info.messages.empty());
}

}  // namespace
}  // namespace rein
