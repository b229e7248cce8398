// What a model_based agent is taught of machines that are swept.
#include "study/training/sweep_lesson.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "agent/make_agent.hpp"
#include "agent/model_based/factor_model.hpp"
#include "agent/model_based/model_based.hpp"
#include "agent/model_based/response_model.hpp"
#include "support/simulated_world.hpp"

namespace rein {
namespace {

DOCTEST_TEST_CASE("a machine without power was taught what was no number") {
  SimulatedTask task = SmallTask::make();
  task.board.total_power.clear();
  task.board.power_model = {};
  SimulatedWorld world(task);
  Random random(1);
  const Problem problem = problem_of(world.environment());
  const auto agent =
      make_agent(ConfigNode::parse("{kind: model_based}", "run.yaml"), problem, random);
  SweepLesson lesson({task}, {}, 1, 1);
  DOCTEST_REQUIRE(lesson.teach(
      *agent, 0, 4, [] { return false; }, [](double) {}));
  const FactorModel& factors = dynamic_cast<const ModelBased&>(*agent).model().factors();
  const Quantities quantities = Quantities::of(problem);
  for (std::size_t i = 0; i < quantities.hint(0); ++i) {
    DOCTEST_REQUIRE(std::isfinite(factors.offset[i]));
    DOCTEST_CHECK((i < quantities.actions || factors.offset[i] == 0.0));
  }
}

}  // namespace
}  // namespace rein
