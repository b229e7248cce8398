#include "agent/rivals/poet.hpp"

#include <doctest/doctest.h>

#include "agent/core/unlearning.hpp"
#include "support/rival_task.hpp"

namespace rein {
namespace {

using doctest::Approx;

Poet::Options options(std::size_t window) {
  return {.margin = 1.0, .window = window, .power_rate = 1.0, .power_share = 1.0};
}

struct Made {
  explicit Made(std::size_t window = 1, Objective::Kind objective = Objective::Kind::kMaxAccuracy)
      : poet(options(window), RivalTask::profile(), task.problem(objective)) {}
  Situation situation(double power_limit_w = 9.0) const {
    return Situation::of(RivalTask::asked(10.0, power_limit_w).task);
  }
  RivalTask task;
  Poet poet;
};

/// The same as an agent that is driven.
struct DrivenPoet {
  RivalTask task;
  Random random{1};
  Unlearning agent{std::make_unique<Poet>(options(1), RivalTask::profile(), task.problem()),
                   task.problem(), random};
  Driven poet{agent, task.actions, random};
};

DOCTEST_TEST_CASE("POET's filter estimates the base speed, worked by hand") {
  Poet::Filter filter{.base_hz = 50.0, .variance = 1.0};
  filter.update(2.0, 80.0, options(1));
  // p = 1.00001, k = 2.00002 / (4.00004 + 0.01).
  DOCTEST_CHECK(filter.base_hz == Approx(50.0 - 20.0 * 0.498753));
  DOCTEST_CHECK(filter.variance == Approx(1.00001 * (1.0 - 2.0 * 0.498753)).epsilon(0.01));
}

DOCTEST_TEST_CASE("speed-ups are over the slowest configuration") {
  const Made made;
  DOCTEST_CHECK(*made.poet.speedup(2) == 1.0);
  DOCTEST_CHECK(*made.poet.speedup(3) == 2.0);
  DOCTEST_CHECK(*made.poet.speedup(1) == Approx(3.3333));
}

DOCTEST_TEST_CASE("POET divides a window between the cheapest two around the speed-up") {
  const Made saving(4, Objective::Kind::kMinEnergy);
  // 3.33 and 1.67 at 50 and 40 mJ, half of the time each; both are cheaper than full width.
  const auto schedule = saving.poet.plan(2.5, saving.situation());
  DOCTEST_CHECK(schedule.upper == 1);
  DOCTEST_CHECK(schedule.lower == 0);
  DOCTEST_CHECK(schedule.periods_in_lower == 2);

  // At the same accuracy, the lower clock draws less.
  const Made accurate(4);
  const auto halves = accurate.poet.plan(1.5, accurate.situation());
  DOCTEST_CHECK(halves.upper == 3);
  DOCTEST_CHECK(halves.lower == 2);
  DOCTEST_CHECK(halves.periods_in_lower == 2);
}

DOCTEST_TEST_CASE("in a window of one period POET takes the cheapest that is fast enough") {
  const Made made;
  DOCTEST_CHECK(made.poet.plan(1.5, made.situation()).upper == 3);
  DOCTEST_CHECK(made.poet.plan(1.5, made.situation()).periods_in_lower == 0);
  DOCTEST_CHECK(made.poet.plan(2.0, made.situation()).upper == 3);
  DOCTEST_CHECK(made.poet.plan(2.1, made.situation()).upper == 1);
  DOCTEST_CHECK(made.poet.plan(0.5, made.situation()).upper == 2);
  DOCTEST_CHECK(made.poet.plan(5.0, made.situation()).upper == 1);
}

DOCTEST_TEST_CASE("POET leaves out what breaks the limit on power, unless everything does") {
  const Made made;
  DOCTEST_CHECK(made.poet.plan(1.5, made.situation(3.5)).upper == 0);
  DOCTEST_CHECK(made.poet.plan(1.5, made.situation(2.2)).upper == 0);
  DOCTEST_CHECK(made.poet.plan(1.5, made.situation(1.5)).upper == 1);
}

DOCTEST_TEST_CASE("the controller is dead-beat: the error would be gone after one window") {
  DrivenPoet made;
  const auto observation = RivalTask::asked(10.0, 9.0);
  // The goal is 100 requests a second, twice the base speed.
  DOCTEST_CHECK(step(made.poet, observation, RivalTask::info(20.0, 4.0)) == 3);
  // It was half as fast: the base speed is about 25, and 2 + 50 / 25 = 4 are needed.
  DOCTEST_CHECK(step(made.poet, observation, RivalTask::info(6.0, 3.0)) == 1);
  // The change itself is no measure of it. Then it was 3.33 times the base speed of 50: full width
  // is fast enough again.
  DOCTEST_CHECK(step(made.poet, observation, RivalTask::info(6.0, 3.0)) == 1);
  DOCTEST_CHECK(made.poet.act(observation) == 3);
  // A new episode knows nothing of it.
  step(made.poet, observation, RivalTask::info(20.0, 4.0));
  made.poet.begin_episode();
  DOCTEST_CHECK(made.poet.act(observation) == 3);
}

}  // namespace
}  // namespace rein
