// Q-learning against numbers worked by hand, on a problem of two actions and one feature.
#include "agent/q_learning.hpp"

#include <doctest/doctest.h>

#include "common/error.hpp"
#include "common/files.hpp"
#include "support/temporary_folder.hpp"

namespace rein {
namespace {

struct Task {
  explicit Task(Knob::Effect effect = Knob::Effect::kUnordered)
      : actions({Knob{"k", "1", effect, {{"low", 1}, {"high", 2}}}}) {}
  Problem problem() const { return {actions, observations, {0.5, 1.0}}; }
  StateAggregation states() const { return {{{"f", {0.5}}}, observations}; }

  ActionSpace actions;
  ObservationSpec observations{{Feature{.name = "f", .unit = "1", .source = "test"}}};
  Random random{1};
};

QLearning::Options plain() {
  return {.discount = 0.5,
          .learning_rate = 0.5,
          .exploration_initial = 0.0,
          .exploration_final = 0.0,
          .exploration_temperature = 0.5};
}

const Observation kLow = {0.0};
const Observation kHigh = {1.0};

DOCTEST_TEST_CASE("values start at what an action is worth that always earns its bound") {
  Task task;
  QLearning agent(plain(), task.states(), task.problem(), task.random);
  DOCTEST_CHECK(agent.value(kLow, 0) == doctest::Approx(1.0));  // 0.5 / (1 - 0.5)
  DOCTEST_CHECK(agent.value(kLow, 1) == doctest::Approx(2.0));
  DOCTEST_CHECK(agent.act(kLow) == 1);
}

DOCTEST_TEST_CASE("an update moves the value towards the reward and the best of the next state") {
  Task task;
  QLearning agent(plain(), task.states(), task.problem(), task.random);
  // First visit, alpha = 1 / 2: 2 + 0.5 x (-0.6 + 0.5 x max(1, 2) - 2) = 1.2
  agent.observe({kLow, 1, -0.6, {}, kHigh, false, false});
  DOCTEST_CHECK(agent.value(kLow, 1) == doctest::Approx(1.2));
  // Second visit, alpha = 0.5 again, its least; the next state is this one with max(1, 1.2):
  // 1.2 + 0.5 x (-0.5 + 0.6 - 1.2) = 0.65
  agent.observe({kLow, 1, -0.5, {}, kLow, false, false});
  DOCTEST_CHECK(agent.value(kLow, 1) == doctest::Approx(0.65));
  DOCTEST_CHECK(agent.act(kLow) == 0);
}

DOCTEST_TEST_CASE("a truncated step is bootstrapped and a terminated one is not") {
  Task truncated;
  QLearning one(plain(), truncated.states(), truncated.problem(), truncated.random);
  one.observe({kLow, 1, -0.6, {}, kHigh, false, true});
  DOCTEST_CHECK(one.value(kLow, 1) == doctest::Approx(1.2));

  Task terminated;
  QLearning other(plain(), terminated.states(), terminated.problem(), terminated.random);
  other.observe({kLow, 1, -0.6, {}, kHigh, true, false});
  DOCTEST_CHECK(other.value(kLow, 1) == doctest::Approx(0.7));  // 2 + 0.5 x (-0.6 - 2)
}

DOCTEST_TEST_CASE("a fine for latency is taken off the slower actions, not off the faster") {
  Task task(Knob::Effect::kCostlier);
  QLearning agent(plain(), task.states(), task.problem(), task.random);
  const std::vector<RewardTerm> terms = {{"objective", 0.5}, {"latency.app", -1.0}};
  agent.observe({kLow, 0, -0.5, terms, kLow, false, false});
  DOCTEST_CHECK(agent.value(kLow, 1) == doctest::Approx(1.0));  // Never tried: 2 - 1 at once.
  agent.observe({kHigh, 1, -0.5, terms, kHigh, false, false});
  DOCTEST_CHECK(agent.value(kHigh, 0) == doctest::Approx(1.0));
}

DOCTEST_TEST_CASE("more speed makes a fine for power worse, and one for latency better") {
  Task task(Knob::Effect::kFaster);
  QLearning agent(plain(), task.states(), task.problem(), task.random);
  agent.observe({kLow, 0, -0.5, {{"objective", 0.5}, {"power", -1.0}}, kLow, false, false});
  DOCTEST_CHECK(agent.value(kLow, 1) == doctest::Approx(1.0));
  agent.observe({kHigh, 0, -0.5, {{"objective", 0.5}, {"latency.app", -1.0}}, kHigh, false, false});
  DOCTEST_CHECK(agent.value(kHigh, 1) == doctest::Approx(2.0));
  const double before = agent.value(kHigh, 0);
  agent.observe({kHigh, 1, 0.0, {{"objective", 1.0}, {"latency.app", -1.5}}, kHigh, false, false});
  // The slow one, tried once, can hope for 1 - 1.5 at most.
  DOCTEST_CHECK(agent.value(kHigh, 0) == doctest::Approx(before + 0.5 * (-0.5 - before)));
}

DOCTEST_TEST_CASE("a fine is not spread where nothing is known about the order") {
  Task task(Knob::Effect::kUnordered);
  QLearning agent(plain(), task.states(), task.problem(), task.random);
  agent.observe({kLow, 0, -0.5, {{"objective", 0.5}, {"latency.app", -1.0}}, kLow, false, false});
  DOCTEST_CHECK(agent.value(kLow, 1) == doctest::Approx(2.0));
}

DOCTEST_TEST_CASE("exploration takes only actions that could be better than the best") {
  Task task;
  auto options = plain();
  options.exploration_initial = options.exploration_final = 1.0;
  QLearning agent(options, task.states(), task.problem(), task.random);
  for (int i = 0; i < 100; ++i) {
    DOCTEST_REQUIRE(agent.act(kLow) == 1);  // Nothing is above the bound of action 1.
    DOCTEST_REQUIRE_FALSE(agent.exploration().explored);
  }
  for (int i = 0; i < 50; ++i) {
    agent.observe({kLow, 1, -0.1, {}, kLow, true, false});
  }
  int explored = 0;  // Action 0 is best now; action 1 could be better.
  for (int i = 0; i < 1000; ++i) {
    explored += agent.act(kLow) == 1 ? 1 : 0;
  }
  // e^((-0.1 - 1.0) / 0.5) = 0.111 against 1: 100 of 1000.
  DOCTEST_CHECK(explored == doctest::Approx(100).epsilon(0.25));
  DOCTEST_CHECK(agent.exploration().rate == 1.0);
}

DOCTEST_TEST_CASE("an action that was very bad is hardly ever explored") {
  Task task;
  auto options = plain();
  options.exploration_initial = options.exploration_final = 1.0;
  QLearning agent(options, task.states(), task.problem(), task.random);
  for (int i = 0; i < 50; ++i) {
    agent.observe({kLow, 1, -9.0, {}, kLow, true, false});
  }
  for (int i = 0; i < 1000; ++i) {
    DOCTEST_REQUIRE(agent.act(kLow) == 0);  // e^(-20) against 1
  }
}

DOCTEST_TEST_CASE("exploration falls by half with every half-life of visits to a state") {
  Task task;
  auto options = plain();
  options.exploration_initial = 0.5;
  options.exploration_final = 0.1;
  options.exploration_half_life = 2;
  QLearning agent(options, task.states(), task.problem(), task.random);
  agent.act(kLow);
  DOCTEST_CHECK(agent.exploration().rate == doctest::Approx(0.5));
  agent.observe({kLow, 1, 1.0, {}, kLow, false, false});
  agent.observe({kLow, 1, 1.0, {}, kLow, false, false});
  agent.act(kLow);
  DOCTEST_CHECK(agent.exploration().rate == doctest::Approx(0.3));
  agent.act(kHigh);
  DOCTEST_CHECK(agent.exploration().rate == doctest::Approx(0.5));  // A state of its own.
}

DOCTEST_TEST_CASE("save, load and go on equals never having stopped") {
  const TemporaryFolder folder;
  const auto file = folder.path() / "agent.json";
  auto options = plain();
  options.exploration_initial = 0.6;
  options.exploration_final = 0.3;
  Task one;
  Task other;
  other.random = Random(99);
  QLearning original(options, one.states(), one.problem(), one.random);
  QLearning resumed(options, other.states(), other.problem(), other.random);
  Random world(5);
  const auto live = [](QLearning& agent, Random& draws) {
    const Observation now = {draws.uniform()};
    const Observation next = {draws.uniform()};
    const ActionId action = agent.act(now);
    agent.observe(
        {now, action, draws.uniform() - static_cast<double>(action) / 3.0, {}, next, false, false});
    return action;
  };
  for (int i = 0; i < 100; ++i) {
    live(original, world);
  }
  original.save(file);
  resumed.load(file);
  Random same_world = world;
  for (int i = 0; i < 500; ++i) {
    DOCTEST_REQUIRE(live(original, world) == live(resumed, same_world));
  }
  original.save(folder.path() / "a.json");
  resumed.save(folder.path() / "b.json");
  DOCTEST_CHECK(read_file(folder.path() / "a.json") == read_file(folder.path() / "b.json"));
}

DOCTEST_TEST_CASE("a broken or foreign checkpoint is refused with its place, and changes nothing") {
  const TemporaryFolder folder;
  const auto file = folder.path() / "agent.json";
  Task task;
  QLearning agent(plain(), task.states(), task.problem(), task.random);
  agent.observe({kLow, 1, -0.6, {}, kHigh, false, false});
  agent.save(file);
  const std::string good = read_file(file);
  const auto replaced = [&](const std::string& what, const std::string& by) {
    std::string text = good;
    const auto at = text.find(what);
    DOCTEST_REQUIRE(at != std::string::npos);
    return text.replace(at, what.size(), by);
  };
  const auto check_refused = [&](const std::string& text, const std::string& part) {
    write_file(file, text);
    try {
      agent.load(file);
      DOCTEST_FAIL("was accepted: " << part);
    } catch (const ConfigError& error) {
      const std::string message = error.what();
      DOCTEST_CAPTURE(message);
      DOCTEST_CHECK(message.starts_with(file.string() + ":"));
      DOCTEST_CHECK(message.find(part) != std::string::npos);
      DOCTEST_CHECK(message.find('\n') == std::string::npos);
    }
    DOCTEST_CHECK(agent.value(kLow, 1) == doctest::Approx(1.2));
  };
  check_refused(good.substr(0, good.size() / 2), "expected");
  check_refused(replaced("q_learning", "dqn"), "kind: expected one of q_learning, found 'dqn'");
  check_refused(replaced("\"version\": 1", "\"version\": 7"),
                "version: expected version 1, found '7'");
  check_refused(replaced("low high", "low"), "knobs.0: expected 'k: low high' as in this run");
  check_refused(replaced("\"random\": \"", "\"random\": \"x"),
                "random: random generator: expected");
  check_refused(replaced("1.0,", "null,"), "values.0: expected a number");
  check_refused(replaced("1.0,", "1e999,"), "values.0: expected a number");
  check_refused(replaced("1.0,", "1.0, 3,"), "values: expected 2 numbers");
  check_refused(replaced("\"lacking\"", "\"lacks\""), "lacking: expected this key");
  write_file(file, good);
  DOCTEST_CHECK_NOTHROW(agent.load(file));
}

DOCTEST_TEST_CASE("a feature that does not exist cannot be aggregated") {
  Task task;
  DOCTEST_CHECK_THROWS_WITH_AS(
      StateAggregation::from_yaml(
          ConfigNode::parse("state: [{feature: g, edges: [1]}]", "a").at("state"),
          task.observations),
      "a:1:19: state.0.feature: expected a feature of this run (f), found 'g'", ConfigError);
  DOCTEST_CHECK_THROWS_WITH_AS(
      StateAggregation::from_yaml(
          ConfigNode::parse("state: [{feature: f, edges: [1, 1]}]", "a").at("state"),
          task.observations),
      "a:1:29: state.0.edges: expected ascending numbers, found a list", ConfigError);
}

}  // namespace
}  // namespace rein
