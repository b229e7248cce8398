#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/core/agent.hpp"
#include "agent/core/learner.hpp"
#include "common/random.hpp"
#include "env/action_space.hpp"
#include "env/observation_spec.hpp"

namespace rein {

/// A problem so small that its solution is known.
class TinyProblem {
 public:
  struct Step {
    double reward = 0.0;
    Observation observation;
    bool terminated = false;
    bool truncated = false;
  };

  virtual ~TinyProblem() = default;

  /// What to tell the agent; refers to this. No reward is above 1.
  Problem problem() const {
    return {actions, observations, std::vector<double>(actions.size(), 1.0)};
  }
  virtual Observation reset(Random& random) = 0;
  virtual Step step(ActionId action) = 0;
  /// The return of the best policy's episode that began last.
  virtual double best_return() const = 0;

  ActionSpace actions;
  ObservationSpec observations;

 protected:
  TinyProblem(std::vector<Knob> knobs, const std::vector<std::string>& features)
      : actions(std::move(knobs)), observations(make_features(features)) {}

 private:
  static std::vector<Feature> make_features(const std::vector<std::string>& names) {
    std::vector<Feature> features;
    features.reserve(names.size());
    for (const auto& name : names) {
      features.push_back({.name = name});
    }
    return features;
  }
};

/// One step an episode: of four actions the one is right, and earns 1, that two binary features
/// name.
class ContextualBandit final : public TinyProblem {
 public:
  ContextualBandit()
      : TinyProblem({{"k", "1", Knob::Kind::kMapping, {{"a"}, {"b"}, {"c"}, {"d"}}}},
                    {"high", "low"}) {}

  Observation reset(Random& random) override {
    right_ = random.index(4);
    return observation();
  }
  Step step(ActionId action) override {
    return {
        .reward = action == right_ ? 1.0 : 0.0, .observation = observation(), .terminated = true};
  }
  double best_return() const override { return 1.0; }

 private:
  Observation observation() const { return {right_ >= 2 ? 1.0 : 0.0, right_ % 2 == 0 ? 0.0 : 1.0}; }

  ActionId right_ = 0;
};

/// Five states in a row: `on` goes to the next, and earns 1 in the last one, where the episode
/// ends; `back` earns 0.02 and leads to the first. Who does not see beyond a step goes back. After
/// 20 steps an episode is cut short.
class Chain final : public TinyProblem {
 public:
  Chain()
      : TinyProblem({{"k", "1", Knob::Kind::kMapping, {{"back"}, {"on"}}}},
                    {"s0", "s1", "s2", "s3", "s4"}) {}

  Observation reset(Random&) override {
    state_ = 0;
    steps_ = 0;
    return observation();
  }
  Step step(ActionId action) override {
    ++steps_;
    const bool last = action == 1 && state_ == 4;
    state_ = action == 0 ? 0 : state_ + (last ? 0 : 1);
    return {.reward = last ? 1.0 : (action == 0 ? 0.02 : 0.0),
            .observation = observation(),
            .terminated = last,
            .truncated = !last && steps_ == 20};
  }
  double best_return() const override { return 1.0; }

 private:
  Observation observation() const {
    Observation features(5, 0.0);
    features[state_] = 1.0;
    return features;
  }

  std::size_t state_ = 0;
  int steps_ = 0;
};

/// One step an episode, two knobs of three levels: a width w earns w / 2, a speed f costs f / 5,
/// and a latency of (1 + w) / (1 + f) above the budget costs 2. The one feature is the budget, over
/// 3: with one of 0.5 it is best to be narrow and go at medium speed (earns -0.2), with 3 to be
/// wide and slow (1), with 1.5 to be wide and go at medium speed (0.8).
class TwoKnobs final : public TinyProblem {
 public:
  TwoKnobs()
      : TinyProblem({{"width.app", "1", Knob::Kind::kWidth, {{"0"}, {"1"}, {"2"}}},
                     {"frequency.cpu", "1", Knob::Kind::kFrequency, {{"0"}, {"1"}, {"2"}}}},
                    {"deadline.app"}) {}

  static Observation observation(double budget) { return {budget / 3.0}; }

  Observation reset(Random& random) override {
    constexpr double kBudgets[] = {0.5, 1.5, 3.0};
    budget_ = kBudgets[random.index(3)];
    return observation(budget_);
  }
  Step step(ActionId action) override {
    const auto levels = actions.decode(action);
    const auto width = static_cast<double>(levels[0]);
    const auto speed = static_cast<double>(levels[1]);
    const bool late = (1.0 + width) / (1.0 + speed) > budget_;
    return {.reward = width / 2.0 - speed / 5.0 - (late ? 2.0 : 0.0),
            .observation = observation(budget_),
            .terminated = true};
  }
  double best_return() const override { return budget_ == 0.5 ? -0.2 : budget_ == 1.5 ? 0.8 : 1.0; }

