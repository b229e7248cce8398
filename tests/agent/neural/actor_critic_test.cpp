// The actor-critic against numbers worked by hand, and on problems whose solution is known.
#include "agent/neural/actor_critic.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <numeric>

#include "common/error.hpp"
#include "common/files.hpp"
#include "support/temporary_folder.hpp"
#include "support/tiny_problems.hpp"

namespace rein {
namespace {

const ActionSpace kTwo({{"k", "1", Knob::Kind::kMapping, {{"low"}, {"high"}}}});
const ActionSpace kSix({{"a", "1", Knob::Kind::kMapping, {{"0"}, {"1"}}},
                        {"b", "1", Knob::Kind::kMapping, {{"0"}, {"1"}, {"2"}}}});
const ObservationSpec kOneFeature({Feature{.name = "f"}});

std::vector<RolloutStep> three_steps() {
  return {{.reward = 1.0, .value = 0.5, .next_value = 1.0},
          {.reward = 0.0, .value = 1.0, .next_value = 0.2},
          {.reward = 2.0, .value = 0.2, .next_value = 0.4}};
}

void check_advantages(const std::vector<RolloutStep>& steps, const std::vector<double>& expected) {
  const auto advantages = generalised_advantages(steps, /*discount=*/0.5, /*lambda=*/0.5);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    DOCTEST_CHECK(advantages[i] == doctest::Approx(expected[i]));
  }
}

DOCTEST_TEST_CASE("advantages are discounted sums of the errors, as worked by hand") {
  // Errors 1 + 0.5 - 0.5 = 1, 0 + 0.1 - 1 = -0.9, 2 + 0.2 - 0.2 = 2; each next one counts 0.25.
  check_advantages(three_steps(), {0.9, -0.4, 2.0});
}

DOCTEST_TEST_CASE("a cut step is bootstrapped and a terminated one is not, both end the sum") {
  auto steps = three_steps();
  steps[1].cut = true;
  check_advantages(steps, {0.775, -0.9, 2.0});
  steps = three_steps();
  steps[1].terminated = true;
  check_advantages(steps, {0.75, -1.0, 2.0});
}

DOCTEST_TEST_CASE("the loss and its gradient are as worked by hand") {
  const NetworkLayout layout({1, 3});
  const PolicyHead head{ActionBranches::per_knob(kTwo)};
  // V = 0.5, logits (ln 3, 0): chances 3/4 and 1/4.
  const auto weights = layout.unpack(std::vector<float>{0, 0, 0, 0.5F, std::log(3.0F), 0});
  const PolicyBatch batch{
      .observations = {0.0F}, .actions = {0}, .advantages = {2.0F}, .returns = {1.0F}};
  AlignedFloats gradients;
  const auto loss = [&](double entropy_weight) {
    return make_fused_policy_loss(layout, head,
                                  {.value_weight = 0.5, .entropy_weight = entropy_weight}, 1)
        ->differentiate(batch, weights, gradients);
  };
  // -2 ln 0.75 + 0.25 x 0.5^2
  DOCTEST_CHECK(loss(0.0) == doctest::Approx(0.637864));
  DOCTEST_CHECK(layout.pack(gradients)[3] == doctest::Approx(-0.25));
  DOCTEST_CHECK(layout.pack(gradients)[4] == doctest::Approx(-0.5));
  DOCTEST_CHECK(layout.pack(gradients)[5] == doctest::Approx(0.5));
  // The entropy is 0.562335; by the logits p (ln p + H) = 0.205990 and the opposite.
  DOCTEST_CHECK(loss(1.0) == doctest::Approx(0.637864 - 0.562335));
  DOCTEST_CHECK(layout.pack(gradients)[4] == doctest::Approx(-0.29401));
  DOCTEST_CHECK(layout.pack(gradients)[5] == doctest::Approx(0.29401));
}

ActorCritic::Options quick() {
  ActorCritic::Options options;
  options.discount = 0.5;
  options.hidden = {32};
  options.learning_rate = 0.01;
  options.rollout = 16;
  return options;
}

DOCTEST_TEST_CASE("a joint action's chance is the product of its knobs' chances, and is drawn so") {
  Random random(1);
  ActorCritic agent(quick(), {kSix, kOneFeature, std::vector<double>(6, 1.0)}, random);
  const NetworkLayout& layout = agent.learned().layout;
  AlignedFloats weights(layout.size(), 0.0F);
  const std::size_t biases = layout.layers().back().biases;
  weights[biases + 1] = std::log(3.0F);      // a: 3/4, 1/4
  weights[biases + 3 + 2] = std::log(2.0F);  // b: 1/4, 1/4, 1/2
  agent.set_weights(weights);
  const auto chances = agent.probabilities({0.5});
  const std::vector<double> expected = {3 / 16.0, 3 / 16.0, 6 / 16.0, 1 / 16.0, 1 / 16.0, 2 / 16.0};
  std::vector<int> drawn(6, 0);
  int explored = 0;
  constexpr int kDraws = 8000;
  for (int i = 0; i < kDraws; ++i) {
    ++drawn[agent.act(Observation{0.5})];
    explored += agent.exploration().explored ? 1 : 0;
  }
  for (ActionId action = 0; action < 6; ++action) {
    DOCTEST_CHECK(chances[action] == doctest::Approx(expected[action]));
    DOCTEST_CHECK(drawn[action] / (1.0 * kDraws) == doctest::Approx(expected[action]).epsilon(0.1));
  }
  DOCTEST_CHECK(agent.exploration().rate == doctest::Approx(10 / 16.0));
  DOCTEST_CHECK(explored / (1.0 * kDraws) == doctest::Approx(10 / 16.0).epsilon(0.05));
}

/// Makes it choose one of the two for certain.
void prefer(ActorCritic& agent, ActionId action) {
  AlignedFloats weights = agent.learned().weights;
  weights[agent.learned().layout.layers().back().biases + 1 + action] = 50.0F;
  agent.set_weights(weights);
}

DOCTEST_TEST_CASE("what a shield chose in its place is no step of its own policy") {
  const Problem problem{kTwo, kOneFeature, {1.0, 1.0}};
  Random random(1);
  Random same(1);
  ActorCritic shielded(quick(), problem, random);
  ActorCritic cut(quick(), problem, same);
  prefer(shielded, 0);
  prefer(cut, 0);
  const AlignedFloats before = shielded.learned().weights;
  for (int i = 0; i < 50; ++i) {  // Nor is what it was never asked for.
    const ActionId action = i % 2 == 0 ? shielded.act(Observation{0.5}) : 0;
    shielded.observe({{0.5}, 1 - action, 1.0, {}, {0.5}, false, false});
    shielded.observe({{0.5}, 0, 1.0, {}, {0.5}, false, false});
  }
  DOCTEST_CHECK(shielded.learned().weights == before);
  DOCTEST_CHECK(shielded.learned().adam.steps == 0);
  // In the middle of a rollout it is a cut.
  const auto live = [](ActorCritic& agent, double reward, bool is_truncated) {
    agent.observe({{0.5}, agent.act(Observation{0.5}), reward, {}, {0.5}, false, is_truncated});
  };
  for (int i = 0; i < 100; ++i) {  // The features' scaling sees all that was.
    cut.observe({{0.5}, 0, 1.0, {}, {0.5}, false, false});
  }
  for (int i = 0; i < 16; ++i) {
    live(shielded, 0.1 * i, false);
    live(cut, 0.1 * i, i == 7);
    if (i == 7) {
      shielded.observe({{0.5}, 1, -9.0, {}, {0.5}, false, false});
      cut.observe({{0.5}, 1, -9.0, {}, {0.5}, false, false});
    }
  }
  DOCTEST_CHECK(shielded.learned().adam.steps == 1);
  DOCTEST_CHECK(shielded.learned().weights == cut.learned().weights);
}

DOCTEST_TEST_CASE("the value of what is truncated goes on, of what is terminated does not") {
  for (const bool terminated : {false, true}) {
    Random random(1);
    ActorCritic agent(quick(), {kTwo, kOneFeature, {1.0, 1.0}}, random);
    for (int i = 0; i < 20'000; ++i) {
      const ActionId action = agent.act(Observation{0.5});
      agent.observe({{0.5}, action, 1.0, {}, {0.5}, terminated, !terminated});
    }
    // 1 / (1 - 0.5), or 1 alone.
    DOCTEST_CHECK(agent.value({0.5}) == doctest::Approx(terminated ? 1.0 : 2.0).epsilon(0.05));
  }
}

DOCTEST_TEST_CASE("streams that interleave are kept apart") {
  // Two streams in turn, of opposite rewards, learn what each would alone, one after the other.
  const Problem problem{kTwo, kOneFeature, {1.0, 1.0}};
  Random random(1);
  Random same(1);
  ActorCritic mixed(quick(), problem, random);
  ActorCritic apart(quick(), problem, same);
  prefer(mixed, 0);
  prefer(apart, 0);
  const auto feed = [](ActorCritic& agent, std::size_t stream, int i) {
    const double reward = stream == 0 ? 0.1 * i : -1.0;
    agent.attend(stream);
    const ActionId action = agent.act(Observation{0.5});
    agent.observe({{0.5}, action, reward, {}, {0.5}, false, false, nullptr, stream});
  };
  for (int i = 0; i < 16; ++i) {
    feed(mixed, 0, i);
    feed(mixed, 1, i);
    feed(apart, 0, i);
  }
  for (int i = 0; i < 16; ++i) {
    feed(apart, 1, i);
  }
  DOCTEST_CHECK(mixed.learned().weights == apart.learned().weights);
  DOCTEST_CHECK(mixed.learned().adam.steps == 2);
}

DOCTEST_TEST_CASE("an episode that begins cuts its stream's rollout") {
  const Problem problem{kTwo, kOneFeature, {1.0, 1.0}};
  const auto weights_after = [&](bool begins, bool truncated) {
    Random random(1);
    ActorCritic agent(quick(), problem, random);
    agent.begin_episode(0);
    for (int i = 0; i < 16; ++i) {
      if (i == 8 && begins) {
        agent.begin_episode(0);
      }
      const ActionId action = agent.act(Observation{0.1 * i});
      agent.observe({{0.1 * i}, action, i < 8 ? 0.0 : 1.0, {}, {0.5}, false, i == 7 && truncated});
    }
    return agent.learned().weights;
  };
  DOCTEST_CHECK(weights_after(true, false) == weights_after(false, true));
  DOCTEST_CHECK(weights_after(true, false) != weights_after(false, false));
}

/// Five seeds, all of which have to do.
void check_solves(const ActorCritic::Options& options, const std::vector<TinyProblem*>& problems,
                  std::size_t steps) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    DOCTEST_CAPTURE(seed);
    Random random(seed);
    ActorCritic agent(options, problems.front()->problem(), random);
    DOCTEST_CHECK(solve(agent, problems, seed, steps) < 1e-9);
  }
}

