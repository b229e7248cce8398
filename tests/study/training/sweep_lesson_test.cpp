// What a model_based agent is taught of machines that are swept.
#include "study/training/sweep_lesson.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "agent/make_agent.hpp"
#include "agent/model_based/factor_model.hpp"
#include "agent/model_based/model_based.hpp"
#include "agent/model_based/others_demand.hpp"
#include "support/simulated_world.hpp"

namespace rein {
namespace {

DOCTEST_TEST_CASE("a sweep took the first signal for power where none is measured") {
  SimulatedTask task = SmallTask::make();
  task.board.total_power.clear();
  task.board.power_model = {};
  SimulatedWorld world(task);
  Random random(1);
  const auto agent = make_agent(ConfigNode::parse("{kind: model_based}", "run.yaml"),
                                problem_of(world.environment()), random);
  SweepLesson lesson({task}, {}, 1, 1);
  DOCTEST_REQUIRE(lesson.teach(
      *agent, 0, 4, [] { return false; }, [](double) {}));
  const auto json = dynamic_cast<const ModelBased&>(*agent).model().to_json();
  DOCTEST_CHECK(json.at("power_scale_w").is_null());
  const std::size_t actions = world.environment().action_space().size();
  const FactorModel factors =
      FactorModel::from_json(ConfigNode::parse(json.at("factors").dump(), "factors.json"),
                             3 * actions + find_cpu_shares(world.environment().signals()).size());
  for (std::size_t i = 0; i < 3 * actions; ++i) {
    DOCTEST_REQUIRE(std::isfinite(factors.offset[i]));
    DOCTEST_CHECK((i < actions || factors.offset[i] == 0.0));
  }
}

}  // namespace
}  // namespace rein
