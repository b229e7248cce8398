#include "agent/rivals/alert.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "agent/core/unlearning.hpp"
#include "support/rival_task.hpp"

namespace rein {
namespace {

using doctest::Approx;

const AdaptiveFilter::Options kPaper{
    .gain = 0.5, .measurement_noise = 1e-3, .process_noise = 0.1, .memory = 0.3};

DOCTEST_TEST_CASE("ALERT's filter follows the paper's equations, worked by hand") {
  AdaptiveFilter filter(kPaper);
  filter.update(1.2);
  // Q = 0.1; sigma^2 = 0.5 x 0.1 + 0.1; K = 0.15 / 0.151; the mean goes up by K x 0.2.
  DOCTEST_CHECK(filter.state().variance == Approx(0.15));
  DOCTEST_CHECK(filter.state().gain == Approx(0.993377));
  DOCTEST_CHECK(filter.state().mean == Approx(1.198675));
  filter.update(2.2);
  // Q = max(0.1, 0.3 x 0.1 + 0.7 x 0.198675^2); sigma^2 = 0.006623 x 0.15 + 0.1.
  DOCTEST_CHECK(filter.state().noise == Approx(0.1));
  DOCTEST_CHECK(filter.state().variance == Approx(0.100993));
  DOCTEST_CHECK(filter.state().correction == Approx(0.990195 * 1.001325));
  filter.update(2.2);
  // A surprise makes the noise larger: 0.3 x 0.1 + 0.7 x 0.991507^2.
  DOCTEST_CHECK(filter.state().noise == Approx(0.718160));
}

struct Made {
  explicit Made(Objective::Kind objective = Objective::Kind::kMaxAccuracy)
      : agent(std::make_unique<Alert>(
                  Alert::Options{.slowdown = kPaper, .power = kPaper, .power_share = 1.0},
                  RivalTask::profile(), task.problem(objective)),
              task.problem(objective), random) {}
  ActionId choose(double deadline_ms, double power_limit_w) {
    return alert.act(RivalTask::asked(deadline_ms, power_limit_w));
  }
  RivalTask task;
  Random random{1};
  Unlearning agent;
  Driven alert{agent, task.actions, random};
};

DOCTEST_TEST_CASE("the chance of a deadline is that of the normal distribution") {
  // At first the slow-down is 1 with a variance of 0.1.
  const AdaptiveFilter slowdown(kPaper);
  DOCTEST_CHECK(Alert::chance(10.0, 10.0, slowdown) == Approx(0.5));
  DOCTEST_CHECK(Alert::chance(10.0, 10.0 * (1.0 + std::sqrt(0.1)), slowdown) == Approx(0.841345));
}

DOCTEST_TEST_CASE("of what meets deadline and power ALERT takes the best, then what draws least") {
  // With a variance of 0.1, 99 % of requests are done in 1.736 times the profile's time.
  Made made;
  DOCTEST_CHECK(made.choose(40.0, 9.0) == 2);
  DOCTEST_CHECK(made.choose(18.0, 9.0) == 3);
  DOCTEST_CHECK(made.choose(12.0, 9.0) == 1);
  DOCTEST_CHECK(made.choose(40.0, 2.2) == 0);
  Made saving(Objective::Kind::kMinEnergy);
  DOCTEST_CHECK(saving.choose(40.0, 9.0) == 0);
  DOCTEST_CHECK(saving.choose(12.0, 9.0) == 1);
}

DOCTEST_TEST_CASE("if nothing meets everything, latency counts first and power last") {
  Made made;
  DOCTEST_CHECK(made.choose(2.0, 9.0) == 1);   // The best chance.
  DOCTEST_CHECK(made.choose(12.0, 2.5) == 1);  // In time, with too much power.
  DOCTEST_CHECK(made.choose(40.0, 1.5) == 0);  // The least above the limit.
}

DOCTEST_TEST_CASE("what was slower or drew more than profiled is expected of all configurations") {
  Made made;
  DOCTEST_REQUIRE(made.choose(40.0, 9.0) == 2);
  step(made.alert, RivalTask::asked(40.0, 9.0), RivalTask::info(30.0, 2.5));
  // A slow-down of about 1.5: full width needs the higher clock now.
  DOCTEST_CHECK(made.choose(40.0, 9.0) == 3);
  made.alert.begin_episode();
  DOCTEST_REQUIRE(made.choose(40.0, 2.6) == 2);
  step(made.alert, RivalTask::asked(40.0, 2.6), RivalTask::info(20.0, 3.0));
  DOCTEST_CHECK(made.choose(40.0, 2.6) == 0);
}

}  // namespace
}  // namespace rein
