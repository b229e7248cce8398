#include "agent/rivals/slackfit.hpp"

#include <doctest/doctest.h>

#include "agent/core/unlearning.hpp"
#include "support/rival_task.hpp"

namespace rein {
namespace {

struct Made {
  explicit Made(double margin = 1.0, Objective::Kind objective = Objective::Kind::kMaxAccuracy)
      : agent(std::make_unique<SlackFit>(SlackFit::Options{.margin = margin, .power_share = 1.0},
                                         RivalTask::profile(), task.problem(objective)),
              task.problem(objective), random) {}
  /// After a period at whose end the oldest request had waited so long.
  ActionId choose(double deadline_ms, double power_limit_w, double waited_ms) {
    slackfit.begin_episode();
    const Asked asked = RivalTask::asked(deadline_ms, power_limit_w);
    StepInfo info = RivalTask::info(10.0, 2.0);
    info.applications.front().service.waited_ms = waited_ms;
    info.applications.front().service.queued = waited_ms > 0.0 ? 1 : 0;
    step(slackfit, asked, info);
    return slackfit.act(asked);
  }
  RivalTask task;
  Random random{1};
  Unlearning agent;
  Driven slackfit{agent, task.actions, random};
};

DOCTEST_TEST_CASE("SlackFit takes the widest level that the oldest request's slack permits") {
  Made made;
  // Of a deadline of 25 ms 25, 17, 9 and 3 ms are left: for 20, 10 and 6 ms, and for none.
  DOCTEST_CHECK(made.choose(25.0, 9.0, 0.0) == 2);  // Of two full widths that which draws less.
  DOCTEST_CHECK(made.choose(25.0, 9.0, 8.0) == 3);
  DOCTEST_CHECK(made.choose(25.0, 9.0, 16.0) == 1);
  DOCTEST_CHECK(made.choose(25.0, 9.0, 22.0) == 1);  // The fastest there is.
  DOCTEST_CHECK(made.choose(25.0, 9.0, 400.0) == 1);
}

DOCTEST_TEST_CASE("what SlackFit does for a queue keeps the limit on power") {
  Made made;
  // 3 and 4 W are too much: 12 ms fit into 17 ms, and are nearest to 9 and 3 ms.
  DOCTEST_CHECK(made.choose(25.0, 2.6, 0.0) == 2);
  DOCTEST_CHECK(made.choose(25.0, 2.6, 8.0) == 0);
  DOCTEST_CHECK(made.choose(25.0, 2.6, 16.0) == 0);
  // But what is late for a request that never waited is not taken for the sake of power.
  DOCTEST_CHECK(made.choose(8.0, 2.6, 0.0) == 1);
}

DOCTEST_TEST_CASE("SlackFit leaves a margin, and takes what the objective asks for of what fits") {
  Made careful(1.15);
  DOCTEST_CHECK(careful.choose(22.0, 9.0, 0.0) == 3);  // 23 ms are expected of the slow clock.
  Made saving(1.0, Objective::Kind::kMinEnergy);
  DOCTEST_CHECK(saving.choose(25.0, 9.0, 0.0) == 0);   // 40 mJ.
  DOCTEST_CHECK(saving.choose(25.0, 9.0, 14.0) == 1);  // 11 ms are left: 50 mJ before 80.
}

}  // namespace
}  // namespace rein
