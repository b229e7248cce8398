#include "agent/ztt.hpp"

#include <doctest/doctest.h>

#include <cmath>

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

DOCTEST_TEST_CASE("zTT's target goes on after a step, unless the task ended") {
  DOCTEST_CHECK(Ztt::target(1.5, false, {0.5, 2.0, 1.0}, 0.9) == Approx(3.3));
  DOCTEST_CHECK(Ztt::target(1.5, true, {0.5, 2.0, 1.0}, 0.9) == 1.5);
}

DOCTEST_TEST_CASE("a small network's gradient is the slope of its loss") {
  Random random(3);
  SmallNetwork network({3, 4, 5, 2}, random);
  for (double& parameter : network.parameters()) {
    parameter += 0.1 * random.bell();  // So that no bias is 0.
  }
  DOCTEST_REQUIRE(network.parameters().size() == 4 * 4 + 5 * 5 + 2 * 6);
  const std::vector<double> input = {0.3, -0.7, 1.1};
  const double target = 0.4;
  std::vector<double> gradient(network.parameters().size(), 0.0);
  const double error = network.add_gradient(input, 1, target, gradient);
  DOCTEST_CHECK(error == Approx(network.evaluate(input)[1] - target));
  const auto loss = [&] {
    const double off = network.evaluate(input)[1] - target;
    return 0.5 * off * off;
  };
  constexpr double kStep = 1e-5;
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    double& parameter = network.parameters()[i];
    const double before = parameter;
    parameter = before + kStep;
    const double above = loss();
    parameter = before - kStep;
    const double below = loss();
    parameter = before;
    DOCTEST_CHECK(gradient[i] == Approx((above - below) / (2.0 * kStep)).epsilon(1e-6));
  }
}

DOCTEST_TEST_CASE("a network of one weight is worked by hand") {
  Random random(1);
  SmallNetwork network({1, 1}, random);
  network.parameters() = {2.0, 0.5};
  DOCTEST_CHECK(network.evaluate({3.0})[0] == 6.5);
  std::vector<double> gradient(2, 0.0);
  DOCTEST_CHECK(network.add_gradient({3.0}, 0, 6.0, gradient) == 0.5);
  DOCTEST_CHECK(gradient == std::vector<double>{1.5, 0.5});
  // Adam's first step is the learning rate in the direction of the slope, whatever its size.
  SmallAdam adam(2);
  adam.step(0.1, gradient, network.parameters());
  DOCTEST_CHECK(network.parameters()[0] == Approx(1.9));
  DOCTEST_CHECK(network.parameters()[1] == Approx(0.4));
}

struct Made {
  explicit Made(const Ztt::Options& options)
      : agent(options,
              HeldKnobs(ConfigNode::parse("{width: 1.0}", "run.yaml"), {}, task.problem(),
                        RivalTask::profile()),
              task.problem(), random) {}
  RivalTask task;
  Random random{1};
  Ztt agent;
};

DOCTEST_TEST_CASE("zTT starts from the highest clocks, and lowers them while it is too hot") {
  Made made({.exploration_initial = 0.0, .exploration_final = 0.0, .temperature_target_c = 59.0});
  const auto observation = RivalTask::observation(50.0, 9.0);
  DOCTEST_CHECK(step(made.agent, observation, RivalTask::info(10.0, 4.0)) == 3);
  bool lowered = false;
  for (int i = 0; i < 20; ++i) {
    const ActionId action = step(made.agent, observation, RivalTask::info(10.0, 4.0));
    DOCTEST_CHECK((!lowered || action == 2));
    lowered = lowered || action == 2;
  }
  DOCTEST_CHECK(lowered);
}

DOCTEST_TEST_CASE("zTT learns to lower a clock that it does not need") {
  Made made({.discount = 0.5, .batch = 16, .power_weight = 4.0});
  const auto observation = RivalTask::observation(50.0, 9.0);
  ActionId action = 3;
  std::size_t low = 0;
  for (int i = 0; i < 600; ++i) {
    // What a period came to is known only after the action.
    action = made.agent.act(observation);
    const StepInfo info = action == 2 ? RivalTask::info(20.0, 2.0) : RivalTask::info(10.0, 8.0);
    static const std::vector<RewardTerm> kNoTerms;
    made.agent.observe({observation, action, 0.0, kNoTerms, observation, false, false, &info});
    low += i >= 500 && action == 2 ? 1 : 0;
  }
  DOCTEST_CHECK(low > 80);
  DOCTEST_CHECK(made.agent.exploration().rate < 0.05);
}

}  // namespace
}  // namespace rein
