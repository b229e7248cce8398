#include "agent/oracle/best_static.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "agent/loop/budget_tally.hpp"
#include "agent/loop/run_summary.hpp"
#include "support/simulated_world.hpp"

namespace rein {
namespace {

/// Every action, played to the end.
std::vector<StaticScore> play_all(Environment& environment, std::uint64_t seed,
                                  Objective::Kind objective) {
  std::vector<StaticScore> scores;
  const auto power = find_signal(environment.signals(), "power_w");
  for (ActionId action = 0; action < environment.action_space().size(); ++action) {
    Statistics statistics;
    BudgetTally tally;
    environment.reset(seed);
    for (bool ended = false; !ended;) {
      const StepResult& result = environment.step(environment.action_space().decode(action));
      statistics.add(result, result.info.signals[*power], std::nullopt);
      tally.add(result.info);
      ended = result.truncated;
    }
    scores.push_back(
        {action, tally.worst_rate(), statistics.objective({objective}), statistics.power_w()});
  }
  return scores;
}

/// Disturbed at first. @param budgets, later  of the first phase, and of the second.
SimulatedTask noisy_task(const std::string& budgets, const std::string& later) {
  return SmallTask::make(
      "name: noisy\n"
      "co_runners:\n"
      "  burner: {contention: {cpu: {fastest: 1}}}\n"
      "phases:\n"
      "  - {name: burnt, duration_s: 3, co_runners: [burner], budgets: " +
          budgets +
          "}\n"
          "  - {name: alone, duration_s: 7, budgets: " +
          later + "}\n",
      "  latency_noise: {sigma: 0.05, tail_share: 0.05, tail_scale: 0.5, tail_shape: 0.2,\n"
      "                  tail_persistence: 0.7}\n");
}

DOCTEST_TEST_CASE("the search finds what playing every configuration to the end finds") {
  struct Case {
    Objective::Kind objective;
    std::string budgets;
    std::string later;
  };
  const std::string nothing = "{latency: {deadline_ms: 1}}";
  const std::string exceeded_at_first = "{power: {limit_w: 1.5}}";
  for (const auto& each :
       {Case{Objective::Kind::kMaxAccuracy, "{}", "{}"},
        Case{Objective::Kind::kMaxAccuracy, "{}", "{latency: {deadline_ms: 9}}"},
        Case{Objective::Kind::kMaxAccuracy, nothing, nothing},
        Case{Objective::Kind::kMaxAccuracy, exceeded_at_first, "{latency: {deadline_ms: 6}}"},
        Case{Objective::Kind::kMinEnergy, "{}", "{accuracy: {min_top1: 0.7}}"},
        Case{Objective::Kind::kMinPower, "{}", "{power: {limit_w: 1.6}}"},
        Case{Objective::Kind::kMinLatency, "{}", "{}"}}) {
    const auto& [objective, budgets, later] = each;
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      DOCTEST_CAPTURE(each.budgets + each.later);
      DOCTEST_CAPTURE(seed);
      SimulatedTask task = noisy_task(budgets, later);
      task.objective = {.kind = objective, .reference = 1000.0};
      SimulatedWorld world(task);
      const auto all = play_all(world.environment(), seed, objective);
      const double least = std::ranges::min(all, {}, &StaticScore::violation).violation;
      const bool maximised = objective == Objective::Kind::kMaxAccuracy;
      double best = maximised ? 0.0 : 1e9;
      for (const auto& score : all) {
        if (score.violation <= least + 0.001) {
          best = maximised ? std::max(best, *score.objective) : std::min(best, *score.objective);
        }
      }
      StaticSearch search(world.environment(), {objective});
      const auto found = search.run(seed);
      DOCTEST_REQUIRE_FALSE(found.empty());
      const StaticScore& same = all[found.front().action];
      DOCTEST_CHECK(*same.objective == doctest::Approx(best).epsilon(1e-12));
      DOCTEST_CHECK(same.violation <= least + 0.001);
      DOCTEST_CHECK(found.front().violation == same.violation);
      DOCTEST_CHECK(found.front().objective == same.objective);
      DOCTEST_CHECK(search.run(seed).front().action == found.front().action);
    }
  }
}

DOCTEST_TEST_CASE("of configurations with the same accuracy the one of least power is the best") {
  SimulatedTask task = SmallTask::make();
  task.platform.places = {"all2", "cpu0"};  // The lowest number is not the least power.
  SimulatedWorld world(task);
  StaticSearch search(world.environment(), {Objective::Kind::kMaxAccuracy});
  const StaticScore found = search.run(1).front();
  for (const auto& score : play_all(world.environment(), 1, Objective::Kind::kMaxAccuracy)) {
    DOCTEST_CAPTURE(world.environment().action_space().describe(
        world.environment().action_space().decode(score.action)));
    if (score.violation == 0.0 && *score.objective == *found.objective) {
      DOCTEST_CHECK(*score.power_w >= *found.power_w);
    }
  }
}

DOCTEST_TEST_CASE("a search that is stopped says what it has") {
  SimulatedWorld world(SmallTask::make());
  StaticSearch search(world.environment(), {Objective::Kind::kMaxAccuracy}, [] { return true; });
  DOCTEST_CHECK(search.run(1).empty());
}

}  // namespace
}  // namespace rein
