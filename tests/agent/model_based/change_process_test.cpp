// What may come, counted from what came.
#include "agent/model_based/change_process.hpp"

#include <doctest/doctest.h>

#include <vector>

namespace rein {
namespace {

/// Plays levels of what goes on one after the other; a second number is noise to who asks.
void play(ChangeProcess& process, const std::vector<double>& levels) {
  for (const double level : levels) {
    process.note(std::vector{level, 1.0 - level});
  }
}
constexpr double kSlows[] = {1.0, 0.0};

DOCTEST_TEST_CASE("nothing is expected to come that never came") {
  ChangeProcess process;
  DOCTEST_CHECK(process.jumps(kSlows).empty());
  play(process, std::vector<double>(50, 0.3));
  DOCTEST_CHECK(process.jumps(kSlows).empty());
}

DOCTEST_TEST_CASE("a neighbour that alternates: how often it comes, and goes, and how far") {
  ChangeProcess process;
  for (int i = 0; i < 10; ++i) {
    play(process, {0.0, 0.01, -0.01, 0.0, 0.7, 0.7});
  }
  // Of 19 periods in which it worked, and something followed, it went in 9; five are counted
  // beforehand.
  const auto go = process.jumps(kSlows);
  DOCTEST_REQUIRE(go.size() == 1);
  DOCTEST_CHECK(go[0].chance == doctest::Approx(9.0 / 24.0));
  DOCTEST_CHECK(go[0].log == doctest::Approx(-0.7));
  play(process, {0.0});
  // Of 40 periods in which it paused 10 ended so.
  const auto come = process.jumps(kSlows);
  DOCTEST_REQUIRE(come.size() == 1);
  DOCTEST_CHECK(come[0].chance == doctest::Approx(10.0 / 45.0));
  DOCTEST_CHECK(come[0].log == doctest::Approx(0.7));
  // Who is half as sensitive is slowed by half, and who is not is not.
  DOCTEST_CHECK(process.jumps(std::vector{0.5, 0.0})[0].log == doctest::Approx(0.35));
  DOCTEST_CHECK(process.jumps(std::vector{0.01, 0.0}).empty());
  // There nothing came yet.
  play(process, {0.35});
  DOCTEST_CHECK(process.jumps(kSlows).empty());
}

DOCTEST_TEST_CASE("what may come is told apart by how far it goes") {
  ChangeProcess process;
  play(process, {0.0, 0.4, 0.0, 1.0, 0.0, 0.4, 0.0, 1.0, 0.0});
  const auto jumps = process.jumps(kSlows);
  DOCTEST_REQUIRE(jumps.size() == 2);
  DOCTEST_CHECK(jumps[0].log == doctest::Approx(0.4));
  DOCTEST_CHECK(jumps[1].log == doctest::Approx(1.0));
  DOCTEST_CHECK(jumps[0].chance == doctest::Approx(2.0 / 9.0));
  DOCTEST_CHECK(jumps[0].chance + jumps[1].chance < 1.0);
}

DOCTEST_TEST_CASE("what was long ago is forgotten") {
  ChangeProcess process;
  play(process, {0.0, 0.7, 0.0, 0.7, 0.0});
  DOCTEST_CHECK(process.jumps(kSlows).size() == 1);
  play(process, std::vector<double>(500, 0.0));
  DOCTEST_CHECK(process.jumps(kSlows).empty());
  play(process, {0.7, 0.0});
  process.forget();
  DOCTEST_CHECK(process.jumps(kSlows).empty());
}

}  // namespace
}  // namespace rein
