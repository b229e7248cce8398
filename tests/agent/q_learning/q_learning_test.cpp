// Q-learning against numbers worked by hand, on a problem of two actions and one feature.
#include "agent/q_learning/q_learning.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "common/error.hpp"
#include "common/files.hpp"
#include "env/feature_table.hpp"
#include "support/allocation_count.hpp"
#include "support/temporary_folder.hpp"
#include "support/tiny_problems.hpp"

namespace rein {
namespace {

struct Task {
  explicit Task(Knob::Kind kind = Knob::Kind::kMapping)
      : actions({Knob{"k", "1", kind, {{"low", 1}, {"high", 2}}}}) {}
  Problem problem() const { return {actions, observations, {0.5, 1.0}}; }
  StateAggregation states() const { return {{{"f", {0.5}}}, observations}; }

  ActionSpace actions;
  ObservationSpec observations{{Feature{.name = "f"}}};
  Random random{1};
};

/// An agent that is driven by hand.
class Agent : public ByHand {
 public:
  Agent(const QLearning::Options& options, StateAggregation states, const Problem& problem,
        Random& random)
      : Agent(std::make_unique<QLearning>(options, std::move(states), problem, random),
              problem.actions, random) {}

  double value(const Observation& observation, ActionId action) const {
    return learner->policy().value(observation, action);
  }

  std::unique_ptr<QLearning> learner;

