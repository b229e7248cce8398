// The shield: each rule with periods made by hand, and what it is worth to an agent that knows
// nothing.
#include "agent/loop/shield.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/core/unlearning.hpp"
#include "agent/loop/control_loop.hpp"
#include "agent/loop/run_summary.hpp"
#include "agent/rivals/simple_agents.hpp"
#include "common/error.hpp"
#include "support/asked.hpp"
#include "support/simulated_world.hpp"

namespace rein {
namespace {

/// Two widths, two places, three clocks; a power limit of 5 W and one of 80 degC.
struct Bench {
  Problem problem() const {
    return {actions, observations, std::vector<double>(actions.size(), 1.0), signals};
  }
  static Action id(std::size_t width, std::size_t place, std::size_t clock) {
    return {width, place, clock};
  }
  std::vector<Action> all() const {
    std::vector<Action> found;
    for (ActionId action = 0; action < actions.size(); ++action) {
      found.push_back(actions.decode(action));
    }
    return found;
  }
  static StepInfo info(std::optional<double> power_w, std::optional<double> hottest_c = 50.0) {
    StepInfo info;
    info.signals = {power_w, std::nullopt, hottest_c};
    info.budgets = {{.id = {.kind = BudgetId::Kind::kLatency}, .name = "latency.app"},
                    {.id = {.kind = BudgetId::Kind::kPower}, .name = "power"},
                    {.id = {.kind = BudgetId::Kind::kTemperature}, .name = "temperature"}};
    return info;
  }
  void live(const Action& action, StepInfo info) {
    info.task = asked.task;
    PeriodRecord record;
    record.action = record.decision.action = action;
    record.result.info = std::move(info);
    shield.observe(record);
  }
  void live(const Action& action, const StepInfo& info, int periods) {
    for (int i = 0; i < periods; ++i) {
      live(action, info);
    }
  }
  Shield::Verdict check(const Action& wanted) {
    shield.expect(asked.task);
    auto verdict = shield.check(wanted);
    // What it says is allowed it does not change, and what it changes had not been.
    DOCTEST_CHECK((!shield.allows(wanted) || verdict.action == wanted));
    DOCTEST_CHECK((shield.allows(wanted) || verdict.reason != Overruled::kNot));
    DOCTEST_CHECK((shield.allows(wanted) || !shield.allows_all()));
    return verdict;
  }
  bool permits(const Action& wanted) {
    const auto verdict = check(wanted);
    return verdict.action == wanted && verdict.reason == Overruled::kNot;
  }
  /// For how many periods it takes over, all of which are like this.
  int held(const StepInfo& info) {
    int periods = 0;
    for (; check(id(1, 1, 2)).reason != Overruled::kNot; ++periods) {
      live(id(0, 0, 0), info);
    }
    return periods;
  }

