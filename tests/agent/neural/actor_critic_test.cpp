// The actor-critic against numbers worked by hand, and on problems whose solution is known.
#include "agent/neural/actor_critic.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "common/error.hpp"
#include "common/files.hpp"
#include "support/draws.hpp"
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
      .observations = {0.0F}, .parts = {0}, .advantages = {2.0F}, .returns = {1.0F}};
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

/// a: 3/4, 1/4; b: 1/4, 1/4, 1/2.
void set_chances(ActorCritic& agent) {
  const NetworkLayout& layout = agent.policy().learned().network.layout;
  AlignedFloats weights(layout.size(), 0.0F);
  const std::size_t biases = layout.layers().back().biases;
  weights[biases + 1] = std::log(3.0F);
  weights[biases + 3 + 2] = std::log(2.0F);
  agent.set_weights(weights);
}

DOCTEST_TEST_CASE("a joint action's chance is the product of its knobs' chances, and is drawn so") {
  Random random(1);
  ActorCritic agent(quick(), {kSix, kOneFeature, std::vector<double>(6, 1.0)}, random);
  set_chances(agent);
  const std::vector<double> expected = {3 / 16.0, 3 / 16.0, 6 / 16.0, 1 / 16.0, 1 / 16.0, 2 / 16.0};
  for (ActionId action = 0; action < 6; ++action) {
    DOCTEST_CHECK(agent.policy().probability({0.5}, kSix.decode(action)) ==
                  doctest::Approx(expected[action]));
  }
  const Draws draws(agent.policy(), kSix, nullptr);
  draws.check(expected);
  DOCTEST_CHECK(draws.exploration == doctest::Approx(10 / 16.0));
  DOCTEST_CHECK(draws.share_explored == doctest::Approx(10 / 16.0).epsilon(0.02));
}

DOCTEST_TEST_CASE("what is not allowed has its chance shared out among what is") {
  Random random(1);
  ActorCritic agent(quick(), {kSix, kOneFeature, std::vector<double>(6, 1.0)}, random);
  set_chances(agent);
  const Forbids likeliest_and_another(kSix, {2, 3});
  const Draws draws(agent.policy(), kSix, &likeliest_and_another);
  draws.check({3 / 9.0, 3 / 9.0, 0.0, 0.0, 1 / 9.0, 2 / 9.0});
  DOCTEST_CHECK(draws.exploration == doctest::Approx(6 / 9.0));
  const Forbids all(kSix, {0, 1, 2, 3, 4, 5});
  Draws(agent.policy(), kSix, &all)
      .check({3 / 16.0, 3 / 16.0, 6 / 16.0, 1 / 16.0, 1 / 16.0, 2 / 16.0});
}

DOCTEST_TEST_CASE("what is allowed is drawn however much likelier the rest is") {
  Random random(1);
  ActorCritic agent(quick(), {kSix, kOneFeature, std::vector<double>(6, 1.0)}, random);
  const NetworkLayout& layout = agent.policy().learned().network.layout;
  AlignedFloats weights(layout.size(), 0.0F);
  weights[layout.layers().back().biases + 1] = 500.0F;  // a is 0, for certain.
  agent.set_weights(weights);
  const Forbids certain(kSix, {0, 1, 2, 5});
  Draws(agent.policy(), kSix, &certain).check({0.0, 0.0, 0.0, 0.5, 0.5, 0.0});
}

DOCTEST_TEST_CASE("learns the best of what is allowed") {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    DOCTEST_CAPTURE(seed);
    Random random(seed);
    ActorCritic agent(quick(), {kSix, kOneFeature, std::vector<double>(6, 1.0)}, random);
    const Forbids best(kSix, {5, 4});
    ByHand stream(agent, kSix, random);
    for (int i = 0; i < 6000; ++i) {  // The more the better, but for what is not allowed.
      const ActionId action = stream.act({0.5}, &best);
      stream.observe({{0.5}, action, 0.2 * static_cast<double>(action), {}, {0.5}, true});
      stream.end_episode();
    }
    // Of the other actions {1, 0} earns the most.
    DOCTEST_CHECK(Draws(agent.policy(), kSix, &best, 1000).most_drawn() == 3);
  }
}

