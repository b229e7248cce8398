// What may come, counted from what came.
#include "agent/model_based/change_process.hpp"

#include <doctest/doctest.h>

#include <vector>

namespace rein {
namespace {

/// Plays levels one after the other in a place.
void play(ChangeProcess& process, std::size_t place, const std::vector<double>& levels) {
  for (std::size_t i = 1; i < levels.size(); ++i) {
    process.note(place, levels[i - 1], levels[i]);
  }
}

DOCTEST_TEST_CASE("nothing is expected to come that never came") {
  ChangeProcess process;
  DOCTEST_CHECK(process.jumps_from(0, 0.0).empty());
  play(process, 0, std::vector<double>(50, 0.3));
  DOCTEST_CHECK(process.jumps_from(0, 0.3).empty());
}

DOCTEST_TEST_CASE("a neighbour that alternates: how often it comes, and goes, and how far") {
  ChangeProcess process;
  std::vector<double> levels;
  for (int i = 0; i < 10; ++i) {
    levels.insert(levels.end(), {0.0, 0.01, -0.01, 0.0, 0.7, 0.7});
  }
  play(process, 2, levels);
  // Of 40 periods in which it paused 10 ended so; five more are counted beforehand.
  const auto come = process.jumps_from(2, 0.0);
  DOCTEST_REQUIRE(come.size() == 1);
  DOCTEST_CHECK(come[0].chance == doctest::Approx(10.0 / 45.0));
  DOCTEST_CHECK(come[0].log == doctest::Approx(0.7));
  // Of 19 in which it worked and something followed 9.
  const auto go = process.jumps_from(2, 0.7);
  DOCTEST_REQUIRE(go.size() == 1);
  DOCTEST_CHECK(go[0].chance == doctest::Approx(9.0 / 24.0));
  DOCTEST_CHECK(go[0].log == doctest::Approx(-0.7));
  // Nothing of other places, nor of levels that were not there.
  DOCTEST_CHECK(process.jumps_from(1, 0.0).empty());
  DOCTEST_CHECK(process.jumps_from(2, 0.35).empty());
}

DOCTEST_TEST_CASE("what may come is told apart by how far it goes") {
  ChangeProcess process;
  play(process, 0, {0.0, 0.4, 0.0, 1.0, 0.0, 0.4, 0.0, 1.0, 0.0});
  const auto jumps = process.jumps_from(0, 0.0);
  DOCTEST_REQUIRE(jumps.size() == 2);
  DOCTEST_CHECK(jumps[0].log == doctest::Approx(0.4));
  DOCTEST_CHECK(jumps[1].log == doctest::Approx(1.0));
  DOCTEST_CHECK(jumps[0].chance == doctest::Approx(2.0 / 9.0));
  DOCTEST_CHECK(jumps[0].chance + jumps[1].chance < 1.0);
}

DOCTEST_TEST_CASE("what was long ago is forgotten") {
  ChangeProcess process;
  play(process, 0, {0.0, 0.7, 0.0, 0.7, 0.0});
  DOCTEST_CHECK(process.jumps_from(0, 0.0).size() == 1);
  play(process, 0, std::vector<double>(5000, 0.0));
  DOCTEST_CHECK(process.jumps_from(0, 0.0).empty());
  process.note(0, 0.0, 0.7);
  process.forget();
  DOCTEST_CHECK(process.jumps_from(0, 0.0).empty());
}

}  // namespace
}  // namespace rein
