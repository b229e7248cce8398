#include "agent/rivals/simple_agents.hpp"

#include <doctest/doctest.h>

#include <set>

#include "agent/make_agent.hpp"
#include "common/error.hpp"
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

std::unique_ptr<Agent> make(const std::string& text, Random& random) {
  return make_agent(ConfigNode::parse(text, "run.yaml").at("agent"), problem(), random);
}

DOCTEST_TEST_CASE("static always takes its configuration, with what is left out at its highest") {
  Random random(1);
  const auto agent =
      make("agent: {kind: static, configuration: {width: 0.5, mapping: cpu0}}", random);
  DOCTEST_CHECK(kActions.describe(agent->act(Observation{0.0})) ==
                "width.app 0.5, mapping.app cpu0, bandwidth.cpu 2cpu");
  DOCTEST_CHECK(make("agent: {kind: static}", random)->act(Observation{0.0}) ==
                kActions.size() - 1);
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
  std::set<ActionId> seen;
  for (int i = 0; i < 200; ++i) {
    const ActionId action = one->act(Observation{0.0});
    DOCTEST_REQUIRE(action == other->act(Observation{0.0}));
    seen.insert(action);
  }
  DOCTEST_CHECK(seen.size() == kActions.size());
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
    const auto step = [](Agent& agent) {
      const Observation observation = {0.5};
      const ActionId action = agent.act(observation);
      agent.observe({observation,
                     action,
                     -0.25 * static_cast<double>(action),
                     {},
                     observation,
                     false,
                     false});
      return action;
    };
    for (int i = 0; i < 20; ++i) {
      step(*original);
    }
    original->save(folder.path() / "agent.json");
    resumed->load(folder.path() / "agent.json");
    for (int i = 0; i < 100; ++i) {
      DOCTEST_REQUIRE(step(*original) == step(*resumed));
    }
  }
}

DOCTEST_TEST_CASE("the best static configuration is asked for once and kept, under its own name") {
  const TemporaryFolder folder;
  Random random(1);
  int asked = 0;
  const auto find = [&] {
    ++asked;
    return ActionId{3};
  };
  const auto node = ConfigNode::parse("agent: {kind: best_static}", "run.yaml").at("agent");
  const auto agent =
      make_agent(node, problem(), random, {.clairvoyant = nullptr, .find_best_static = find});
  DOCTEST_CHECK(agent->kind() == "best_static");
  DOCTEST_CHECK(agent->act(Observation{0.0}) == 3);
  DOCTEST_CHECK(agent->act(Observation{1.0}) == 3);
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
      "alert, poet, prime_q, ztt, found 'psychic'",
      ConfigError);
  DOCTEST_CHECK_THROWS_AS(make("agent: {kind: random, discount: 0.5}", random), ConfigError);
  DOCTEST_CHECK_THROWS_WITH_AS(
      make("agent: {kind: q_learning, discount: 1.5}", random),
      "run.yaml:1:37: agent.discount: expected a number from 0 to 0.999, found '1.5'", ConfigError);
}

}  // namespace
}  // namespace rein