/// Makes it choose one of the two for certain.
void prefer(ActorCritic& agent, ActionId action) {
  AlignedFloats weights = agent.weights();
  weights[agent.policy().learned().network.layout.layers().back().biases + 1 + action] = 50.0F;
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
  ByHand shielded_stream(shielded, kTwo, random);
  ByHand cut_stream(cut, kTwo, same);
  const AlignedFloats before = shielded.weights();
  for (int i = 0; i < 50; ++i) {  // Nor is what it was never asked for.
    const ActionId action = i % 2 == 0 ? shielded_stream.act({0.5}) : 0;
    shielded_stream.observe({{0.5}, 1 - action, 1.0, {}, {0.5}});
    shielded_stream.observe({{0.5}, 0, 1.0, {}, {0.5}});
  }
  DOCTEST_CHECK(shielded.weights() == before);
  DOCTEST_CHECK(shielded.policy().learned().network.adam.steps == 0);
  // In the middle of a rollout it is a cut.
  const auto live = [](ByHand& stream, double reward, bool is_truncated) {
    stream.observe({{0.5}, stream.act({0.5}), reward, {}, {0.5}, false, is_truncated});
  };
  for (int i = 0; i < 100; ++i) {  // The features' scaling sees all that was.
    cut_stream.observe({{0.5}, 0, 1.0, {}, {0.5}});
  }
  for (int i = 0; i < 16; ++i) {
    live(shielded_stream, 0.1 * i, false);
    live(cut_stream, 0.1 * i, i == 7);
    if (i == 7) {
      shielded_stream.observe({{0.5}, 1, -9.0, {}, {0.5}});
      cut_stream.observe({{0.5}, 1, -9.0, {}, {0.5}});
    }
  }
  DOCTEST_CHECK(shielded.policy().learned().network.adam.steps == 1);
  DOCTEST_CHECK(shielded.weights() == cut.weights());
}