 private:
  Agent(std::unique_ptr<QLearning> made, const ActionSpace& actions, Random& random)
      : ByHand(*made, actions, random), learner(std::move(made)) {}
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
  Agent agent(plain(), task.states(), task.problem(), task.random);
  DOCTEST_CHECK(agent.value(kLow, 0) == doctest::Approx(1.0));  // 0.5 / (1 - 0.5)
  DOCTEST_CHECK(agent.value(kLow, 1) == doctest::Approx(2.0));
  DOCTEST_CHECK(agent.act(kLow) == 1);
}

DOCTEST_TEST_CASE("an update moves the value towards the reward and the best of the next state") {
  Task task;
  Agent agent(plain(), task.states(), task.problem(), task.random);
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
  Agent one(plain(), truncated.states(), truncated.problem(), truncated.random);
  one.observe({kLow, 1, -0.6, {}, kHigh, false, true});
  DOCTEST_CHECK(one.value(kLow, 1) == doctest::Approx(1.2));

  Task terminated;
  Agent other(plain(), terminated.states(), terminated.problem(), terminated.random);
  other.observe({kLow, 1, -0.6, {}, kHigh, true, false});
  DOCTEST_CHECK(other.value(kLow, 1) == doctest::Approx(0.7));  // 2 + 0.5 x (-0.6 - 2)
}

DOCTEST_TEST_CASE("a fine for latency is taken off the slower actions, not off the faster") {
  Task task(Knob::Kind::kWidth);
  Agent agent(plain(), task.states(), task.problem(), task.random);
  const std::vector<RewardTerm> terms = {{"objective", 0.5}, {"latency.app", -1.0}};
  agent.observe({kLow, 0, -0.5, terms, kLow, false, false});
  DOCTEST_CHECK(agent.value(kLow, 1) == doctest::Approx(1.0));  // Never tried: 2 - 1 at once.
  agent.observe({kHigh, 1, -0.5, terms, kHigh, false, false});
  DOCTEST_CHECK(agent.value(kHigh, 0) == doctest::Approx(1.0));
}

DOCTEST_TEST_CASE("more speed makes a fine for power worse, and one for latency better") {
  Task task(Knob::Kind::kFrequency);
  Agent agent(plain(), task.states(), task.problem(), task.random);
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
  Task task(Knob::Kind::kMapping);
  Agent agent(plain(), task.states(), task.problem(), task.random);
  agent.observe({kLow, 0, -0.5, {{"objective", 0.5}, {"latency.app", -1.0}}, kLow, false, false});
  DOCTEST_CHECK(agent.value(kLow, 1) == doctest::Approx(2.0));
}

DOCTEST_TEST_CASE("exploration takes only actions that could be better than the best") {
  Task task;
  auto options = plain();
  options.exploration_initial = options.exploration_final = 1.0;
  Agent agent(options, task.states(), task.problem(), task.random);
  for (int i = 0; i < 100; ++i) {
    DOCTEST_REQUIRE(agent.act(kLow) == 1);  // Nothing is above the bound of action 1.
    DOCTEST_REQUIRE_FALSE(agent.decision().explored);
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
  DOCTEST_CHECK(agent.decision().exploration == 1.0);
}

DOCTEST_TEST_CASE("an action that was very bad is hardly ever explored") {
  Task task;
  auto options = plain();
  options.exploration_initial = options.exploration_final = 1.0;
  Agent agent(options, task.states(), task.problem(), task.random);
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
  Agent agent(options, task.states(), task.problem(), task.random);
  agent.act(kLow);
  DOCTEST_CHECK(agent.decision().exploration == doctest::Approx(0.5));
  agent.observe({kLow, 1, 1.0, {}, kLow, false, false});
  agent.observe({kLow, 1, 1.0, {}, kLow, false, false});
  agent.act(kLow);
  DOCTEST_CHECK(agent.decision().exploration == doctest::Approx(0.3));
  agent.act(kHigh);
  DOCTEST_CHECK(agent.decision().exploration == doctest::Approx(0.5));  // A state of its own.
}

DOCTEST_TEST_CASE("double learning asks one estimate what the other one's best is worth") {
  std::set<bool> seen;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Task task;
    task.random = Random(seed);
    Random coin(seed);  // The same draws.
    const bool same = (coin.uniform() < 0.5) == (coin.uniform() < 0.5);
    seen.insert(same);
    auto options = plain();
    options.double_q = true;
    Agent agent(options, task.states(), task.problem(), task.random);
    // Both estimates are (1, 2). One becomes 2 + 0.5 x (-3 - 2) = -0.5, the mean is 0.75.
    agent.observe({kHigh, 1, -3.0, {}, kLow, true, false});
    DOCTEST_CHECK(agent.value(kHigh, 1) == doctest::Approx(0.75));
    agent.observe({kLow, 1, 0.0, {}, kHigh, false, true});
    // The same one again takes action 0 for the best; the other one's 1 makes 2 + 0.5 x (0.5 - 2)
    // = 1.25. The other one takes action 1, the first one's -0.5 makes 2 + 0.5 x (-0.25 - 2) =
    // 0.875. The mean of either and 2:
    DOCTEST_CHECK(agent.value(kLow, 1) == doctest::Approx(same ? 1.625 : 1.4375));
    DOCTEST_CHECK(agent.act(kHigh) == 0);  // By the mean: one estimate still says action 1.
  }
  DOCTEST_CHECK(seen.size() == 2);
}

/// lambda 0.5, so that a trace falls to a quarter with each step.
struct TracedTask : Task {
  StateAggregation states() const { return {{{"f", {0.5, 1.5}}}, observations}; }
  Agent agent() {
    auto options = plain();
    options.trace_decay = 0.5;
    return {options, states(), problem(), random};
  }
};

const Observation kFirst = {0.0};
const Observation kSecond = {1.0};
const Observation kThird = {2.0};

/// Two greedy steps to the third state.
void take_two_steps(Agent& agent) {
  // 0 + 0.5 x 2 - 2 = -1, half of it: 1.5.
  agent.observe({kFirst, 1, 0.0, {}, kSecond, false, false});
  DOCTEST_CHECK(agent.value(kFirst, 1) == doctest::Approx(1.5));
  // -0.2 + 1 - 2 = -1.2; the first state gets a quarter: 1.5 - 0.5 x 0.25 x 1.2 = 1.35.
  agent.observe({kSecond, 1, -0.2, {}, kThird, false, false});
  DOCTEST_CHECK(agent.value(kSecond, 1) == doctest::Approx(1.4));
  DOCTEST_CHECK(agent.value(kFirst, 1) == doctest::Approx(1.35));
}

DOCTEST_TEST_CASE("an error is passed on to what led to it, ever less of it") {
  TracedTask task;
  Agent agent = task.agent();
  take_two_steps(agent);
  // 0.4 + 0.5 x 1.35 - 2 = -0.925; before it 1.4 - 0.125 x 0.925, 1.35 - 0.03125 x 0.925.
  agent.observe({kThird, 1, 0.4, {}, kFirst, false, false});
  DOCTEST_CHECK(agent.value(kThird, 1) == doctest::Approx(1.5375));
  DOCTEST_CHECK(agent.value(kSecond, 1) == doctest::Approx(1.284375));
  DOCTEST_CHECK(agent.value(kFirst, 1) == doctest::Approx(1.32109375));
}

DOCTEST_TEST_CASE("an action that was not greedy cuts what led to it, and is traced itself") {
  TracedTask task;
  Agent agent = task.agent();
  take_two_steps(agent);
  agent.observe({kThird, 0, 0.4, {}, kFirst, false, false});
  DOCTEST_CHECK(agent.value(kThird, 0) == doctest::Approx(1.0375));  // 0.4 + 0.675 - 1, half.
  DOCTEST_CHECK(agent.value(kSecond, 1) == doctest::Approx(1.4));
  DOCTEST_CHECK(agent.value(kFirst, 1) == doctest::Approx(1.35));
  // 0.5 x 1.4 - 1.35 = -0.65: 1.35 - 0.325, and before it 1.0375 - 0.125 x 0.65.
  agent.observe({kFirst, 1, 0.0, {}, kSecond, false, false});
  DOCTEST_CHECK(agent.value(kFirst, 1) == doctest::Approx(1.025));
  DOCTEST_CHECK(agent.value(kThird, 0) == doctest::Approx(0.95625));
  DOCTEST_CHECK(agent.value(kSecond, 1) == doctest::Approx(1.4));
}

DOCTEST_TEST_CASE("what was terminated and what was truncated is traced back, and then cut") {
  for (const bool terminated : {true, false}) {
    TracedTask task;
    Agent agent = task.agent();
    take_two_steps(agent);
    agent.observe({kThird, 1, 0.4, {}, kFirst, terminated, !terminated});
    // Terminated: 0.4 - 2 = -1.6, so 1.4 - 0.125 x 1.6. Truncated: as above.
    const double second = terminated ? 1.2 : 1.284375;
    DOCTEST_CHECK(agent.value(kSecond, 1) == doctest::Approx(second));
    agent.observe({kFirst, 1, -1.0, {}, kThird, false, false});
    DOCTEST_CHECK(agent.value(kSecond, 1) == doctest::Approx(second));
  }
}

DOCTEST_TEST_CASE("each stream has its own traces, which a new episode cuts") {
  for (const bool begun : {true, false}) {
    TracedTask task;
    Agent agent = task.agent();
    take_two_steps(agent);
    if (begun) {
      agent.begin_episode();
    }
    agent.observe({kThird, 1, 0.4, {}, kFirst, false, false});
    DOCTEST_CHECK(agent.value(kSecond, 1) == doctest::Approx(begun ? 1.4 : 1.284375));
  }
  TracedTask task;
  Agent agent = task.agent();
  ByHand other(*agent.learner, task.actions, task.random);
  take_two_steps(agent);
  other.observe({kThird, 1, 0.4, {}, kFirst, false, false});
  DOCTEST_CHECK(agent.value(kThird, 1) == doctest::Approx(1.5375));
  DOCTEST_CHECK(agent.value(kSecond, 1) == doctest::Approx(1.4));
}

DOCTEST_TEST_CASE("a trace is replaced, not added to, when its action is taken again") {
  TracedTask task;
  Agent agent = task.agent();
  agent.observe({kFirst, 1, 0.0, {}, kFirst, false, false});
  // 0.5 x 1.5 - 1.5 = -0.75, half of it; with what was left of the trace it would be 0.625 of it.
  agent.observe({kFirst, 1, 0.0, {}, kFirst, false, false});
  DOCTEST_CHECK(agent.value(kFirst, 1) == doctest::Approx(1.125));
}

DOCTEST_TEST_CASE("with two estimates the later errors are those of the one that evaluates") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    TracedTask task;
    task.random = Random(seed);
    Random coin(seed);
    const bool same = (coin.uniform() < 0.5) == (coin.uniform() < 0.5);
    auto options = plain();
    options.double_q = true;
    options.trace_decay = 0.5;
    Agent agent(options, task.states(), task.problem(), task.random);
    // One estimate of the second state becomes (1, 1.5), the other one stays (1, 2).
    agent.observe({kSecond, 1, 1.0, {}, kThird, true, false});
    // The same one again: 0.5 x 2 - 2 = -1, so 1.5. The other one: 0.5 x 1.5 - 2, so 1.375.
    agent.observe({kFirst, 1, 0.0, {}, kSecond, false, false});
    DOCTEST_CHECK(agent.value(kFirst, 1) == doctest::Approx((2.0 + (same ? 1.5 : 1.375)) / 2.0));
    // -1 + 0.5 x 2 falls short of what was said, 2 or 1.5; an eighth of it is taken off.
    agent.observe({kSecond, 1, -1.0, {}, kThird, false, false});
    DOCTEST_CHECK(agent.value(kFirst, 1) == doctest::Approx((2.0 + (same ? 1.25 : 1.1875)) / 2.0));
  }
}