  ActionSpace actions{{Knob{"width.app", "1", Knob::Kind::kWidth, {{"half", 0.5}, {"full", 1}}},
                       Knob{"mapping.app", "", Knob::Kind::kMapping, {{"cpu", 1}, {"gpu", 2}}},
                       Knob{"frequency.cpu",
                            "MHz",
                            Knob::Kind::kFrequency,
                            {{"100", 100}, {"200", 200}, {"300", 300}}}}};
  ObservationSpec observations{{Feature{.name = "x"}}};
  std::vector<SignalDescription> signals = {{"power_w", "W", "test"},
                                            {"temperature_c.dead", "degC", "test", false, true},
                                            {"temperature_c.soc", "degC", "test", false, true}};
  Asked asked{Asked::Limits{.power_limit_w = 5.0, .temperature_limit_c = 80.0}};
  Shield shield{{}, problem()};
};

StepInfo over(StepInfo info, BudgetId::Kind kind) {
  for (auto& status : info.budgets) {
    status.exceeded = status.id.kind == kind;
  }
  return info;
}

StepInfo refusing(StepInfo info, bool left_out = false) {
  info.granted.resize(3);
  info.granted[2].refused = true;
  info.granted[2].left_out = left_out;
  return info;
}

DOCTEST_TEST_CASE("what nothing is known of is permitted") {
  Bench bench;
  for (const Action& action : bench.all()) {
    DOCTEST_CHECK(bench.permits(action));
  }
}

DOCTEST_TEST_CASE("what drew too much is masked, and what is costlier in the same place") {
  Bench bench;
  bench.live(bench.id(0, 0, 1), Bench::info(5.6));  // Above 5 x 1.1.
  const std::set<Action> masked = {bench.id(0, 0, 1), bench.id(0, 0, 2), bench.id(1, 0, 1),
                                   bench.id(1, 0, 2)};
  for (const Action& action : bench.all()) {
    DOCTEST_CAPTURE(bench.actions.describe(action));
    DOCTEST_CHECK(bench.permits(action) == (masked.count(action) == 0));
  }
  DOCTEST_CHECK(bench.check(bench.id(0, 0, 2)).reason == Overruled::kPower);
  bench.asked.task.power.reset();
  DOCTEST_CHECK(bench.permits(bench.id(0, 0, 2)));
}

DOCTEST_TEST_CASE("as long as nothing can be masked the shield says that all is allowed") {
  Bench bench;
  const auto allows_all = [&bench] {
    bench.shield.expect(bench.asked.task);
    return bench.shield.allows_all();
  };
  DOCTEST_CHECK(allows_all());
  bench.live(bench.id(0, 0, 1), Bench::info(5.4));
  DOCTEST_CHECK(allows_all());
  bench.live(bench.id(0, 0, 1), Bench::info(5.8));
  DOCTEST_CHECK_FALSE(allows_all());
  bench.asked.task.power.reset();
  DOCTEST_CHECK(allows_all());
  bench.live(bench.id(0, 0, 1), Bench::info(5.0, 79.5));
  DOCTEST_CHECK_FALSE(allows_all());
  bench.live(bench.id(0, 0, 1), Bench::info(5.0, 70.0));
  DOCTEST_CHECK(allows_all());
  bench.live(bench.id(0, 0, 1), refusing(Bench::info(5.0)), 3);  // It takes over.
  DOCTEST_CHECK_FALSE(allows_all());
}

DOCTEST_TEST_CASE("a little more than the limit masks nothing") {
  Bench bench;
  bench.live(bench.id(0, 0, 1), Bench::info(5.4));
  DOCTEST_CHECK(bench.permits(bench.id(0, 0, 1)));
  bench.live(bench.id(0, 0, 1), Bench::info(5.8));  // The mean is (5.4 + 5.8) / 2 = 5.6.
  DOCTEST_CHECK_FALSE(bench.permits(bench.id(0, 0, 1)));
}

DOCTEST_TEST_CASE("a limit of milliwatts masks what draws more") {
  Bench bench;
  bench.asked.task.power->limit_w = 5e-3;
  bench.live(bench.id(0, 0, 1), Bench::info(5.6e-3));
  DOCTEST_CHECK_FALSE(bench.permits(bench.id(0, 0, 1)));
  DOCTEST_CHECK(bench.permits(bench.id(0, 0, 0)));
}

DOCTEST_TEST_CASE("what was seen of one power is not held against a limit on another") {
  Bench bench;
  bench.live(bench.id(0, 0, 1), Bench::info(9.0));
  DOCTEST_CHECK_FALSE(bench.permits(bench.id(0, 0, 1)));
  bench.asked.task.power->signal = PowerSignal::kOurs;
  DOCTEST_CHECK(bench.permits(bench.id(0, 0, 1)));
}

DOCTEST_TEST_CASE("frequencies are lowered before the width, and no more than is needed") {
  Bench bench;
  bench.live(bench.id(0, 0, 1), Bench::info(9.0));
  DOCTEST_CHECK(bench.check(bench.id(1, 0, 2)).action == bench.id(1, 0, 0));
  bench.live(bench.id(1, 0, 0), Bench::info(9.0));
  DOCTEST_CHECK(bench.check(bench.id(1, 0, 2)).action == bench.id(0, 0, 0));
  bench.live(bench.id(0, 0, 0), Bench::info(9.0));
  // Nothing is left in this place, and no configuration is known to be safe.
  DOCTEST_CHECK(bench.check(bench.id(1, 0, 2)).action == bench.id(0, 0, 0));
  DOCTEST_CHECK(bench.check(bench.id(1, 0, 2)).reason == Overruled::kPower);
}

DOCTEST_TEST_CASE("a mask expires after as many periods as are remembered") {
  Bench bench;
  bench.live(bench.id(0, 0, 1), Bench::info(9.0));
  bench.live(bench.id(0, 1, 0), Bench::info(1.0), 49);
  DOCTEST_CHECK_FALSE(bench.permits(bench.id(0, 0, 1)));
  bench.live(bench.id(0, 1, 0), Bench::info(1.0));
  DOCTEST_CHECK(bench.permits(bench.id(0, 0, 1)));
}

DOCTEST_TEST_CASE("a costlier action that has since drawn less lifts the mask") {
  Bench bench;
  bench.live(bench.id(0, 0, 1), Bench::info(9.0));
  bench.live(bench.id(0, 0, 2), Bench::info(4.0));
  DOCTEST_CHECK(bench.permits(bench.id(0, 0, 1)));
  DOCTEST_CHECK(bench.permits(bench.id(1, 0, 2)) == false);  // That is costlier still.
}

DOCTEST_TEST_CASE("a reading from before the period is not held against its action") {
  Bench bench;
  StepInfo stale = Bench::info(9.0);
  stale.stale = {0};
  bench.live(bench.id(0, 0, 1), stale);
  DOCTEST_CHECK(bench.permits(bench.id(0, 0, 1)));
}

DOCTEST_TEST_CASE("power is that of the action that was granted") {
  Bench bench;
  StepInfo info = Bench::info(9.0);
  info.granted.resize(3);
  info.granted[2].level = 1;  // Of {0, 0, 2} that was asked for.
  bench.live(bench.id(0, 0, 2), info);
  DOCTEST_CHECK_FALSE(bench.permits(bench.id(0, 0, 1)));
  DOCTEST_CHECK(bench.permits(bench.id(0, 0, 0)));
}

DOCTEST_TEST_CASE("near the temperature limit nothing may draw more than what is in force") {
  Bench bench;
  bench.live(bench.id(0, 1, 1), Bench::info(4.5, 78.9));
  DOCTEST_CHECK(bench.permits(bench.id(0, 1, 2)));
  bench.live(bench.id(0, 1, 1), Bench::info(4.5, 79.1));
  const auto verdict = bench.check(bench.id(0, 1, 2));
  DOCTEST_CHECK(verdict.reason == Overruled::kTemperature);
  DOCTEST_CHECK(verdict.action == bench.id(0, 1, 1));
  DOCTEST_CHECK(bench.permits(bench.id(0, 1, 0)));
  DOCTEST_CHECK(bench.permits(bench.id(0, 0, 1)));  // Of another place nothing is known.

  bench.live(bench.id(0, 0, 1), Bench::info(3.0, 79.1));
  DOCTEST_CHECK(bench.check(bench.id(0, 1, 1)).reason == Overruled::kTemperature);  // 4.5 W of 3.3.
}

DOCTEST_TEST_CASE("at the temperature limit the safe configuration is taken") {
  Bench bench;
  bench.live(bench.id(1, 1, 1), Bench::info(2.0), 10);
  bench.live(bench.id(0, 0, 2), Bench::info(4.0, 80.5));
  const auto verdict = bench.check(bench.id(0, 0, 0));
  DOCTEST_CHECK(verdict.reason == Overruled::kTemperature);
  DOCTEST_CHECK(verdict.action == bench.id(1, 1, 1));
  bench.asked.task.temperature.reset();
  DOCTEST_CHECK(bench.permits(bench.id(0, 0, 0)));
}

DOCTEST_TEST_CASE("safe is what kept every budget for ten periods with the least power") {
  Bench bench;
  const auto safe = [&] {  // Read off a copy that is too hot.
    Bench hot{.shield = bench.shield};
    hot.live(hot.id(1, 1, 1), Bench::info(std::nullopt, 90.0));
    return hot.check(hot.id(1, 1, 2)).action;
  };
  DOCTEST_CHECK(safe() == bench.id(0, 1, 0));  // The lowest, in the place in force.
  bench.live(bench.id(1, 0, 1), Bench::info(3.0), 9);
  DOCTEST_CHECK(safe() == bench.id(0, 1, 0));
  bench.live(bench.id(1, 0, 1), Bench::info(3.0));
  DOCTEST_CHECK(safe() == bench.id(1, 0, 1));
  bench.live(bench.id(1, 0, 2), Bench::info(4.0), 10);
  DOCTEST_CHECK(safe() == bench.id(1, 0, 1));
  const StepInfo late = over(Bench::info(1.0), BudgetId::Kind::kLatency);
  bench.live(bench.id(0, 0, 0), Bench::info(1.0), 9);
  bench.live(bench.id(0, 0, 0), late);
  bench.live(bench.id(0, 0, 0), Bench::info(1.0), 9);
  DOCTEST_CHECK(safe() == bench.id(1, 0, 1));
  bench.live(bench.id(0, 0, 0), Bench::info(1.0));
  DOCTEST_CHECK(safe() == bench.id(0, 0, 0));
}

DOCTEST_TEST_CASE("what was safe under a higher limit is not safe under a lower one") {
  Bench bench;
  bench.live(bench.id(1, 0, 1), Bench::info(4.0), 10);
  bench.live(bench.id(1, 1, 1), Bench::info(4.0, 90.0));
  DOCTEST_CHECK(bench.check({0, 0, 0}).action == bench.id(1, 0, 1));
  bench.asked.task.power->limit_w = 3.0;
  DOCTEST_CHECK(bench.check({0, 0, 0}).action == bench.id(0, 1, 0));
}

DOCTEST_TEST_CASE("it takes over when a signal that a budget needs has been missing") {
  for (const StepInfo& blind : {Bench::info(std::nullopt), Bench::info(2.0, std::nullopt)}) {
    Bench bench;
    bench.live(bench.id(1, 1, 2), blind, 9);
    DOCTEST_CHECK(bench.permits(bench.id(1, 1, 2)));
    bench.live(bench.id(1, 1, 2), blind);
    DOCTEST_CHECK(bench.check(bench.id(1, 1, 2)).reason == Overruled::kSensors);
    DOCTEST_CHECK(bench.check(bench.id(1, 1, 2)).action == bench.id(0, 1, 0));
    DOCTEST_CHECK(bench.held(Bench::info(2.0)) == 20);
  }
}

DOCTEST_TEST_CASE("a signal that no budget needs may be missing, and so may one there never was") {
  Bench bench;
  StepInfo blind = Bench::info(std::nullopt, std::nullopt);
  blind.budgets.clear();
  bench.live(bench.id(0, 0, 0), blind, 100);
  DOCTEST_CHECK(bench.permits(bench.id(1, 1, 2)));

  Bench bare{.signals = {}};
  bare.live(bare.id(0, 0, 0), Bench::info(std::nullopt, std::nullopt), 100);
  DOCTEST_CHECK(bare.permits(bare.id(1, 1, 2)));
}

DOCTEST_TEST_CASE("it takes over when a knob was refused three times in a row") {
  Bench bench;
  bench.live({0, 0, 0}, refusing(Bench::info(2.0)), 2);
  bench.live({0, 0, 0}, Bench::info(2.0));
  bench.live({0, 0, 0}, refusing(Bench::info(2.0)), 2);
  DOCTEST_CHECK(bench.permits(bench.id(1, 1, 2)));
  // The third time the platform gives up, and says so for ever.
  const StepInfo given_up = refusing(Bench::info(2.0), /*left_out=*/true);
  bench.live({0, 0, 0}, given_up);
  DOCTEST_CHECK(bench.check(bench.id(1, 1, 2)).reason == Overruled::kActuation);
  DOCTEST_CHECK(bench.held(given_up) == 20);
}

DOCTEST_TEST_CASE("it takes over when a hard limit was exceeded for twenty periods") {
  for (const auto kind : {BudgetId::Kind::kPower, BudgetId::Kind::kTemperature}) {
    Bench bench;
    bench.live({0, 0, 0}, over(Bench::info(2.0), kind), 19);
    bench.live({0, 0, 0}, Bench::info(2.0));
    bench.live({0, 0, 0}, over(Bench::info(2.0), kind), 19);
    DOCTEST_CHECK(bench.permits(bench.id(1, 1, 2)));
    bench.live({0, 0, 0}, over(Bench::info(2.0), kind));
    DOCTEST_CHECK(bench.check(bench.id(1, 1, 2)).reason == Overruled::kBudgets);
    // Another chance, even if it made no difference.
    DOCTEST_CHECK(bench.held(over(Bench::info(2.0), kind)) == 20);
  }
  Bench late;
  late.live({0, 0, 0}, over(Bench::info(2.0), BudgetId::Kind::kLatency), 100);
  DOCTEST_CHECK(late.permits(late.id(1, 1, 2)));
}

DOCTEST_TEST_CASE("it takes over for twice as long each time, until all went well for long") {
  Bench bench;
  const StepInfo good = Bench::info(2.0);
  const auto hold = [&] {
    bench.live({0, 0, 0}, over(good, BudgetId::Kind::kPower), 20);
    return bench.held(good);
  };
  for (const int expected : {20, 40, 80, 160, 320, 320}) {
    DOCTEST_CHECK(hold() == expected);
  }
  bench.live({0, 0, 0}, good, 199);
  bench.live({0, 0, 0}, over(good, BudgetId::Kind::kPower));
  bench.live({0, 0, 0}, good);
  DOCTEST_CHECK(hold() == 320);
  bench.live({0, 0, 0}, good, 200);
  DOCTEST_CHECK(hold() == 20);
}

DOCTEST_TEST_CASE("it stays in charge while the sensor is still dead") {
  Bench bench;
  bench.live({0, 0, 0}, Bench::info(std::nullopt), 10);
  for (int i = 0; i < 500; ++i) {
    DOCTEST_REQUIRE(bench.check(bench.id(1, 1, 2)).reason == Overruled::kSensors);
    bench.live({0, 0, 0}, Bench::info(std::nullopt));
  }
  DOCTEST_CHECK(bench.held(Bench::info(2.0)) <= 320);
}

DOCTEST_TEST_CASE("a new episode begins with a shield that knows nothing") {
  Bench bench;
  bench.live(bench.id(0, 0, 0), Bench::info(9.0), 10);
  bench.live(bench.id(0, 0, 0), over(Bench::info(9.0), BudgetId::Kind::kPower), 20);
  bench.shield.begin_episode();
  DOCTEST_CHECK(bench.permits(bench.id(1, 0, 2)));
}

DOCTEST_TEST_CASE("whatever a period does not say is no reason to throw") {
  Bench bench;
  PeriodRecord imagined;
  imagined.action = imagined.decision.action = {0, 0, 0};
  bench.shield.observe(imagined);
  const StepInfo nothing;
  bench.live(bench.id(1, 1, 2), nothing, 300);
  StepInfo half = Bench::info(2.0);
  half.signals.resize(1);
  half.granted.resize(1);
  bench.live(bench.id(1, 1, 2), half, 300);
  DOCTEST_CHECK_NOTHROW(bench.actions.check(bench.check(bench.id(1, 1, 2)).action));
  const ObservationSpec blank{{Feature{.name = "f"}}};
  const Shield shield({}, {bench.actions, blank, {}});
  DOCTEST_CHECK(shield.check({0, 1, 0}).action == Action{0, 1, 0});
}

DOCTEST_TEST_CASE("a run file says whether there is a shield, and which") {
  const auto read = [](const std::string& text) {
    return ShieldSetting::from_yaml(ConfigNode::parse(text, "run.yaml").at("shield"));
  };
  DOCTEST_CHECK(read("shield: true").options_or(false).has_value());
  DOCTEST_CHECK_FALSE(read("shield: false").options_or(true).has_value());
  DOCTEST_CHECK(ShieldSetting{}.options_or(true).has_value());
  DOCTEST_CHECK_FALSE(ShieldSetting{}.options_or(false).has_value());
  DOCTEST_CHECK(read("shield: {tolerance: 0.2}").options_or(false)->tolerance == 0.2);
  for (const std::string wrong :
       {"shield: maybe", "shield: {tolerance: -1}", "shield: {memory_periods: 0}",
        "shield: {hold: 3}", "shield: {hold_periods: 400}"}) {
    DOCTEST_CAPTURE(wrong);
    DOCTEST_CHECK_THROWS_AS(read(wrong), ConfigError);
  }
}

/// What became of an agent that takes anything.
struct Course {
  int far_over = 0;  ///< Periods that drew more than 1.1 times the limit.
  int interventions = 0;
  std::vector<Action> actions;
};

/// Asks for anything, whatever is allowed.
class Heedless final : public Policy {
 public:
  explicit Heedless(const ActionSpace& actions) : actions_(actions) {}
  std::string kind() const override { return "heedless"; }
  Decision decide(const View&, Session& session) const override {
    return {.action = actions_.decode(session.random.index(actions_.size()))};
  }

