// The deep Q-network against numbers worked by hand, and on problems whose solution is known.
#include "agent/neural/dqn.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "common/error.hpp"
#include "common/files.hpp"
#include "support/draws.hpp"
#include "support/temporary_folder.hpp"
#include "support/tiny_problems.hpp"

namespace rein {
namespace {

const ActionSpace kTwo({{"k", "1", Knob::Kind::kMapping, {{"low"}, {"high"}}}});
const ActionSpace kFour({{"a", "1", Knob::Kind::kMapping, {{"0"}, {"1"}}},
                         {"b", "1", Knob::Kind::kMapping, {{"0"}}},
                         {"c", "1", Knob::Kind::kMapping, {{"0"}, {"1"}}}});
const ObservationSpec kOneFeature({Feature{.name = "f"}});

QBatch one_row(float x, std::vector<BranchAction> parts, float reward, float next_x,
               bool terminated) {
  return {{x}, {next_x}, std::move(parts), {reward}, {terminated ? 0.0F : 1.0F}};
}

/// 1-2-2: h = relu(x (1, -2) + (0.5, 1)), Q = (h1 + 3 h2 + `bias`, 2 h1 - h2 - 0.2).
AlignedFloats tiny_weights(const NetworkLayout& layout, float bias) {
  return layout.unpack(std::vector<float>{1, -2, 0.5, 1, 1, 2, 3, -1, bias, -0.2F});
}

DOCTEST_TEST_CASE("the target is the reward and what is to come, as double, single and no future") {
  const NetworkLayout layout({1, 2, 2});
  const QHead head{ActionBranches::joint(2), /*duelling=*/false};
  const auto online = tiny_weights(layout, 0.1F);
  const auto target = tiny_weights(layout, 3.1F);
  AlignedFloats gradients;
  const auto loss = [&](bool double_q, bool terminated) {
    return make_fused_q_loss(layout, head, {.discount = 0.5, .double_q = double_q}, 1)
        ->differentiate(one_row(0.25F, {0}, -1.0F, 2.0F, terminated), online, target, gradients);
  };
  // Now: h = (0.75, 0.5), Q of the action that was taken = 2.35.
  // Next: h = (2.5, 0), Q = (2.6, 4.8), by the target network (5.6, 4.8).
  // Double takes action 1, so r + 0.5 x 4.8 = 1.4; the error is 0.95, the loss 0.95^2 / 2.
  DOCTEST_CHECK(loss(true, false) == doctest::Approx(0.45125));
  // By the output 0.95; by h1 0.95 x 1, by h2 0.95 x 3, both above 0; by x's weights x 0.25.
  const std::vector<float> by_hand = {0.2375F, 0.7125F, 0.95F, 2.85F, 0.7125F,
                                      0,       0.475F,  0,     0.95F, 0};
  const auto packed = layout.pack(gradients);
  for (std::size_t i = 0; i < by_hand.size(); ++i) {
    DOCTEST_CHECK(packed[i] == doctest::Approx(by_hand[i]));
  }
  // Single takes the target's own best: r + 0.5 x 5.6 = 1.8; the error is 0.55.
  DOCTEST_CHECK(loss(false, false) == doctest::Approx(0.15125));
  // Nothing to come: r alone; the error of 3.35 is beyond Huber's bend, its gradient cut at 1.
  DOCTEST_CHECK(loss(true, true) == doctest::Approx(2.85));
  DOCTEST_CHECK(layout.pack(gradients)[8] == doctest::Approx(1.0));
}

DOCTEST_TEST_CASE("the loss is straight beyond its bend, which may be anywhere or nowhere") {
  const NetworkLayout layout({1, 2, 2});
  const auto weights = tiny_weights(layout, 0.1F);
  AlignedFloats gradients;
  const auto loss = [&](double bend) {
    return make_fused_q_loss(layout, {ActionBranches::joint(2), /*duelling=*/false},
                             {.discount = 0.5, .double_q = false, .bend = bend}, 1)
        ->differentiate(one_row(0.25F, {0}, -1.0F, 2.0F, /*terminated=*/true), weights, weights,
                        gradients);
  };
  // The error is 3.35.
  DOCTEST_CHECK(loss(2.0) == doctest::Approx(2.0 * (3.35 - 1.0)));
  DOCTEST_CHECK(layout.pack(gradients)[8] == doctest::Approx(2.0));
  DOCTEST_CHECK(loss(std::numeric_limits<double>::infinity()) ==
                doctest::Approx(0.5 * 3.35 * 3.35));
  DOCTEST_CHECK(layout.pack(gradients)[8] == doctest::Approx(3.35));
}

DOCTEST_TEST_CASE(
    "an action's value is what its branches add to the state's, and all of them learn") {
  const NetworkLayout layout({1, 5});
  const QHead head{ActionBranches::per_knob(kFour), /*duelling=*/true};
  DOCTEST_REQUIRE(head.branches.count() == 2);  // A knob of one level needs none.
  // V = 1, A = (0.2, -0.2) and (0.6, 0), of mean 0 and 0.3.
  const auto weights = layout.unpack(std::vector<float>{0, 0, 0, 0, 0, 1, 0.2F, -0.2F, 0.6F, 0});
  AlignedFloats gradients;
  const float loss =
      make_fused_q_loss(layout, head, {.discount = 0.8, .double_q = true}, 1)
          ->differentiate(one_row(0.0F, {1, 0}, 0.5F, 0.0F, false), weights, weights, gradients);
  // Q of what was taken: 1 - 0.2 + (0.6 - 0.3) = 1.1; the best: 1 + 0.2 + 0.3 = 1.5.
  // Target 0.5 + 0.8 x 1.5 = 1.7; the error is -0.6. What was not taken gets half of it back.
  DOCTEST_CHECK(loss == doctest::Approx(0.18));
  const auto packed = layout.pack(gradients);
  const std::vector<double> by_bias = {-0.6, 0.3, -0.3, -0.3, 0.3};
  for (std::size_t i = 0; i < 5; ++i) {
    DOCTEST_CHECK(packed[5 + i] == doctest::Approx(by_bias[i]));
  }
}

DOCTEST_TEST_CASE("actions are split into the knobs' levels and joined again") {
  const ActionBranches branches = ActionBranches::per_knob(kFour);
  const ActionBranches joint = ActionBranches::joint(kFour);
  for (ActionId action = 0; action < kFour.size(); ++action) {
    const auto levels = kFour.decode(action);
    std::vector<BranchAction> parts(2);
    branches.split(levels, parts);
    DOCTEST_CHECK(parts[0] == levels[0]);
    DOCTEST_CHECK(parts[1] == levels[2]);
    DOCTEST_CHECK(branches.join(parts) == levels);
    std::vector<BranchAction> number(1);
    joint.split(levels, number);
    DOCTEST_CHECK(number[0] == action);
    DOCTEST_CHECK(joint.join(number) == levels);
  }
  DOCTEST_CHECK(ActionBranches::joint(4).outputs() == 4);
  const ActionSpace fixed({{"k", "1", Knob::Kind::kMapping, {{"only"}}}});
  const ActionBranches one = ActionBranches::per_knob(fixed);
  DOCTEST_CHECK(one.outputs() == 1);
  std::vector<BranchAction> parts(1, 9);
  one.split({0}, parts);
  DOCTEST_CHECK(parts[0] == 0);
  DOCTEST_CHECK(one.join(parts) == Action{0});
}

Dqn::Options quick() {
  Dqn::Options options;
  options.loss.discount = 0.5;
  options.hidden = {16};
  options.warm_up = 1;
  options.batch = 8;
  options.target_rate = 0.01;
  options.learning_rate = 0.01;
  return options;
}

DOCTEST_TEST_CASE("a truncated step is bootstrapped and a terminated one is not") {
  for (const bool terminated : {false, true}) {
    Random random(1);
    Dqn agent(quick(), {kTwo, kOneFeature, {1.0, 1.0}}, random);
    ByHand stream(agent, kTwo, random);
    for (int i = 0; i < 2000; ++i) {
      stream.observe(
          {{0.5}, static_cast<ActionId>(i % 2), 1.0, {}, {0.5}, terminated, !terminated});
    }
    // 1 / (1 - 0.5), or 1 alone.
    DOCTEST_CHECK(agent.policy().best_value({0.5}) ==
                  doctest::Approx(terminated ? 1.0 : 2.0).epsilon(0.02));
  }
}

DOCTEST_TEST_CASE("rewards below the floor count as much as the floor") {
  Random random(1);
  auto options = quick();
  options.reward_floor = -1.5;
  Dqn agent(options, {kTwo, kOneFeature, {1.0, 1.0}}, random);
  ByHand stream(agent, kTwo, random);
  for (int i = 0; i < 1000; ++i) {
    stream.observe({{0.5}, static_cast<ActionId>(i % 2), -30.0, {}, {0.5}, true});
  }
  DOCTEST_CHECK(agent.policy().best_value({0.5}) == doctest::Approx(-1.5).epsilon(0.02));
}

DOCTEST_TEST_CASE("the target network follows softly, or is a copy from time to time") {
  Random random(1);
  auto options = quick();
  options.target_rate = 1.0;
  options.target_period = 3;
  Dqn agent(options, {kTwo, kOneFeature, {1.0, 1.0}}, random);
  const auto initial = agent.target();
  ByHand stream(agent, kTwo, random);
  const auto learn = [&] { stream.observe({{0.5}, 1, 1.0, {}, {0.5}}); };
  learn();
  learn();
  DOCTEST_CHECK(agent.target() == initial);
  learn();
  DOCTEST_CHECK(agent.target() == agent.weights());
  DOCTEST_CHECK(agent.target() != initial);

  options.target_rate = 0.25;
  options.target_period = 1;
  Random same(1);
  Dqn soft(options, {kTwo, kOneFeature, {1.0, 1.0}}, same);
  const float before = soft.target()[0];
  ByHand(soft, kTwo, same).observe({{0.5}, 1, 1.0, {}, {0.5}});
  DOCTEST_CHECK(soft.target()[0] == doctest::Approx(before + 0.25 * (soft.weights()[0] - before)));
}

DOCTEST_TEST_CASE("few joint actions have an output each, many have branches, unless told") {
  Random random(1);
  std::vector<Knob::Level> nine(9);
  const ActionSpace many(
      {{"a", "1", Knob::Kind::kMapping, nine}, {"b", "1", Knob::Kind::kMapping, nine}});
  const auto outputs = [&](const ActionSpace& actions, const std::string& yaml) {
    return Dqn(Dqn::Options::from_yaml(ConfigNode::parse(yaml, "run.yaml")),
               {actions, kOneFeature, std::vector<double>(actions.size(), 1.0)}, random)
        .policy()
        .head()
        .branches.outputs();
  };
  DOCTEST_CHECK(outputs(kFour, "{}") == 4);
  DOCTEST_CHECK(outputs(many, "{}") == 18);
  DOCTEST_CHECK(outputs(many, "{head: joint}") == 81);
  DOCTEST_CHECK(outputs(kFour, "{head: branching}") == 4);
}

DOCTEST_TEST_CASE("a rise of the mean is found once it sums up, a steady one is not") {
  ChangeDetector detector({.tolerance = 0.1, .threshold = 2.0, .mean_rate = 0.001});
  for (int i = 0; i < 1000; ++i) {
    DOCTEST_REQUIRE_FALSE(detector.add(i % 2 == 0 ? 0.1 : 0.3));  // Mean 0.2, 0.1 above at most.
  }
  // About 0.7 each beyond mean and tolerance: 2.0 is exceeded at the third.
  DOCTEST_CHECK_FALSE(detector.add(1.0));
  DOCTEST_CHECK_FALSE(detector.add(1.0));
  DOCTEST_CHECK(detector.add(1.0));
  DOCTEST_CHECK(detector.state().count == 0);
}

DOCTEST_TEST_CASE("exploration falls, opens again when rewards change, and falls again") {
  Random random(1);
  auto options = quick();
  options.exploration_initial = 0.4;
  options.exploration_final = 0.0;
  options.exploration_reopened = 0.3;
  options.exploration_half_life = 100.0;
  Dqn agent(options, {kTwo, kOneFeature, {1.0, 1.0}}, random);
  ByHand stream(agent, kTwo, random);
  const auto rate = [&] {
    stream.act({0.5});
    return stream.decision().exploration;
  };
  const auto rate_after = [&](int periods, double reward) {
    double highest = 0.0;
    for (int i = 0; i < periods; ++i) {
      stream.observe({{0.5}, stream.act({0.5}), reward, {}, {0.5}, true});
      highest = std::max(highest, rate());
    }
    return std::pair(highest, rate());
  };
  DOCTEST_CHECK(rate() == doctest::Approx(0.4));
  rate_after(100, 1.0);
  DOCTEST_CHECK(rate() == doctest::Approx(0.2));
  DOCTEST_CHECK(rate_after(900, 1.0).second < 0.001);
  const auto [highest, last] = rate_after(500, -1.0);
  DOCTEST_CHECK(highest == doctest::Approx(0.3));
  DOCTEST_CHECK(last < 0.05);
}

DOCTEST_TEST_CASE("exploration avoids what is known to be bad") {
  Random random(1);
  auto options = quick();
  options.exploration_initial = options.exploration_final = 1.0;
  options.exploration_temperature = 0.1;
  Dqn agent(options, {kTwo, kOneFeature, {1.0, 1.0}}, random);
  ByHand stream(agent, kTwo, random);
  for (int i = 0; i < 1000; ++i) {
    const auto action = static_cast<ActionId>(i % 2);
    stream.observe({{0.5}, action, action == 0 ? 1.0 : -1.0, {}, {0.5}, true});
  }
  for (int i = 0; i < 500; ++i) {
    DOCTEST_REQUIRE(stream.act({0.5}) == 0);  // e^(-20) against 1
  }
}

/// Three knobs of 2, 1 and 3 levels.
const ActionSpace kSix({{"a", "1", Knob::Kind::kMapping, {{"0"}, {"1"}}},
                        {"b", "1", Knob::Kind::kMapping, {{"0"}}},
                        {"c", "1", Knob::Kind::kMapping, {{"0"}, {"1"}, {"2"}}}});

/// Explores with chance 0.4, by e^preference of each of the head's outputs.
Dqn prefer(Dqn::Options::Head head, const std::vector<double>& preferences, Random& random) {
  auto options = quick();
  options.head = head;
  options.exploration_initial = 0.4;
  options.exploration_temperature = 1.0;
  Dqn agent(options, {kSix, kOneFeature, std::vector<double>(6, 1.0)}, random);
  const NetworkLayout& layout = agent.policy().learned().network.layout;
  AlignedFloats weights(layout.size(), 0.0F);
  for (std::size_t i = 0; i < preferences.size(); ++i) {
    weights[layout.layers().back().biases + 1 + i] = static_cast<float>(preferences[i]);
  }
  agent.set_weights(weights);
  return agent;
}

DOCTEST_TEST_CASE("a joint action is drawn with the chance that is noted, of what is allowed") {
  using std::log;
  Random random(1);
  // Softmax: (1, 2, 3, 4, 2, 4) / 16; the fourth is the best.
  const Dqn agent =
      prefer(Dqn::Options::Head::kJoint,
             {log(1.0), log(2.0), log(3.0), log(4.0), log(2.0), log(3.99999)}, random);
  const Draws all(agent.policy(), kSix, nullptr);
  all.check({0.025, 0.05, 0.075, 0.7, 0.05, 0.1});
  DOCTEST_CHECK(all.exploration == 0.4);
  DOCTEST_CHECK(all.share_explored == doctest::Approx(0.3).epsilon(0.02));
  const Forbids best_and_another(kSix, {3, 5});
  // (1, 2, 3, 2) / 8 of the others, of which the third is the best.
  Draws(agent.policy(), kSix, &best_and_another).check({0.05, 0.1, 0.75, 0.0, 0.1, 0.0});
}

DOCTEST_TEST_CASE(
    "knobs that explore are drawn with the chance that is noted, of what is allowed") {
  using std::log;
  Random random(1);
  // a: 1/4, 3/4; c: 1/2, 1/4, 1/4. The best is {1, 0}, number 3.
  const Dqn agent =
      prefer(Dqn::Options::Head::kBranching, {0.0, log(3.0), log(2.0), 0.0, 0.0}, random);
  const auto exploring = [](double of_a, bool a_is_best, double of_c, bool c_is_best) {
    const double later_a = 0.25 * of_a + (a_is_best ? 0.75 : 0.0);
    const double later_c = 0.25 * of_c + (c_is_best ? 0.75 : 0.0);
    return 0.5 * of_a * later_c + 0.5 * of_c * later_a;
  };
  const std::vector<double> chances = {
      exploring(0.25, false, 0.5, true),   exploring(0.25, false, 0.25, false),
      exploring(0.25, false, 0.25, false), exploring(0.75, true, 0.5, true),
      exploring(0.75, true, 0.25, false),  exploring(0.75, true, 0.25, false)};
  std::vector<double> expected(6);
  std::ranges::transform(chances, expected.begin(), [](double chance) { return 0.4 * chance; });
  expected[3] += 0.6;
  Draws(agent.policy(), kSix, nullptr).check(expected);
  // Without the best one {1, 1} is: of the same two as {1, 2}, the first.
  const Forbids best(kSix, {3});
  std::vector<double> others = {
      exploring(0.25, false, 0.5, false),  exploring(0.25, false, 0.25, true),
      exploring(0.25, false, 0.25, false), 0.0,
      exploring(0.75, true, 0.25, true),   exploring(0.75, true, 0.25, false)};
  const double sum = std::accumulate(others.begin(), others.end(), 0.0);
  std::ranges::transform(others, expected.begin(),
                         [&](double chance) { return 0.4 * chance / sum; });
  expected[4] += 0.6;
  Draws(agent.policy(), kSix, &best).check(expected);
}

DOCTEST_TEST_CASE("of many branches, drawn by a network, each action's chance is the one noted") {
  std::vector<Knob> knobs(4, {"k", "1", Knob::Kind::kMapping, std::vector<Knob::Level>(3)});
  const ActionSpace actions(knobs);
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    DOCTEST_CAPTURE(seed);
    Random random(seed);
    auto options = quick();
    options.head = Dqn::Options::Head::kBranching;
    options.exploration_initial = 0.9;
    options.exploration_temperature = 0.3;
    Dqn agent(options, {actions, kOneFeature, std::vector<double>(81, 1.0)}, random);
    AlignedFloats weights = agent.weights();
    std::ranges::transform(weights, weights.begin(), [&](float weight) {
      return weight + 0.05F * static_cast<float>(random.bell());
    });
    agent.set_weights(weights);
    Draws(agent.policy(), actions, nullptr).check();
    const Forbids some(actions, {actions.encode(agent.policy().greedy({0.5})), 0, 7, 40, 80});
    const Draws masked(agent.policy(), actions, &some);
    masked.check();
    DOCTEST_CHECK_FALSE(masked.is_drawn(40));
    DOCTEST_CHECK(masked.is_drawn(41));
  }
}

DOCTEST_TEST_CASE("learns and is saved where no number holds the joint actions") {
  const TemporaryFolder folder;
  const ActionSpace& actions = uncountable();
  const Problem problem{actions, kOneFeature, {}};
  Random random(1);
  auto options = quick();
  Dqn agent(options, problem, random);
  const double share = share_of_right(agent, actions, 1500);
  DOCTEST_CHECK(share > 0.9);
  agent.save(folder.path() / "agent.json");
  Random fresh(2);
  Dqn loaded(options, problem, fresh);
  loaded.load(folder.path() / "agent.json");
  DOCTEST_CHECK(loaded.policy().greedy({0.5}) == agent.policy().greedy({0.5}));
  DOCTEST_CHECK(share_of_right(loaded, actions, 50) == share_of_right(agent, actions, 50));
  DOCTEST_CHECK(loaded.weights() == agent.weights());
}

/// Five seeds, all of which have to do.
void check_solves(const Dqn::Options& options, TinyProblem& problem, std::size_t steps) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    DOCTEST_CAPTURE(seed);
    Random random(seed);
    Dqn agent(options, problem.problem(), random);
    DOCTEST_CHECK(solve(agent, random, {&problem}, seed, steps) < 1e-9);
  }
}

