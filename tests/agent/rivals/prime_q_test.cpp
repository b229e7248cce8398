#include "agent/rivals/prime_q.hpp"

#include <doctest/doctest.h>

#include "support/draws.hpp"
#include "support/rival_task.hpp"

namespace rein {
namespace {

using doctest::Approx;

double reward(double latency_ms, double weight, double power_share = 0.0, double overuse = 0.0) {
  return PrimeQ::reward(latency_ms, 10.0, power_share, overuse, {.power_weight = weight});
}

DOCTEST_TEST_CASE("PRiME's reward is highest just in time, and falls with lateness to its least") {
  DOCTEST_CHECK(reward(5.0, 0.0) == Approx(50.0));
  DOCTEST_CHECK(reward(10.0, 0.0) == Approx(100.0));
  DOCTEST_CHECK(reward(16.0, 0.0) == Approx(-20.0));
  DOCTEST_CHECK(reward(100.0, 0.0) == Approx(-100.0));
}

DOCTEST_TEST_CASE("power that is saved counts as far as requests are in time") {
  DOCTEST_CHECK(reward(5.0, 0.5, 0.6) == Approx(100.0 * (0.5 * 0.5 + 0.5 * 0.4)));
  DOCTEST_CHECK(reward(5.0, 0.5, 0.6, 0.1) == Approx(-10.0));
  DOCTEST_CHECK(reward(16.0, 0.5, 0.1) == Approx(-20.0));
}

struct Made {
  explicit Made(const PrimeQ::Options& options = {.power_weight = 0.0,
                                                  .exploration_initial = 0.0,
                                                  .exploration_final = 0.0},
                const std::string& keys = "{width: 1.0}")
      : learner(options,
                HeldKnobs(ConfigNode::parse(keys, "run.yaml"), {}, task.problem(),
                          RivalTask::profile()),
                task.problem(), random) {}
  double value(std::size_t bin, std::size_t choice) const {
    return learner.policy().value(bin, choice);
  }
  RivalTask task;
  Random random{1};
  PrimeQ learner;
  Driven agent{learner, task.actions, random};
};

DOCTEST_TEST_CASE("PRiME's values move by the learning rate towards the reward, without a future") {
  Made made;
  const auto observation = RivalTask::asked(25.0, 9.0);
  // In the first period nothing is predicted: bin 0. Of equals the fastest; 10.1 of 25 ms
  // earn 40.4.
  DOCTEST_CHECK(step(made.agent, observation, RivalTask::info(10.1, 4.0)) == 3);
  DOCTEST_CHECK(made.value(0, 1) == Approx(0.4 * 40.4));
  DOCTEST_CHECK(made.value(0, 0) == 0.0);
  // From now on a request is 10.1 ms of work in 25 ms: bin 8 of 20.
  step(made.agent, observation, RivalTask::info(10.1, 4.0));
  step(made.agent, observation, RivalTask::info(12.0, 4.0));
  DOCTEST_CHECK(made.value(8, 1) == Approx(0.6 * 16.16 + 0.4 * 48.0));
}

DOCTEST_TEST_CASE("PRiME drew from what was masked where nothing that is allowed is in reach") {
  Made made({.exploration_initial = 1.0, .exploration_final = 1.0});
  const auto observation = RivalTask::asked(25.0, 9.0);
  const Forbids wide(made.task.actions, {2, 3});
  for (int i = 0; i < 20; ++i) {
    DOCTEST_REQUIRE(
        made.agent.act(View(observation.observation, observation.task, nullptr, &wide)) == 3);
    DOCTEST_REQUIRE(made.agent.decision().probability == 1.0);
  }
}

DOCTEST_TEST_CASE("work is what a request would have taken with the highest clocks") {
  Made made;
  const auto observation = RivalTask::asked(25.0, 9.0);
  const StepInfo info = RivalTask::info(20.2, 2.5);
  // Somebody else's action at 500 MHz: 20.2 ms there are 10.1 ms at 1000 MHz, by the profile.
  made.agent.act(observation);
  made.agent.show(record_of(observation, made.task.actions.decode(2), info));
  DOCTEST_CHECK(made.value(0, 0) == Approx(0.4 * 80.8));
  step(made.agent, observation, RivalTask::info(10.1, 4.0));
  DOCTEST_CHECK(made.value(8, 1) > 0.0);
}

DOCTEST_TEST_CASE("a billion cycles a frame are no less than that") {
  // PRiME's average wraps above 42.9 million; a request of half a minute stays in the last bin.
  Made made;
  const auto observation = RivalTask::asked(20.0, 9.0);
  for (int i = 0; i < 3; ++i) {
    step(made.agent, observation, RivalTask::info(30'000.0, 4.0));
  }
  DOCTEST_CHECK(made.value(20, 1) < 0.0);
}

DOCTEST_TEST_CASE("a state that was never seen is explored from the beginning") {
  Made made({.exploration_initial = 0.5, .exploration_final = 0.1, .exploration_steps = 4});
  const auto slow = RivalTask::asked(100.0, 9.0);
  for (int i = 0; i < 20; ++i) {
    step(made.agent, slow, RivalTask::info(10.0, 4.0));
  }
  made.agent.act(slow);
  DOCTEST_CHECK(made.agent.decision().exploration == Approx(0.1));
  made.agent.act(RivalTask::asked(20.0, 9.0));
  DOCTEST_CHECK(made.agent.decision().exploration == Approx(0.5));
}

DOCTEST_TEST_CASE("what requests take in one environment is not predicted of another's") {
  Made made;
  const auto observation = RivalTask::asked(25.0, 9.0);
  Driven other(made.learner, made.task.actions, made.random);
  const auto live = [&](std::size_t stream, double service_ms) {
    step(stream == 0 ? made.agent : other, observation, RivalTask::info(service_ms, 4.0));
  };
  live(0, 10.1);  // From now on bin 8 there, and nothing is known of the other.
  const double before = made.value(0, 1);
  live(1, 20.2);
  DOCTEST_CHECK(made.value(0, 1) != before);
  DOCTEST_CHECK(made.value(8, 1) == 0.0);
  live(0, 10.1);
  DOCTEST_CHECK(made.value(8, 1) == Approx(0.4 * 40.4));
  live(1, 20.2);
  DOCTEST_CHECK(made.value(16, 1) == Approx(0.4 * 80.8));
  // An episode that begins in one ends nothing in the other.
  other.begin_episode();
  live(0, 10.1);
  DOCTEST_CHECK(made.value(8, 1) == Approx(0.6 * 16.16 + 0.4 * 40.4));
}

DOCTEST_TEST_CASE("domains are set each for itself, or together where there are too many ways") {
  const auto knob = [](const std::string& name, std::size_t levels) {
    Knob result{name, "MHz", Knob::Kind::kFrequency, {}};
    for (std::size_t i = 0; i < levels; ++i) {
      result.levels.push_back({std::to_string(i), 100.0 * static_cast<double>(i + 1)});
    }
    return result;
  };
  const RivalTask task;
  const auto choices = [&](std::size_t one, std::size_t other) {
    const ActionSpace actions({knob("frequency.a", one), knob("frequency.b", other)});
    const Problem problem{actions, task.observations, std::vector<double>(actions.size(), 1.0)};
    return PrimeQPolicy({}, HeldKnobs(ConfigNode::parse("{}", ""), {}, problem, std::nullopt),
                        problem)
        .choices();
  };
  const std::vector<std::vector<std::size_t>> each = {{0, 0}, {0, 1}, {0, 2},
                                                      {1, 0}, {1, 1}, {1, 2}};
  DOCTEST_CHECK(choices(2, 3) == each);
  const auto together = choices(9, 8);
  DOCTEST_REQUIRE(together.size() == 9);
  DOCTEST_CHECK(together.front() == std::vector<std::size_t>{0, 0});
  DOCTEST_CHECK(together[1] == std::vector<std::size_t>{1, 1});
  DOCTEST_CHECK(together.back() == std::vector<std::size_t>{8, 7});
}

}  // namespace
}  // namespace rein