DOCTEST_TEST_CASE("a change that is detected opens exploration again in all states, if asked to") {
  for (const bool reopen : {true, false}) {
    Task task;
    auto options = plain();
    options.exploration_initial = 0.5;
    options.exploration_half_life = 1;
    options.reopen_on_change = reopen;
    options.change = {.tolerance = 0.1, .threshold = 1.0, .mean_rate = 0.001};
    Agent agent(options, task.states(), task.problem(), task.random);
    const auto rate = [&](const Observation& observation) {
      agent.act(observation);
      return agent.decision().exploration;
    };
    // Errors of 1, 0.5, 0.25 ...: their sum is 2, their mean after 20 of them 0.1.
    for (int i = 0; i < 20; ++i) {
      agent.observe({kLow, 1, 1.0, {}, kLow, true, false});
    }
    DOCTEST_CHECK(rate(kLow) < 1e-6);
    // Two of 1, at means of 0.143 and 0.182, exceed these and 0.1 by 0.757 and 0.718: above 1.
    agent.observe({kHigh, 1, -1.0, {}, kHigh, true, false});
    DOCTEST_CHECK(rate(kLow) < 1e-6);
    agent.observe({kLow, 1, -1.0, {}, kLow, true, false});
    DOCTEST_CHECK(rate(kLow) == doctest::Approx(reopen ? 0.5 : 0.0));
    DOCTEST_CHECK(rate(kHigh) == doctest::Approx(reopen ? 0.5 : 0.25));
  }
}

