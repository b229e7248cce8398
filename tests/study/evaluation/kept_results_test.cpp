// What EpisodeCache keeps is taken by later versions of the program: whoever changes what it comes
// to has to raise a version, and finds it out here.
#include <doctest/doctest.h>

#include <array>
#include <cmath>

#include "agent/oracle/oracle.hpp"
#include "study/evaluation/episode_task.hpp"
#include "study/evaluation/evaluation_plan.hpp"
#include "support/simulated_run_files.hpp"

namespace rein {
namespace {

struct Known {
  std::vector<std::string> settings;
  // Mean reward of a period, and objective in its unit.
  std::array<double, 2> oracle;
  std::array<double, 2> best_static;
};

/// With kSimulationVersion, kOracleVersion and kOutcomeVersion as they stand below.
const std::vector<Known> kKnown = {
    {{}, {-1.464307, 0.667658}, {-0.976611, 0.6}},
    {{"applications.0.requests={arrival: periodic, rate_hz: 60, batch: 1, drop_expired: true}"},
     {-0.562891, 0.6},
     {-0.562891, 0.6}},
    {{"applications.0.requests={arrival: closed_loop, batch: 2}",
      "objective={kind: min_energy, reference_mj: 100}"},
     {-2.100007, 45.176458},
     {-4.349645, 23.757436}},
    {{"budgets.temperature={limit_c: 33}"}, {-1.018795, 0.620074}, {-0.999755, 0.6}},
    {{"budgets={latency: {deadline_ms: 30}, energy: {total_j: 12, horizon_s: 8}}"},
     {0.278994, 0.686245},
     {-0.058380, 0.6}},
    {{"budgets.accuracy={min_top1: 0.75}", "prices={latency: 2, accuracy: 9}",
      "objective=min_latency"},
     {-0.855564, 25.977082},
     {-1.826113, 13.427744}},
};
constexpr int kVersions[] = {1, 2, 1};

DOCTEST_TEST_CASE("results that are kept are still what the program comes to") {
  DOCTEST_CHECK(kSimulationVersion == kVersions[0]);
  DOCTEST_CHECK(kOracleVersion == kVersions[1]);
  DOCTEST_CHECK(kOutcomeVersion == kVersions[2]);
  const SimulatedRunFiles files;
  for (const auto& known : kKnown) {
    const EvaluationPlan plan{
        .files = {files.run()},
        .variants = {Variant::of_kind("oracle"), Variant::of_kind("best_static")},
        .settings = known.settings,
        .seeds = 1};
    const auto worlds = read_worlds(plan);
    const auto tasks = make_tasks(plan, worlds);
    DOCTEST_REQUIRE(tasks.size() == 2);
    for (const auto& task : tasks) {
      const auto outcome = play(task);
      DOCTEST_REQUIRE(outcome.completed);
      const auto& expected = task.agent.kind == "oracle" ? known.oracle : known.best_static;
      const double reward = find(outcome.figures, "reward").value_or(NAN);
      const double objective = find(outcome.figures, "objective").value_or(NAN);
      // In the order of the table, for whoever has to enter them.
      DOCTEST_INFO("raise kSimulationVersion, kOracleVersion or kOutcomeVersion, and enter {",
                   std::to_string(reward), ", ", std::to_string(objective), "} of ",
                   task.agent.kind, " with ", known.settings.empty() ? "" : known.settings.back());
      DOCTEST_CHECK(std::abs(reward - expected[0]) < 2e-6);
      DOCTEST_CHECK(std::abs(objective - expected[1]) < 2e-6 * std::abs(objective) + 2e-6);
    }
  }
}

}  // namespace
}  // namespace rein
