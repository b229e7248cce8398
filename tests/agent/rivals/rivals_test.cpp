// What all rivals have in common: where their profile comes from, and what they do with
// checkpoints and parameters.
#include <doctest/doctest.h>

#include <cmath>
#include <memory>
#include <utility>

#include "agent/make_agent.hpp"
#include "agent/rivals/profile_source.hpp"
#include "common/error.hpp"
#include "common/files.hpp"
#include "support/rival_task.hpp"
#include "support/temporary_folder.hpp"

namespace rein {
namespace {

struct Made {
  explicit Made(const std::string& text, std::uint64_t seed = 1, bool with_foresight = true,
                RequestSpec::Arrival arrival = RequestSpec::Arrival::kPeriodic)
      : random(seed), node(ConfigNode::parse("agent: {" + text + "}", "run.yaml")) {
    Foresight foresight;
    if (with_foresight) {
      foresight.measure_profile = [] { return RivalTask::profile(); };
    }
    Problem problem = task.problem();
    problem.task.arrival = arrival;
    learner = make_agent(node.at("agent"), std::move(problem), random, foresight);
    agent.emplace(*learner, task.actions, random);
  }
  RivalTask task;
  Random random;
  ConfigNode node;
  std::unique_ptr<Learner> learner;
  std::optional<Driven> agent;
};

/// A world in which what happens depends on the action and on time.
ActionId play(Driven& agent, int period) {
  const auto observation = RivalTask::asked(period % 30 < 15 ? 22.0 : 12.0, 3.2);
  const ActionId action = agent.act(observation);
  const auto entry = RivalTask::profile().entries[action];
  const double slower = 1.0 + 0.1 * static_cast<double>(period % 7);
  const StepInfo info =
      RivalTask::info(*entry.service_ms * slower, *entry.power_w * slower, period % 5 == 0 ? 1 : 0);
  agent.show(record_of(observation, agent.decision().action, info));
  return action;
}

DOCTEST_TEST_CASE("every rival resumes from its checkpoint as if never stopped") {
  const TemporaryFolder folder;
  for (const std::string text :
       {"kind: governor, governor: schedutil", "kind: alert", "kind: poet, window_periods: 4",
        "kind: slackfit", "kind: fulcrum, profiled: 2", "kind: prime_q",
        "kind: ztt, replay: 40, batch: 8, exploration: {initial: 0.5, final: 0.2}"}) {
    DOCTEST_CAPTURE(text);
    Made original(text);
    Made resumed(text, 2);
    for (int period = 0; period < 75; ++period) {
      play(*original.agent, period);
    }
    original.agent->end_episode();
    original.learner->save(folder.path() / "agent.json");
    resumed.learner->load(folder.path() / "agent.json");
    resumed.agent->begin_episode();
    for (int period = 75; period < 300; ++period) {
      DOCTEST_REQUIRE(play(*original.agent, period) == play(*resumed.agent, period));
    }
    original.learner->save(folder.path() / "one.json");
    resumed.learner->save(folder.path() / "other.json");
    DOCTEST_CHECK(read_file(folder.path() / "one.json") == read_file(folder.path() / "other.json"));
  }
}

DOCTEST_TEST_CASE("a rival is not harmed by a period of which nothing is known") {
  for (const std::string kind :
       {"governor", "alert", "poet", "slackfit", "fulcrum", "prime_q", "ztt"}) {
    DOCTEST_CAPTURE(kind);
    Made made("kind: " + kind);
    const auto observation = RivalTask::asked(20.0, 9.0);
    const ActionId action = made.agent->act(observation);
    made.agent->show(record_of(observation, made.task.actions.decode(action), {}));
    StepInfo empty;
    empty.interval_s = 0.1;
    empty.applications.resize(1);
    empty.signals.assign(made.task.signals.size(), std::nullopt);
    step(*made.agent, observation, empty);
    DOCTEST_CHECK(made.agent->act(observation) < made.task.actions.size());
    DOCTEST_CHECK(made.learner->learns() == (kind == "prime_q" || kind == "ztt"));
  }
}

DOCTEST_TEST_CASE(
    "in a closed loop rivals left no time to a request but the gap of a made-up rate") {
  // At 100 requests a second nothing but the narrower is fast enough for the gap of 10 ms; for a
  // deadline of 30 ms all are.
  for (const std::string kind : {"alert", "poet", "slackfit", "fulcrum", "governor, width: best"}) {
    DOCTEST_CAPTURE(kind);
    Made open("kind: " + kind);
    Made closed("kind: " + kind, 1, true, RequestSpec::Arrival::kClosedLoop);
    const auto width = [](const Made& made, ActionId action) {
      return made.task.actions.decode(action).front();
    };
    Asked::Limits limits{.deadline_ms = 30.0, .power_limit_w = 9.0, .rate_hz = 100.0};
    DOCTEST_CHECK(width(open, open.agent->act(Asked(limits))) == 0);
    limits.arrival = RequestSpec::Arrival::kClosedLoop;
    DOCTEST_CHECK(width(closed, closed.agent->act(Asked(limits))) == 1);
  }
}

DOCTEST_TEST_CASE("rivals planned an objective on the signal of the power budget") {
  // At 10 requests a second the energies of 40, 50, 60 and 80 mJ are 0.4 to 0.8 W.
  const RivalTask task;
  const Profile profile = RivalTask::profile();
  TaskDescription description = task.problem(Objective::Kind::kMinPower).task;
  description.power_signal = PowerSignal::kOurs;
  const auto cost = [&](std::size_t action) {
    return ProfiledUse(description)
        .cost(profile.entries[action], Situation::of(RivalTask::asked(20.0, 9.0).task));
  };
  DOCTEST_CHECK(cost(2) == doctest::Approx(0.6));
  description.objective.signal = PowerSignal::kOurs;
  DOCTEST_CHECK(cost(2) == doctest::Approx(2.5));
  description.objective.kind = Objective::Kind::kMinEnergy;
  DOCTEST_CHECK(cost(2) == doctest::Approx(250.0));
}

DOCTEST_TEST_CASE("a rival that starts from a profile says so where there is none") {
  DOCTEST_CHECK_THROWS_WITH_AS(Made("kind: alert", 1, false),
                               "run.yaml:1:15: agent.kind: alert starts from a profile: expected "
                               "`profile: FILE`, which `rein profile` writes, found none",
                               ConfigError);
  for (const std::string kind : {"poet", "slackfit", "fulcrum"}) {
    DOCTEST_CHECK_THROWS_AS(Made("kind: " + kind, 1, false), ConfigError);
  }
  Made without("kind: governor, width: best", 1, false);
  DOCTEST_CHECK(without.agent->act(RivalTask::asked(20.0, 9.0)) == 3);
}

DOCTEST_TEST_CASE("a profile can be made wrong, the same way for the same seed") {
  // At full width 20 ms are profiled, and 24 allowed with the variance of the beginning.
  const auto chosen = [](const std::string& more, std::uint64_t seed) {
    Made made("kind: poet, margin: 1" + more, seed);
    return made.agent->act(RivalTask::asked(20.5, 9.0));
  };
  DOCTEST_REQUIRE(chosen("", 1) == 2);
  std::size_t changed = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    DOCTEST_CHECK(chosen(", profile_error: 0.5", seed) == chosen(", profile_error: 0.5", seed));
    changed += chosen(", profile_error: 0.5", seed) != 2 ? 1 : 0;
  }
  DOCTEST_CHECK(changed > 3);
}

DOCTEST_TEST_CASE("parameters of rivals that are out of range or unknown are refused") {
  for (const std::string text : {"kind: alert, slowdown: {process_noise: 0}",
                                 "kind: alert, slowdown: {gain: 2}",
                                 "kind: alert, power_share: 1.1",
                                 "kind: alert, power: {speed: 1}",
                                 "kind: alert, profile_error: 1.5",
                                 "kind: poet, margin: 0.9",
                                 "kind: slackfit, margin: 0.9",
                                 "kind: slackfit, power_share: 0",
                                 "kind: fulcrum, profiled: 0",
                                 "kind: fulcrum, profile_error: 2",
                                 "kind: poet, window_periods: 0",
                                 "kind: poet, process_noise: -1",
                                 "kind: prime_q, learning_rate: 0",
                                 "kind: prime_q, bins: 0",
                                 "kind: prime_q, exploration: {visits: 0}",
                                 "kind: prime_q, width: 3",
                                 "kind: ztt, discount: 1",
                                 "kind: ztt, replay: 10",
                                 "kind: ztt, hidden: 0",
                                 "kind: ztt, exploration: {decay: 2}",
                                 "kind: ztt, profile: nowhere.csv"}) {
    DOCTEST_CAPTURE(text);
    DOCTEST_CHECK_THROWS_AS(Made{text}, ConfigError);
  }
  DOCTEST_CHECK_THROWS_WITH_AS(
      Made("kind: poet, margin: 0.9"),
      "run.yaml:1:29: agent.margin: expected a number from 1 to 10, found '0.9'", ConfigError);
}

}  // namespace
}  // namespace rein