// With a discount of 0.9 optimistic values of 10 fall by a hundredth with an update: hence the
// steps.
DOCTEST_TEST_CASE("three problems with known answers are solved from each of five seeds") {
  struct Case {
    std::unique_ptr<TinyProblem> problem;
    std::vector<StateAggregation::Cut> cuts;
    double discount;
  };
  std::vector<Case> cases;
  cases.push_back({std::make_unique<ContextualBandit>(), {{"high", {0.5}}, {"low", {0.5}}}, 0.2});
  cases.push_back({std::make_unique<Chain>(),
                   {{"s1", {0.5}}, {"s2", {0.5}}, {"s3", {0.5}}, {"s4", {0.5}}},
                   0.9});
  cases.push_back({std::make_unique<TwoKnobs>(), {{"deadline", {0.3, 0.7}}}, 0.2});
  for (const bool extended : {false, true}) {
    for (std::size_t i = 0; i < cases.size(); ++i) {
      for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        DOCTEST_CAPTURE(extended);
        DOCTEST_CAPTURE(i);
        DOCTEST_CAPTURE(seed);
        TinyProblem& problem = *cases[i].problem;
        QLearning::Options options;
        options.discount = cases[i].discount;
        options.double_q = extended;
        options.trace_decay = extended ? 0.8 : 0.0;
        options.exploration_initial = 1.0;
        Random random(seed);
        Agent agent(options, {cases[i].cuts, problem.observations}, problem.problem(), random);
        DOCTEST_CHECK(solve(*agent.learner, random, {&problem}, seed, extended ? 20'000 : 5000) <
                      1e-9);
      }
    }
  }
}