 private:
  const ActionSpace& actions_;
};

/// A power limit of 3 W on a board that draws up to 5.5 W when it has this much to do.
template <typename Kind>
Course play(std::uint64_t seed, bool shielded) {
  SimulatedTask task = SmallTask::make(
      "name: busy\n"
      "co_runners: {burner: {contention: {cpu: {fastest: 0.5}}}}\n"
      "phases:\n"
      "  - {name: alone, duration_s: 30}\n"
      "  - {name: burnt, duration_s: 15, co_runners: [burner]}\n"
      "  - {name: again, duration_s: 15}\n");
  task.requests.rate_hz = 90.0;
  SimulatedWorld world(task);
  Environment& environment = world.environment();
  const Problem problem = problem_of(environment);
  const auto power = find_signal(environment.signals(), "power_w");
  Random random(seed);
  Unlearning agent(std::make_unique<Kind>(problem.actions), problem, random);
  const auto shield =
      make_shield(shielded ? std::optional(Shield::Options{}) : std::nullopt, environment);
  Course course;
  const auto note = [&](const PeriodRecord& record) {
    course.far_over += *record.result.info.signals[*power] > 1.1 * 3.0 ? 1 : 0;
    course.interventions += record.overruled != Overruled::kNot ? 1 : 0;
    course.actions.push_back(record.action);
  };
  ControlLoop(environment, agent, random, world.clock(), {.sinks = {note}, .shield = shield.get()})
      .run(seed, [] { return false; });
  return course;
}

DOCTEST_TEST_CASE(
    "behind the shield a random agent goes far over the power limit a third as often") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    DOCTEST_CAPTURE(seed);
    const Course bare = play<RandomPolicy>(seed, false);
    const Course masked = play<RandomPolicy>(seed, true);
    const Course overruled = play<Heedless>(seed, true);
    DOCTEST_CAPTURE(bare.far_over);
    DOCTEST_CAPTURE(masked.far_over);
    DOCTEST_CAPTURE(overruled.far_over);
    DOCTEST_CHECK(bare.interventions == 0);
    DOCTEST_CHECK(bare.far_over > 60);
    DOCTEST_CHECK(3 * masked.far_over < bare.far_over);
    DOCTEST_CHECK(3 * overruled.far_over < bare.far_over);
    // What is masked is not asked for.
    DOCTEST_CHECK(masked.interventions == 0);
    DOCTEST_CHECK(overruled.interventions > 0);
    DOCTEST_CHECK(play<Heedless>(seed, true).actions == overruled.actions);
  }
}

DOCTEST_TEST_CASE(
    "what the shield lets through it would let through again, or it is the last resort") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    DOCTEST_CAPTURE(seed);
    Bench bench;
    Random random(seed);
    for (int i = 0; i < 300; ++i) {
      const Action wanted = bench.actions.decode(random.index(bench.actions.size()));
      const auto verdict = bench.check(wanted);
      DOCTEST_REQUIRE_NOTHROW(bench.actions.check(verdict.action));
      if (verdict.reason == Overruled::kNot) {
        DOCTEST_REQUIRE(verdict.action == wanted);
      }
      const auto again = bench.check(verdict.action);
      const bool is_permitted = again.reason == Overruled::kNot;
      const bool is_last_resort = again.action == verdict.action;
      DOCTEST_REQUIRE((is_permitted || is_last_resort));
      StepInfo info = Bench::info(10.0 * random.uniform(), 70.0 + 12.0 * random.uniform());
      info = random.uniform() < 0.1 ? over(info, BudgetId::Kind::kPower) : info;
      info = random.uniform() < 0.1 ? refusing(info) : info;
      bench.live(verdict.action, info);
    }
  }
}

}  // namespace
}  // namespace rein