 private:
  double budget_ = 1.0;
};

/// What was done and what came of it, for an agent that decides on observations alone.
struct LivedStep {
  Observation observation;
  ActionId action = 0;
  double reward = 0.0;
  std::vector<RewardTerm> terms = {};
  Observation next_observation = {};
  bool terminated = false;
  bool truncated = false;
};

inline PeriodRecord record_of(const LivedStep& step, const ActionSpace& actions) {
  PeriodRecord record;
  record.observation = step.observation;
  record.action = record.decision.action = actions.decode(step.action);
  record.result.reward = step.reward;
  record.result.info.reward_terms = step.terms;
  record.result.observation = step.next_observation;
  record.result.terminated = step.terminated;
  record.result.truncated = step.truncated;
  return record;
}

/// One stream of such an agent.
class ByHand {
 public:
  /// All must outlive it.
  ByHand(Learner& learner, const ActionSpace& actions, Random& random)
      : learner_(learner), actions_(actions), random_(random) {
    begin_episode();
  }

  void begin_episode() { session_ = learner_.policy().begin_episode(random_); }
  void end_episode() {
    learner_.end_episode(*session_);
    begin_episode();
  }
  ActionId act(const Observation& observation, const ActionMask* allowed = nullptr) {
    static const Task nothing_asked;
    decision_ =
        learner_.policy().decide(View(observation, nothing_asked, nullptr, allowed), *session_);
    return actions_.encode(decision_.action);
  }
  /// The last one.
  const Decision& decision() const { return decision_; }
  /// As its own if it is what was decided last, else as somebody else's choice.
  void observe(const LivedStep& step) {
    PeriodRecord record = record_of(step, actions_);
    if (record.action == decision_.action) {
      record.decision = decision_;
    }
    learner_.learn(record, *session_);
  }
  /// What it would do if it didn't explore.
  ActionId greedy(const Observation& observation) {
    ActionId action = act(observation);
    while (decision_.explored) {
      action = act(observation);
    }
    return action;
  }

 private:
  Learner& learner_;
  const ActionSpace& actions_;
  Random& random_;
  std::unique_ptr<Session> session_;
  Decision decision_;
};

/// What the agent would do if it didn't explore.
inline ActionId greedy_action(Agent& agent, const Observation& observation) {
  ActionId action = agent.act(observation);
  while (agent.exploration().explored) {
    action = agent.act(observation);
  }
  return action;
}

/// Lets the agent learn for `steps` steps, from several streams in turn if there are several
/// problems. @return by how much it then falls short of the best policy, at most, in 60 episodes
/// in which it neither explores nor learns.
inline double solve(Agent& agent, const std::vector<TinyProblem*>& problems, std::uint64_t seed,
                    std::size_t steps) {
  Random random(seed);
  std::vector<Observation> observations;
  observations.reserve(problems.size());
  for (std::size_t stream = 0; stream < problems.size(); ++stream) {
    observations.push_back(problems[stream]->reset(random));
    agent.begin_episode(stream);
  }
  for (std::size_t i = 0; i < steps; ++i) {
    const std::size_t stream = i % problems.size();
    Observation& now = observations[stream];
    agent.attend(stream);
    const ActionId action = agent.act(now);
    const auto step = problems[stream]->step(action);
    agent.observe({now,
                   action,
                   step.reward,
                   {},
                   step.observation,
                   step.terminated,
                   step.truncated,
                   nullptr,
                   stream});
    now = step.observation;
    if (step.terminated || step.truncated) {
      now = problems[stream]->reset(random);
      agent.begin_episode(stream);
    }
  }
  agent.attend(0);
  constexpr int kEpisodes = 60;
  double most = 0.0;
  for (int episode = 0; episode < kEpisodes; ++episode) {
    Observation now = problems.front()->reset(random);
    double lacking = problems.front()->best_return();
    for (bool ended = false; !ended;) {
      const auto step = problems.front()->step(greedy_action(agent, now));
      lacking -= step.reward;
      now = step.observation;
      ended = step.terminated || step.truncated;
    }
    most = std::max(most, lacking);
  }
  return most;
}

/// The same for a learner. @param random  what it draws from.
inline double solve(Learner& learner, Random& random, const std::vector<TinyProblem*>& problems,
                    std::uint64_t seed, std::size_t steps) {
  Random world(seed);
  std::vector<Observation> observations;
  std::vector<ByHand> streams;
  observations.reserve(problems.size());
  streams.reserve(problems.size());
  for (TinyProblem* const problem : problems) {
    observations.push_back(problem->reset(world));
    streams.emplace_back(learner, problem->actions, random);
  }
  for (std::size_t i = 0; i < steps; ++i) {
    const std::size_t stream = i % problems.size();
    Observation& now = observations[stream];
    const ActionId action = streams[stream].act(now);
    const auto step = problems[stream]->step(action);
    streams[stream].observe(
        {now, action, step.reward, {}, step.observation, step.terminated, step.truncated});
    now = step.observation;
    if (step.terminated || step.truncated) {
      now = problems[stream]->reset(world);
      streams[stream].end_episode();
    }
  }
  constexpr int kEpisodes = 60;
  double most = 0.0;
  for (int episode = 0; episode < kEpisodes; ++episode) {
    Observation now = problems.front()->reset(world);
    double lacking = problems.front()->best_return();
    for (bool ended = false; !ended;) {
      const auto step = problems.front()->step(streams.front().greedy(now));
      lacking -= step.reward;
      now = step.observation;
      ended = step.terminated || step.truncated;
    }
    most = std::max(most, lacking);
  }
  return most;
}

}  // namespace rein