DOCTEST_TEST_CASE(
    "a limit of 0.5 W and one of 1 W, 10 s and no deadline were one state to a table of the "
    "standard states") {
  const ObservationSpec spec = make_observation_spec({}, {"app"}, {});
  const auto states = StateAggregation::standard(spec);
  DOCTEST_REQUIRE(states.size() == 2);
  const auto key_of = [&](const std::string& feature, std::optional<double> number) {
    Observation observation;
    for (const auto& each : spec.features()) {
      observation.push_back(each.name == feature && number ? each.scale(*number)
                                                           : each.scale.neutral);
    }
    StateAggregation::Key key;
    states.find_key(observation, key);
    return key;
  };
  for (const char* const feature : {"deadline.app", "power.limit"}) {  // In ms and W.
    DOCTEST_CAPTURE(feature);
    for (const double first : {0.5, 0.1, 0.3, 0.123}) {
      std::set<StateAggregation::Key> keys = {key_of(feature, std::nullopt)};
      std::size_t numbers = 1;
      for (double number = first; number < 39e3; number *= 1.5, ++numbers) {
        keys.insert(key_of(feature, number));
      }
      DOCTEST_CHECK(keys.size() == numbers);
    }
    for (const double number : {0.5, 1.0, 2.0, 5.0, 10e3, 20e3}) {
      DOCTEST_CHECK(key_of(feature, number) != key_of(feature, 2.0 * number));
    }
  }
  // The bins that there always were: at the powers of 10^0.16 in ms and W.
  for (int i = 1; i < 25; ++i) {
    const double edge = std::pow(10.0, 0.16 * i);
    for (const char* const feature : {"deadline.app", "power.limit"}) {
      DOCTEST_CHECK(key_of(feature, 0.999 * edge) != key_of(feature, 1.001 * edge));
      DOCTEST_CHECK(key_of(feature, 1.001 * edge) == key_of(feature, 1.4 * edge));
    }
  }
}

DOCTEST_TEST_CASE("decides and learns without asking for memory, once the states are known") {
  TwoKnobs problem;
  QLearning::Options options;
  options.exploration_initial = options.exploration_final = 0.5;
  options.double_q = true;
  options.trace_decay = 0.9;
  options.reopen_on_change = true;
  Random random(1);
  Agent agent(options, StateAggregation::standard(problem.observations), problem.problem(), random);
  const Observation now = TwoKnobs::observation(1.5);
  const Observation next = TwoKnobs::observation(3.0);
  const std::vector<RewardTerm> terms = {{"objective", 0.5}, {"latency.app", -1.0}};
  PeriodRecord there = record_of({now, 0, -0.5, terms, next}, problem.actions);
  PeriodRecord back = record_of({next, 0, -0.5, terms, now}, problem.actions);
  const auto session = agent.learner->policy().begin_episode(random);
  const rein::Task nothing;
  const auto live = [&] {
    for (int i = 0; i < 500; ++i) {
      for (PeriodRecord* const record : {&there, &back}) {
        // The decision's own levels are the one thing that is made.
        Decision decision =
            agent.learner->policy().decide(View(record->observation, nothing), *session);
        record->action = decision.action;
        agent.learner->learn(*record, *session);
      }
    }
  };
  live();
  const std::size_t before = allocation_count();
  live();
  DOCTEST_CHECK(allocation_count() == before + 1000);
}

