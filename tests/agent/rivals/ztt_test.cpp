#include "agent/rivals/ztt.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "support/draws.hpp"
#include "support/rival_task.hpp"

namespace rein {
namespace {

using doctest::Approx;

DOCTEST_TEST_CASE("zTT's reward is frames in time, coolness and thrift, worked by hand") {
  const Ztt::Options options{.power_weight = 2.0, .over_limit = 4.0};
  DOCTEST_CHECK(Ztt::reward({.in_time = 1.0, .headroom_k = 0.5, .power_w = 4.0}, options) ==
                Approx(1.0 + 0.2 * std::tanh(0.5) + 0.5));
  DOCTEST_CHECK(Ztt::reward({.in_time = 0.25, .headroom_k = -1.0, .power_w = 8.0}, options) ==
                Approx(0.25 - 2.0 + 0.25));
  DOCTEST_CHECK(Ztt::reward({.in_time = 1.0, .headroom_k = 50.0, .power_w = 5.0, .overuse = 0.1},
                            options) == Approx(1.0 + 0.2 + 0.4 - 0.4));
  // A board without a reading of power is not taken to draw none.
  DOCTEST_CHECK(Ztt::reward({.headroom_k = 50.0}, options) == Approx(1.2));
}

DOCTEST_TEST_CASE("a step of zTT's network of one weight is worked by hand") {
  const NetworkLayout layout({1, 1});
  FusedNetwork network(layout, 1);
  AlignedFloats weights = layout.unpack(std::vector<float>{2.0F, 0.5F});
  network.input(0)[0] = 3.0F;
  network.evaluate(weights, 1);
  DOCTEST_CHECK(network.output(0)[0] == 6.5F);
  network.output_gradient(0)[0] = 0.5F;  // Towards 6.
  AlignedFloats gradients;
  network.differentiate(weights, 1, gradients);
  DOCTEST_CHECK(layout.pack(gradients) == std::vector<float>{1.5F, 0.5F});
  // Adam's first step is the learning rate in the direction of the slope, whatever its size.
  Adam adam(layout.size());
  adam.step(gradients, 0.1F, weights);
  DOCTEST_CHECK(layout.pack(weights)[0] == Approx(1.9));
  DOCTEST_CHECK(layout.pack(weights)[1] == Approx(0.4));
}

struct Made {
  explicit Made(const Ztt::Options& options)
      : learner(options,
                HeldKnobs(ConfigNode::parse("{width: 1.0}", "run.yaml"), {}, task.problem(),
                          RivalTask::profile()),
                task.problem(), random) {}
  RivalTask task;
  Random random{1};
  Ztt learner;
  Driven agent{learner, task.actions, random};
};

DOCTEST_TEST_CASE("zTT starts from the highest clocks, and lowers them while it is too hot") {
  Made made({.exploration_initial = 0.0, .exploration_final = 0.0, .temperature_target_c = 59.0});
  const auto observation = RivalTask::asked(50.0, 9.0);
  DOCTEST_CHECK(step(made.agent, observation, RivalTask::info(10.0, 4.0)) == 3);
  bool lowered = false;
  for (int i = 0; i < 20; ++i) {
    const ActionId action = step(made.agent, observation, RivalTask::info(10.0, 4.0));
    DOCTEST_CHECK((!lowered || action == 2));
    lowered = lowered || action == 2;
  }
  DOCTEST_CHECK(lowered);
}

DOCTEST_TEST_CASE("zTT read the signals of a period of which there were none") {
  Made made({.exploration_initial = 0.0, .exploration_final = 0.0});
  const auto observation = RivalTask::asked(50.0, 9.0);
  StepInfo info = RivalTask::info(10.0, 4.0);
  info.signals.clear();
  for (int i = 0; i < 3; ++i) {
    step(made.agent, observation, info);
  }
  DOCTEST_CHECK(made.learner.updates() == 2);
}

DOCTEST_TEST_CASE("zTT that was too hot drew a clock that was masked") {
  Made made({.temperature_target_c = 59.0});
  const auto observation = RivalTask::asked(50.0, 9.0);
  const Forbids low(made.task.actions, {2});
  step(made.agent, observation, RivalTask::info(10.0, 4.0));
  for (int i = 0; i < 20; ++i) {
    const ActionId action =
        made.agent.act(View(observation.observation, observation.task, nullptr, &low));
    DOCTEST_REQUIRE(action == 3);
    DOCTEST_REQUIRE(made.agent.decision().probability == 1.0);
    made.agent.show(
        record_of(observation, made.agent.decision().action, RivalTask::info(10.0, 4.0)));
  }
}

DOCTEST_TEST_CASE("zTT drew from what was masked where nothing that is allowed is in reach") {
  Made made({.exploration_initial = 1.0, .exploration_final = 1.0});
  const auto observation = RivalTask::asked(50.0, 90.0);
  const Forbids wide(made.task.actions, {2, 3});
  step(made.agent, observation, RivalTask::info(10.0, 4.0));
  for (int i = 0; i < 20; ++i) {
    made.agent.act(View(observation.observation, observation.task, nullptr, &wide));
    DOCTEST_REQUIRE(made.agent.decision().probability == 1.0);
    DOCTEST_REQUIRE_FALSE(made.agent.decision().explored);
    made.agent.show(
        record_of(observation, made.agent.decision().action, RivalTask::info(10.0, 4.0)));
  }
}

ActionId live(Driven& agent, bool is_hot, const std::optional<Action>& other = {}) {
  const auto observation = RivalTask::asked(50.0, 9.0);
  StepInfo info = RivalTask::info(10.0, 4.0);
  info.signals.back() = is_hot ? 90.0 : 40.0;
  const ActionId action = agent.act(observation);
  agent.show(record_of(observation, other.value_or(agent.decision().action), info));
  return action;
}

DOCTEST_TEST_CASE("zTT's environments do not mix: what is hot in one is not in the other") {
  const Ztt::Options options{.exploration_initial = 0.0, .exploration_final = 0.0};
  Made alone(options);
  Made mixed(options);
  Driven hot(mixed.learner, mixed.task.actions, mixed.random);
  std::size_t lowered = 0;
  for (int i = 0; i < 20; ++i) {  // Too few to learn from.
    lowered += live(hot, true) == 2 ? 1 : 0;
    DOCTEST_REQUIRE(live(mixed.agent, false) == live(alone.agent, false));
  }
  DOCTEST_CHECK(lowered > 0);
}

DOCTEST_TEST_CASE("zTT learns nothing of a move that a shield took the place of") {
  Made made({.batch = 1, .exploration_initial = 0.5});
  for (int i = 0; i < 50; ++i) {
    live(made.agent, false, Action{0, 0});
  }
  made.agent.act(RivalTask::asked(50.0, 9.0));
  DOCTEST_CHECK(made.agent.decision().exploration == 0.5);
  DOCTEST_CHECK(made.learner.updates() == 0);
  // It goes on from where the shield put the clocks: at most a step up.
  live(made.agent, false);
  made.agent.act(RivalTask::asked(50.0, 9.0));
  DOCTEST_CHECK(made.agent.decision().exploration == Approx(0.45));
  DOCTEST_CHECK(made.learner.updates() == 1);
}

DOCTEST_TEST_CASE("zTT learns to lower a clock that it does not need") {
  Made made({.discount = 0.5, .batch = 16, .power_weight = 4.0});
  const auto observation = RivalTask::asked(50.0, 9.0);
  ActionId action = 3;
  std::size_t low = 0;
  for (int i = 0; i < 600; ++i) {
    // What a period came to is known only after the action.
    action = made.agent.act(observation);
    const StepInfo info = action == 2 ? RivalTask::info(20.0, 2.0) : RivalTask::info(10.0, 8.0);
    made.agent.show(record_of(observation, made.agent.decision().action, info));
    low += i >= 500 && action == 2 ? 1 : 0;
  }
  DOCTEST_CHECK(low > 80);
  made.agent.act(observation);
  DOCTEST_CHECK(made.agent.decision().exploration < 0.05);
}

}  // namespace
}  // namespace rein