DOCTEST_TEST_CASE("solves a contextual bandit from every seed") {
  ContextualBandit problem;
  check_solves(quick(), problem, 2000);
}

DOCTEST_TEST_CASE("solves a chain whose reward is at its end, from every seed") {
  Chain problem;
  auto options = quick();
  options.loss.discount = 0.9;
  options.target_rate = 0.05;
  options.exploration_initial = 1.0;
  check_solves(options, problem, 4000);
  options.loss.discount = 0.0;  // Without foresight it can't be.
  Random random(1);
  Dqn blind(options, problem.problem(), random);
  DOCTEST_CHECK(solve(blind, random, {&problem}, 1, 4000) > 0.5);
}

DOCTEST_TEST_CASE("a changed budget moves the trained policy of two knobs without learning") {
  TwoKnobs problem;
  for (const auto head : {Dqn::Options::Head::kJoint, Dqn::Options::Head::kBranching}) {
    auto options = quick();
    options.head = head;
    options.hidden = {32, 32};
    options.exploration_initial = 1.0;
    options.exploration_half_life = 2000.0;
    options.exploration_temperature = 1.0;
    check_solves(options, problem, 10'000);
    Random random(1);
    Dqn agent(options, problem.problem(), random);
    solve(agent, random, {&problem}, 1, 10'000);
    DOCTEST_CHECK(agent.policy().greedy(TwoKnobs::observation(0.5)) == Action{0, 1});
    DOCTEST_CHECK(agent.policy().greedy(TwoKnobs::observation(3.0)) == Action{2, 0});
  }
}

/// One period in a world of chance.
ActionId live(ByHand& stream, Random& world) {
  const Observation now = {world.uniform()};
  const Observation next = {world.uniform()};
  const ActionId action = stream.act(now);
  stream.observe({now,
                  action,
                  world.uniform() - static_cast<double>(action) / 3.0,
                  {},
                  next,
                  world.uniform() < 0.1});
  return action;
}

DOCTEST_TEST_CASE("save, load and go on equals never having stopped") {
  const TemporaryFolder folder;
  auto options = quick();
  options.replay = 50;  // Full by then.
  options.exploration_initial = 0.6;
  options.exploration_final = 0.3;
  const Problem problem{kFour, kOneFeature, std::vector<double>(4, 1.0)};
  Random random(1);
  Random fresh(99);
  Dqn original(options, problem, random);
  Dqn resumed(options, problem, fresh);
  Random world(5);
  ByHand stream(original, kFour, random);
  for (int i = 0; i < 120; ++i) {
    live(stream, world);
  }
  original.save(folder.path() / "agent.json");
  resumed.load(folder.path() / "agent.json");
  ByHand resumed_stream(resumed, kFour, fresh);
  Random same_world = world;
  for (int i = 0; i < 300; ++i) {
    DOCTEST_REQUIRE(live(stream, world) == live(resumed_stream, same_world));
  }
  original.save(folder.path() / "a.json");
  resumed.save(folder.path() / "b.json");
  DOCTEST_CHECK(read_file(folder.path() / "a.json") == read_file(folder.path() / "b.json"));
}

DOCTEST_TEST_CASE("an agent that has seen nothing yet is saved and loaded too") {
  const TemporaryFolder folder;
  const Problem problem{kFour, kOneFeature, std::vector<double>(4, 1.0)};
  Random random(1);
  Random other(2);
  Dqn original(quick(), problem, random);
  original.save(folder.path() / "agent.json");
  Dqn loaded(quick(), problem, other);
  loaded.load(folder.path() / "agent.json");
  DOCTEST_CHECK(loaded.policy().greedy({0.5}) == original.policy().greedy({0.5}));
}

DOCTEST_TEST_CASE("a checkpoint without the replay buffer is small and decides the same") {
  const TemporaryFolder folder;
  auto options = quick();
  const Problem problem{kFour, kOneFeature, std::vector<double>(4, 1.0)};
  Random random(1);
  Random world(5);
  Dqn whole(options, problem, random);
  ByHand stream(whole, kFour, random);
  for (int i = 0; i < 500; ++i) {
    live(stream, world);
  }
  whole.save(folder.path() / "whole.json");
  options.save_replay = false;
  Random other(2);
  Dqn small(options, problem, other);
  small.load(folder.path() / "whole.json");
  small.save(folder.path() / "small.json");
  DOCTEST_CHECK(read_file(folder.path() / "small.json").size() + std::size_t{500} * 16 <
                read_file(folder.path() / "whole.json").size());
  Dqn loaded(options, problem, other);
  loaded.load(folder.path() / "small.json");
  for (int i = 0; i <= 20; ++i) {
    DOCTEST_CHECK(loaded.policy().greedy({i / 20.0}) == whole.policy().greedy({i / 20.0}));
  }
}

DOCTEST_TEST_CASE("a broken or foreign checkpoint is refused with its place, and changes nothing") {
  const TemporaryFolder folder;
  const auto file = folder.path() / "agent.json";
  const Problem problem{kTwo, kOneFeature, {1.0, 1.0}};
  Random random(1);
  Random world(5);
  Dqn agent(quick(), problem, random);
  ByHand stream(agent, kTwo, random);
  for (int i = 0; i < 20; ++i) {
    live(stream, world);
  }
  agent.save(file);
  const std::string good = read_file(file);
  const double before = agent.policy().best_value({0.3});
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
    DOCTEST_CHECK(agent.policy().best_value({0.3}) == before);
  };
  check_refused(good.substr(0, good.size() / 2), "expected");
  check_refused(replaced("\"dqn\"", "\"q_learning\""), "kind: expected 'dqn' as in this run");
  check_refused(replaced("    16,", "    17,"),
                "for.options.layers: expected [1, 16, 3] as in this run, found [1, 17, 3]");
  check_refused(replaced("\"target\": \"", "\"target\": \"*"),
                "target: expected numbers in base64");
  check_refused(replaced("\"target\": \"", "\"target\": \"AAAA"), "expected");
  check_refused(replaced("\"target\": \"", "\"target\": \"AAAAAAAAAAAAAAAA"),
                "target: expected 83 numbers in base64, found 86");
  check_refused(replaced("\"size\": 20", "\"size\": 200000"), "replay.size: expected");
  check_refused(replaced("\"opened\"", "\"closed\""), "exploration.opened: expected this key");
  write_file(file, good);
  DOCTEST_CHECK_NOTHROW(agent.load(file));
}

DOCTEST_TEST_CASE("parameters out of their ranges are refused with their place") {
  const auto read = [](const std::string& yaml) {
    return Dqn::Options::from_yaml(ConfigNode::parse(yaml, "run.yaml"));
  };
  DOCTEST_CHECK_THROWS_WITH_AS(read("{discount: 1}"),
                               "run.yaml:1:12: discount: expected a number from 0 to 0.999, found "
                               "'1'",
                               ConfigError);
  DOCTEST_CHECK_THROWS_AS(read("{hidden: []}"), ConfigError);
  DOCTEST_CHECK_THROWS_AS(read("{hidden: [64, 0]}"), ConfigError);
  DOCTEST_CHECK_THROWS_AS(read("{head: split}"), ConfigError);
  DOCTEST_CHECK_THROWS_AS(read("{reward_floor: 1}"), ConfigError);
  DOCTEST_CHECK_THROWS_AS(read("{batch: 0}"), ConfigError);
  DOCTEST_CHECK_THROWS_AS(read("{exploration: {half_life: 3}}"), ConfigError);
}

DOCTEST_TEST_CASE("who finds the gradients can no longer be chosen") {
  const ConfigNode node = ConfigNode::parse("{trainer: torch}", "run.yaml");
  Dqn::Options::from_yaml(node);
  DOCTEST_CHECK_THROWS_WITH_AS(node.reject_unknown(),
                               doctest::Contains("the unknown key 'trainer'"), ConfigError);
}

}  // namespace
}  // namespace rein