DOCTEST_TEST_CASE("solves a contextual bandit from every seed") {
  ContextualBandit problem;
  check_solves(quick(), {&problem}, 10'000);
}

DOCTEST_TEST_CASE("solves a chain whose reward is at its end, from every seed, in three streams") {
  Chain one;
  Chain two;
  Chain three;
  auto options = quick();
  options.discount = 0.9;
  options.loss.entropy_weight = 0.05;
  check_solves(options, {&one, &two, &three}, 30'000);
}

DOCTEST_TEST_CASE("a changed budget moves the trained policy of two knobs without learning") {
  TwoKnobs problem;
  auto options = quick();
  options.loss.entropy_weight = 0.1;
  options.rollout = 32;
  check_solves(options, {&problem}, 60'000);
  Random random(1);
  ActorCritic agent(options, problem.problem(), random);
  solve(agent, {&problem}, 1, 60'000);
  DOCTEST_CHECK(problem.actions.decode(greedy_action(agent, TwoKnobs::observation(0.5))) ==
                std::vector<std::size_t>{0, 1});
  DOCTEST_CHECK(problem.actions.decode(greedy_action(agent, TwoKnobs::observation(3.0))) ==
                std::vector<std::size_t>{2, 0});
}

DOCTEST_TEST_CASE("save, load and go on equals never having stopped") {
  const TemporaryFolder folder;
  const Problem problem{kSix, kOneFeature, std::vector<double>(6, 1.0)};
  Random random(1);
  Random fresh(99);
  ActorCritic original(quick(), problem, random);
  ActorCritic resumed(quick(), problem, fresh);
  Random world(5);
  const auto live = [](ActorCritic& agent, Random& draws) {
    const Observation now = {draws.uniform()};
    const Observation next = {draws.uniform()};
    const std::size_t stream = draws.index(3);
    agent.attend(stream);
    const ActionId action = agent.act(now);
    agent.observe({now,
                   action,
                   draws.uniform() - static_cast<double>(action) / 6.0,
                   {},
                   next,
                   draws.uniform() < 0.1,
                   false,
                   nullptr,
                   stream});
    return action;
  };
  for (int i = 0; i < 120; ++i) {
    live(original, world);
  }
  original.save(folder.path() / "agent.json");
  resumed.load(folder.path() / "agent.json");
  Random same_world = world;
  for (int i = 0; i < 300; ++i) {
    DOCTEST_REQUIRE(live(original, world) == live(resumed, same_world));
  }
  original.save(folder.path() / "a.json");
  resumed.save(folder.path() / "b.json");
  DOCTEST_CHECK(read_file(folder.path() / "a.json") == read_file(folder.path() / "b.json"));
}

DOCTEST_TEST_CASE("a broken checkpoint is refused with its place") {
  const TemporaryFolder folder;
  const auto file = folder.path() / "agent.json";
  Random random(1);
  ActorCritic agent(quick(), {kTwo, kOneFeature, {1.0, 1.0}}, random);
  prefer(agent, 1);
  for (int i = 0; i < 5; ++i) {
    agent.observe({{0.5}, agent.act(Observation{0.5}), 1.0, {}, {0.5}, false, false});
  }
  agent.save(file);
  const std::string good = read_file(file);
  const auto check_refused = [&](const std::string& what, const std::string& by,
                                 const std::string& part) {
    std::string text = good;
    const auto at = text.find(what);
    DOCTEST_REQUIRE(at != std::string::npos);
    write_file(file, text.replace(at, what.size(), by));
    try {
      agent.load(file);
      DOCTEST_FAIL("was accepted: " << part);
    } catch (const ConfigError& error) {
      const std::string message = error.what();
      DOCTEST_CAPTURE(message);
      DOCTEST_CHECK(message.starts_with(file.string() + ":"));
      DOCTEST_CHECK(message.find(part) != std::string::npos);
    }
  };
  check_refused("   32,", "   33,", "for.options.layers: expected [1, 32, 3] as in this run");
  check_refused("\"actions\": \"AQAA", "\"actions\": \"AgAA",
                "rollouts.0.actions: expected numbers below 2, found 2");
  check_refused("\"steps\": 0", "\"steps\": -1", "network.steps: expected");
  check_refused("\"stream\"", "\"flow\"", "rollouts.0.stream: expected this key");
  write_file(file, good);
  DOCTEST_CHECK_NOTHROW(agent.load(file));
}

}  // namespace
}  // namespace rein
