#include "study/evaluation/paired_comparison.hpp"

#include <doctest/doctest.h>

namespace rein {
namespace {

Figures figures(double share, double violation, double regret) {
  return {{"objective_share", share}, {"violation", violation}, {"regret", regret}};
}

DOCTEST_TEST_CASE("pairs are compared episode by episode, and worlds are counted by their means") {
  const std::vector<PairedEpisodes> worlds = {
      // Fewer violations: ahead, whatever the objective. The regret is higher.
      {.own = {figures(0.90, 0.00, 0.3), figures(0.90, 0.01, 0.5)},
       .other = {figures(0.95, 0.02, 0.2), figures(0.97, 0.03, 0.2)}},
      // Violations as good as equal: the objective decides.
      {.own = {figures(0.99, 0.014, 0.1)}, .other = {figures(0.95, 0.010, 0.2)}},
      // Behind in both.
      {.own = {figures(0.80, 0.0, 0.4)}, .other = {figures(0.90, 0.0, 0.3)}}};
  Random random(1);
  const PairedComparison comparison = compare_pairs(worlds, random);
  DOCTEST_CHECK(comparison.episodes == 4);
  DOCTEST_CHECK(comparison.worlds == 3);
  // (-0.05 - 0.07 + 0.04 - 0.10) / 4
  DOCTEST_CHECK(comparison.objective_share.mean == doctest::Approx(-0.045));
  DOCTEST_CHECK(comparison.violation.mean == doctest::Approx(-0.009));
  DOCTEST_CHECK(comparison.regret.mean == doctest::Approx(0.1));
  // Only the first world has a spread: from twice -0.07 to twice -0.05.
  DOCTEST_CHECK(*comparison.objective_share.low == doctest::Approx(-0.05));
  DOCTEST_CHECK(*comparison.objective_share.high == doctest::Approx(-0.04));
  DOCTEST_CHECK(comparison.by_regret.ahead == 1);
  DOCTEST_CHECK(comparison.by_regret.behind == 2);
  DOCTEST_CHECK(comparison.by_budgets_and_objective.ahead == 2);
  DOCTEST_CHECK(comparison.by_budgets_and_objective.behind == 1);
}

DOCTEST_TEST_CASE("an episode that one of both has not played is no pair") {
  Random random(1);
  const Figures played = figures(0.9, 0.0, 0.1);
  const PairedComparison comparison = compare_pairs(
      {{.own = {played, {}}, .other = {{}, played}}, {.own = {played}, .other = {played}}}, random);
  DOCTEST_CHECK(comparison.worlds == 1);
  DOCTEST_CHECK(comparison.episodes == 1);
  DOCTEST_CHECK(comparison.by_regret.ahead + comparison.by_regret.behind == 0);
  DOCTEST_CHECK(compare_pairs({}, random).worlds == 0);
}

}  // namespace
}  // namespace rein
