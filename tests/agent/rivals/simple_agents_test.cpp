#include "agent/rivals/simple_agents.hpp"

#include <doctest/doctest.h>

#include <set>

#include "agent/make_agent.hpp"
#include "common/error.hpp"
#include "support/driven.hpp"
#include "support/temporary_folder.hpp"

namespace rein {
namespace {

const ActionSpace kActions({
    {"width.app", "1", Knob::Kind::kWidth, {{"0.5", 0.5}, {"1.0", 1.0}}},
    {"mapping.app", "threads", Knob::Kind::kMapping, {{"cpu0", 1}, {"all2", 2}}},
    {"bandwidth.cpu", "CPUs", Knob::Kind::kBandwidth, {{"1cpu", 1}, {"2cpu", 2}}},
});
const ObservationSpec kObservations({Feature{.name = "f"}});

Problem problem() { return {kActions, kObservations, std::vector<double>(kActions.size(), 1.0)}; }

std::unique_ptr<Learner> make(const std::string& text, Random& random) {
  return make_agent(ConfigNode::parse(text, "run.yaml").at("agent"), problem(), random);
}

/// What it decides in the first period.
Decision decide(const Learner& agent, Random& random, const ActionMask* allowed = nullptr) {
  const Observation observation{0.0};
  const Task task;
  const auto session = agent.policy().begin_episode(random);
  return agent.policy().decide(View(observation, task, nullptr, allowed, true), *session);
}

DOCTEST_TEST_CASE("static always takes its configuration, with what is left out at its highest") {
  Random random(1);
  const auto agent =
      make("agent: {kind: static, configuration: {width: 0.5, mapping: cpu0}}", random);
  DOCTEST_CHECK(kActions.describe(decide(*agent, random).action) ==
                "width.app 0.5, mapping.app cpu0, bandwidth.cpu 2cpu");
  DOCTEST_CHECK(decide(*make("agent: {kind: static}", random), random).action == Action{1, 1, 1});
}

DOCTEST_TEST_CASE("a configuration that names no knob or level is refused") {
  Random random(1);
  DOCTEST_CHECK_THROWS_WITH_AS(
      make("agent: {kind: static, configuration: {height: 1}}", random),
      "run.yaml:1:47: agent.configuration.height: expected one of the knobs width.app, "
      "mapping.app, bandwidth.cpu, found 'height'",
      ConfigError);
  DOCTEST_CHECK_THROWS_WITH_AS(make("agent: {kind: static, configuration: {width: 0.3}}", random),
                               "run.yaml:1:46: agent.configuration.width: width.app: expected one "
                               "of 0.5, 1.0, found '0.3'",
                               ConfigError);
}

DOCTEST_TEST_CASE("random takes every action, the same ones from the same seed") {
  Random random(1);
  Random same(1);
  const auto one = make("agent: {kind: random}", random);
  const auto other = make("agent: {kind: random}", same);
  std::set<Action> seen;
  for (int i = 0; i < 200; ++i) {
    const Decision decision = decide(*one, random);
    DOCTEST_REQUIRE(decision.action == decide(*other, same).action);
    DOCTEST_REQUIRE(decision.probability == 0.125);
    seen.insert(decision.action);
  }
  DOCTEST_CHECK(seen.size() == kActions.size());
}

DOCTEST_TEST_CASE("what is not allowed is not drawn, and the others are so much likelier") {
  struct Narrow final : ActionMask {
    bool allows(const Action& action) const override { return action.front() == 0; }
  };
  struct Nothing final : ActionMask {
    bool allows(const Action&) const override { return false; }
  };
  Random random(1);
  const auto agent = make("agent: {kind: random}", random);
  const Narrow narrow;
  const Nothing nothing;
  std::set<Action> seen;
  for (int i = 0; i < 200; ++i) {
    const Decision decision = decide(*agent, random, &narrow);
    DOCTEST_REQUIRE(decision.probability == 0.25);
    seen.insert(decision.action);
  }
  DOCTEST_CHECK(seen.size() == 4);
  DOCTEST_CHECK(seen.rbegin()->front() == 0);
  DOCTEST_CHECK(decide(*agent, random, &nothing).probability == 0.125);
}

DOCTEST_TEST_CASE("every kind of agent resumes from its checkpoint as if never stopped") {
  const TemporaryFolder folder;
  for (const std::string text :
       {"agent: {kind: q_learning, exploration: {initial: 1, final: 0.5}, state: []}",
        "agent: {kind: q_learning, double: true, trace_decay: 0.8, state: [], "
        "exploration: {initial: 1, final: 0.5, reopen_on_change: true}}",
        "agent: {kind: static, configuration: {width: 0.5}}", "agent: {kind: random}",
        "agent: {kind: dqn, warm_up: 1, hidden: [8], exploration: {initial: 1, final: 0.5}}",
        "agent: {kind: dqn, warm_up: 1, head: branching, double: false, duelling: false}",
        "agent: {kind: actor_critic, rollout: 7, hidden: [8, 8]}", "agent: {kind: model_based}"}) {
    DOCTEST_CAPTURE(text);
    Random random(1);
    Random fresh(2);
    const auto original = make(text, random);
    const auto resumed = make(text, fresh);
    Driven one(*original, kActions, random);
    Driven other(*resumed, kActions, fresh);
    const auto step = [](Driven& agent) {
      const Observation observation = {0.5};
      const ActionId action = agent.act(observation);
      PeriodRecord record;
      record.observation = record.result.observation = observation;
      record.action = agent.decision().action;
      record.result.reward = -0.25 * static_cast<double>(action);
      agent.show(record);
      return action;
    };
    for (int i = 0; i < 20; ++i) {
      step(one);
    }
    one.end_episode();
    original->save(folder.path() / "agent.json");
    resumed->load(folder.path() / "agent.json");
    other.begin_episode();
    for (int i = 0; i < 100; ++i) {
      DOCTEST_REQUIRE(step(one) == step(other));
    }
  }
}

DOCTEST_TEST_CASE("the best static configuration is asked for once and kept, under its own name") {
  const TemporaryFolder folder;
  Random random(1);
  int asked = 0;
  const auto find = [&] {
    ++asked;
    return Action{0, 1, 1};
  };
  const auto node = ConfigNode::parse("agent: {kind: best_static}", "run.yaml").at("agent");
  const auto agent =
      make_agent(node, problem(), random, {.clairvoyant = nullptr, .find_best_static = find});
  DOCTEST_CHECK(agent->policy().kind() == "best_static");
  DOCTEST_CHECK(decide(*agent, random).action == Action{0, 1, 1});
  DOCTEST_CHECK(decide(*agent, random).action == Action{0, 1, 1});
  DOCTEST_CHECK(asked == 1);
  agent->save(folder.path() / "agent.json");
  const auto fixed = make("agent: {kind: static}", random);
  DOCTEST_CHECK_THROWS_AS(fixed->load(folder.path() / "agent.json"), ConfigError);
}

DOCTEST_TEST_CASE(
    "an agent that does not exist and a parameter that it does not have are refused") {
  Random random(1);
  DOCTEST_CHECK_THROWS_WITH_AS(
      make("agent: {kind: psychic}", random),
      "run.yaml:1:15: agent.kind: expected one of model_based, q_learning, dqn, "
      "actor_critic, static, best_static, oracle, random, governor, "
      "alert, poet, slackfit, fulcrum, prime_q, ztt, found 'psychic'",
      ConfigError);
  DOCTEST_CHECK_THROWS_AS(make("agent: {kind: random, discount: 0.5}", random), ConfigError);
  DOCTEST_CHECK_THROWS_WITH_AS(
      make("agent: {kind: q_learning, discount: 1.5}", random),
      "run.yaml:1:37: agent.discount: expected a number from 0 to 0.999, found '1.5'", ConfigError);
}

}  // namespace
}  // namespace rein
