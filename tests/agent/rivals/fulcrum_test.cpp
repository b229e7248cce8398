#include "agent/rivals/fulcrum.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "support/asked.hpp"

namespace rein {
namespace {

/// Widths 0.25 to 1 and clocks of 250 to 2000 MHz: a request takes 20 ms x width x 1000 / MHz, and
/// draws 2 W x MHz / 1000.
struct Grid {
  static Profile make_profile() {
    Profile profile;
    for (const double width : {0.25, 0.5, 0.75, 1.0}) {
      for (const double mhz : {250.0, 500.0, 1000.0, 2000.0}) {
        ProfileEntry entry{.action = profile.entries.size(), .requests = 100};
        entry.service_ms = 20.0 * width * 1000.0 / mhz;
        entry.power_w = 2.0 * mhz / 1000.0;
        entry.energy_mj = *entry.power_w * *entry.service_ms;
        entry.top1 = 0.5 + 0.3 * width;
        profile.entries.push_back(entry);
      }
    }
    return profile;
  }
  static Asked asked(double deadline_ms, double power_limit_w) {
    return Asked({.deadline_ms = deadline_ms, .power_limit_w = power_limit_w, .rate_hz = 10.0});
  }
  static ActionId of(std::size_t width, std::size_t clock) { return width * 4 + clock; }

  explicit Grid(std::size_t profiled = 15)
      : fulcrum({.profiled = profiled, .margin = 1.0, .power_share = 1.0}, make_profile(),
                Problem{actions,
                        observations,
                        std::vector<double>(16, 1.0),
                        {},
                        {.top1 = {0.575, 0.65, 0.725, 0.8}, .objective = {}, .prices = {}}}),
        session(fulcrum.begin_episode(random)) {}
  ActionId choose(double deadline_ms, double power_limit_w) {
    return actions.encode(fulcrum.decide(asked(deadline_ms, power_limit_w), *session).action);
  }
  const std::vector<ActionId>& known() const { return session->as<Fulcrum::Now>().known; }

  ActionSpace actions{{
      {"width.app",
       "1",
       Knob::Kind::kWidth,
       {{"0.25", 0.25}, {"0.5", 0.5}, {"0.75", 0.75}, {"1.0", 1.0}}},
      {"frequency.cpu",
       "MHz",
       Knob::Kind::kFrequency,
       {{"250", 250.0}, {"500", 500.0}, {"1000", 1000.0}, {"2000", 2000.0}},
       {0}},
  }};
  ObservationSpec observations{{Feature{.name = "x"}}};
  Random random{1};
  Fulcrum fulcrum;
  std::unique_ptr<Session> session;
};

DOCTEST_TEST_CASE("Fulcrum finds the best from the slopes of three, and profiles that one more") {
  Grid grid;
  // 25 ms and 3 W permit full width at 1000 MHz: 20 ms and 2 W.
  DOCTEST_CHECK(grid.choose(25.0, 3.0) == Grid::of(3, 2));
  // The middle, half of the way down along each knob, and what their slopes promise.
  DOCTEST_CHECK(grid.known() == std::vector<ActionId>{Grid::of(2, 2), Grid::of(1, 2),
                                                      Grid::of(2, 1), Grid::of(3, 2)});
  // 12 ms: of half width at 1000 MHz it is known already, and nothing wider promises it within 3 W.
  DOCTEST_CHECK(grid.choose(12.0, 3.0) == Grid::of(1, 2));
  DOCTEST_CHECK(grid.known().size() == 4);
  // 4 W permit 2000 MHz, and full width in 10 ms.
  DOCTEST_CHECK(grid.choose(12.0, 4.5) == Grid::of(3, 3));
}

DOCTEST_TEST_CASE("Fulcrum never takes what it has not profiled, nor profiles more than it may") {
  Grid grid(1);
  DOCTEST_CHECK(grid.choose(25.0, 3.0) == Grid::of(2, 2));
  DOCTEST_CHECK(grid.known().size() == 1);
  Random random(1);
  for (std::size_t asked = 2; asked < 30; ++asked) {
    const ActionId chosen =
        grid.choose(3.0 + 60.0 * random.uniform(), 0.4 + 4.0 * random.uniform());
    DOCTEST_CHECK(grid.known().size() <= asked);
    DOCTEST_CHECK(std::ranges::count(grid.known(), chosen) == 1);
  }
}

DOCTEST_TEST_CASE("a limit that drifts a little does not make Fulcrum search anew") {
  Grid grid(1);
  grid.choose(25.0, 3.0);
  grid.choose(25.0, 3.05);
  DOCTEST_CHECK(grid.known().size() == 1);
  DOCTEST_CHECK(grid.session->as<Fulcrum::Now>().searched->power_limit_w == 3.0);
  grid.choose(25.0, 4.0);
  DOCTEST_CHECK(grid.session->as<Fulcrum::Now>().searched->power_limit_w == 4.0);
}

}  // namespace
}  // namespace rein