DOCTEST_TEST_CASE("save, load and go on equals never having stopped") {
  const TemporaryFolder folder;
  const auto file = folder.path() / "agent.json";
  auto options = plain();
  options.exploration_initial = 0.6;
  options.exploration_final = 0.3;
  options.double_q = true;
  options.trace_decay = 0.9;
  options.reopen_on_change = true;
  options.change.threshold = 2.0;
  Task one;
  Task other;
  other.random = Random(99);
  Agent original(options, one.states(), one.problem(), one.random);
  Agent resumed(options, other.states(), other.problem(), other.random);
  Random world(5);
  const auto live = [](Agent& agent, Random& draws) {
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
  original.end_episode();
  original.learner->save(file);
  resumed.learner->load(file);
  resumed.begin_episode();
  Random same_world = world;
  for (int i = 0; i < 500; ++i) {
    DOCTEST_REQUIRE(live(original, world) == live(resumed, same_world));
  }
  original.learner->save(folder.path() / "a.json");
  resumed.learner->save(folder.path() / "b.json");
  DOCTEST_CHECK(read_file(folder.path() / "a.json") == read_file(folder.path() / "b.json"));
}

DOCTEST_TEST_CASE("a table loaded under other bin edges, and took one state for another") {
  const TemporaryFolder folder;
  const auto file = folder.path() / "agent.json";
  const Task task;
  Random random(1);
  QLearning(plain(), task.states(), task.problem(), random).save(file);
  Agent other(plain(), {{{"f", {0.25, 0.5}}}, task.observations}, task.problem(), random);
  DOCTEST_CHECK_THROWS_WITH_AS(
      other.learner->load(file),
      doctest::Contains(
          "for.options.bins.0: expected 'f: 0.25 0.5' as in this run, found 'f: 0.5'"),
      ConfigError);
  Agent same(plain(), task.states(), task.problem(), random);
  same.learner->load(file);
}

DOCTEST_TEST_CASE("a broken or foreign checkpoint is refused with its place, and changes nothing") {
  const TemporaryFolder folder;
  const auto file = folder.path() / "agent.json";
  Task task;
  Agent agent(plain(), task.states(), task.problem(), task.random);
  agent.observe({kLow, 1, -0.6, {}, kHigh, false, false});
  agent.learner->save(file);
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
      agent.learner->load(file);
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
  check_refused(replaced("q_learning", "dqn"),
                "kind: expected 'q_learning' as in this run, found 'dqn'");
  check_refused(replaced("\"version\": 2", "\"version\": 7"),
                "version: expected version 2, found '7'");
  check_refused(replaced("low high", "low"), "for.knobs.0: expected 'k: low high' as in this run");
  check_refused(replaced("\"random\": \"", "\"random\": \"x"),
                "random: random generator: expected");
  check_refused(replaced("\"values\": [\n     1.0,", "\"values\": [\n     null,"),
                "values.0: expected a number");
  check_refused(replaced("1.0,", "1e999,"), "values.0: expected a number");
  check_refused(replaced("1.0,", "1.0, 3,"), "values: expected 2 numbers");
  check_refused(replaced("\"lacking\"", "\"lacks\""), "lacking: expected this key");
  check_refused(replaced("\"visited\"", "\"second_values\": [1, 2], \"visited\""), "second_values");
  write_file(file, good);
  DOCTEST_CHECK_NOTHROW(agent.learner->load(file));
}

DOCTEST_TEST_CASE("a parameter out of its range is refused with its place") {
  const auto check_refused = [](const std::string& text, const std::string& message) {
    DOCTEST_CHECK_THROWS_WITH_AS(QLearning::Options::from_yaml(ConfigNode::parse(text, "a")),
                                 message.c_str(), ConfigError);
  };
  check_refused("double: 2", "a:1:9: double: expected true or false, found '2'");
  check_refused("trace_decay: 1.5",
                "a:1:14: trace_decay: expected a number from 0 to 1, found '1.5'");
  check_refused("change: {threshold: 0}",
                "a:1:21: change.threshold: expected a number from 1e-12 to 1e+12, found '0'");
  check_refused("exploration: {reopen_on_change: 7}",
                "a:1:33: exploration.reopen_on_change: expected true or false, found '7'");
  const auto options = QLearning::Options::from_yaml(ConfigNode::parse(
      "{double: true, trace_decay: 0.5, exploration: {temperature: 2, reopen_on_change: true}}",
      "a"));
  DOCTEST_CHECK(options.double_q);
  DOCTEST_CHECK(options.trace_decay == 0.5);
  DOCTEST_CHECK(options.exploration_temperature == 2.0);
  DOCTEST_CHECK(options.reopen_on_change);
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