DOCTEST_TEST_CASE("the value of what is truncated goes on, of what is terminated does not") {
  for (const bool terminated : {false, true}) {
    Random random(1);
    ActorCritic agent(quick(), {kTwo, kOneFeature, {1.0, 1.0}}, random);
    ByHand stream(agent, kTwo, random);
    for (int i = 0; i < 20'000; ++i) {
      stream.observe({{0.5}, stream.act({0.5}), 1.0, {}, {0.5}, terminated, !terminated});
    }
    // 1 / (1 - 0.5), or 1 alone.
    DOCTEST_CHECK(agent.policy().value({0.5}) ==
                  doctest::Approx(terminated ? 1.0 : 2.0).epsilon(0.05));
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
  ByHand mixed_streams[] = {{mixed, kTwo, random}, {mixed, kTwo, random}};
  ByHand apart_streams[] = {{apart, kTwo, same}, {apart, kTwo, same}};
  const auto feed = [](ByHand& stream, double reward) {
    stream.observe({{0.5}, stream.act({0.5}), reward, {}, {0.5}});
  };
  for (int i = 0; i < 16; ++i) {
    feed(mixed_streams[0], 0.1 * i);
    feed(mixed_streams[1], -1.0);
    feed(apart_streams[0], 0.1 * i);
  }
  for (int i = 0; i < 16; ++i) {
    feed(apart_streams[1], -1.0);
  }
  DOCTEST_CHECK(mixed.weights() == apart.weights());
  DOCTEST_CHECK(mixed.policy().learned().network.adam.steps == 2);
}

DOCTEST_TEST_CASE("an episode that ends cuts its rollout, whose rest is learned from with others") {
  const Problem problem{kTwo, kOneFeature, {1.0, 1.0}};
  const auto weights_after = [&](bool ends, bool truncated, std::size_t steps) {
    Random random(1);
    ActorCritic agent(quick(), problem, random);
    ByHand stream(agent, kTwo, random);
    for (std::size_t i = 0; i < steps; ++i) {
      const double now = 0.1 * static_cast<double>(i);
      stream.observe(
          {{now}, stream.act({now}), i < 8 ? 0.0 : 1.0, {}, {0.5}, false, i == 7 && truncated});
      if (ends && (i == 7 || i == 15)) {
        stream.end_episode();
      }
    }
    DOCTEST_CHECK(agent.policy().learned().network.adam.steps == steps / 16);
    return agent.weights();
  };
  DOCTEST_CHECK(weights_after(true, false, 16) == weights_after(false, true, 16));
  DOCTEST_CHECK(weights_after(true, false, 16) != weights_after(false, false, 16));
  DOCTEST_CHECK(weights_after(true, false, 15) == weights_after(false, false, 0));
}

DOCTEST_TEST_CASE("rests that are longer than a rollout together make one and a rest") {
  const Problem problem{kTwo, kOneFeature, {1.0, 1.0}};
  Random random(1);
  ActorCritic agent(quick(), problem, random);
  ByHand stream(agent, kTwo, random);
  for (int episode = 1; episode <= 16; ++episode) {
    for (int i = 0; i < 15; ++i) {
      stream.observe({{0.5}, stream.act({0.5}), 1.0, {}, {0.5}});
    }
    stream.end_episode();
    DOCTEST_CHECK(agent.policy().learned().network.adam.steps ==
                  static_cast<std::uint64_t>(15 * episode / 16));
  }
}

/// Five seeds, all of which have to do.
void check_solves(const ActorCritic::Options& options, const std::vector<TinyProblem*>& problems,
                  std::size_t steps) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    DOCTEST_CAPTURE(seed);
    Random random(seed);
    ActorCritic agent(options, problems.front()->problem(), random);
    DOCTEST_CHECK(solve(agent, random, problems, seed, steps) < 1e-9);
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
  solve(agent, random, {&problem}, 1, 60'000);
  ByHand stream(agent, problem.actions, random);
  const auto best = [&](double budget) {
    return problem.actions.decode(stream.greedy(TwoKnobs::observation(budget)));
  };
  DOCTEST_CHECK(best(0.5) == Action{0, 1});
  DOCTEST_CHECK(best(3.0) == Action{2, 0});
}

DOCTEST_TEST_CASE("learns and is saved where no number holds the joint actions") {
  const TemporaryFolder folder;
  const ActionSpace& actions = uncountable();
  const Problem problem{actions, kOneFeature, {}};
  Random random(1);
  ActorCritic agent(quick(), problem, random);
  const double share = share_of_right(agent, actions, 6000);
  DOCTEST_CHECK(share > 0.9);
  agent.save(folder.path() / "agent.json");
  Random fresh(2);
  ActorCritic loaded(quick(), problem, fresh);
  loaded.load(folder.path() / "agent.json");
  DOCTEST_CHECK(loaded.weights() == agent.weights());
}

DOCTEST_TEST_CASE("save, load and go on equals never having stopped") {
  const TemporaryFolder folder;
  const Problem problem{kSix, kOneFeature, std::vector<double>(6, 1.0)};
  Random random(1);
  Random fresh(99);
  ActorCritic original(quick(), problem, random);
  ActorCritic resumed(quick(), problem, fresh);
  Random world(5);
  using Streams = std::vector<ByHand>;
  const auto streams_of = [](ActorCritic& agent, Random& draws) {
    Streams streams;
    for (int i = 0; i < 3; ++i) {
      streams.emplace_back(agent, kSix, draws);
    }
    return streams;
  };
  const auto live = [](Streams& streams, Random& draws) {
    const Observation now = {draws.uniform()};
    const Observation next = {draws.uniform()};
    ByHand& stream = streams[draws.index(3)];
    const ActionId action = stream.act(now);
    stream.observe({now,
                    action,
                    draws.uniform() - static_cast<double>(action) / 6.0,
                    {},
                    next,
                    draws.uniform() < 0.1});
    return action;
  };
  Streams streams = streams_of(original, random);
  for (int i = 0; i < 120; ++i) {
    live(streams, world);
  }
  for (ByHand& stream : streams) {
    stream.end_episode();
  }
  original.save(folder.path() / "agent.json");
  resumed.load(folder.path() / "agent.json");
  Streams other_streams = streams_of(resumed, fresh);
  Random same_world = world;
  for (int i = 0; i < 300; ++i) {
    DOCTEST_REQUIRE(live(streams, world) == live(other_streams, same_world));
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
  ByHand stream(agent, kTwo, random);
  for (int i = 0; i < 5; ++i) {
    stream.observe({{0.5}, stream.act({0.5}), 1.0, {}, {0.5}});
  }
  stream.end_episode();
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
                "rollout.actions: expected numbers below 2, found 2");
  check_refused("\"steps\": 0", "\"steps\": -1", "network.steps: expected");
  check_refused("\"cut\"", "\"kept\"", "rollout.cut: expected this key");
  write_file(file, good);
  DOCTEST_CHECK_NOTHROW(agent.load(file));
}

}  // namespace
}  // namespace rein
