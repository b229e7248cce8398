#include "agent/neural/actor_critic.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "agent/core/checkpoint.hpp"
#include "agent/neural/network_options.hpp"

namespace rein {

namespace {

float length(const AlignedFloats& vector) {
  double squares = 0.0;
  for (const float value : vector) {
    squares += static_cast<double>(value) * value;
  }
  return static_cast<float>(std::sqrt(squares));
}

void append(const Observation& observation, std::vector<float>& row) {
  std::ranges::transform(observation, std::back_inserter(row),
                         [](double value) { return static_cast<float>(value); });
}

}  // namespace

ActorCritic::Options ActorCritic::Options::from_yaml(const ConfigNode& node) {
  constexpr Range kAboveZeroToOne{.min = 0.0, .max = 1.0, .min_excluded = true};
  Options options;
  options.discount = node.number_or("discount", options.discount, {.min = 0.0, .max = 0.999});
  options.lambda = node.number_or("lambda", options.lambda, Range::share());
  options.hidden = read_hidden(node, options.hidden);
  options.learning_rate = node.number_or("learning_rate", options.learning_rate, kAboveZeroToOne);
  options.gradient_limit =
      node.number_or("gradient_limit", options.gradient_limit, Range::positive());
  options.reward_floor = node.number_or("reward_floor", options.reward_floor, {.max = 0.0});
  options.rollout = read_count(node, "rollout", options.rollout, {.min = 1, .max = 4096});
  options.loss.value_weight =
      node.number_or("value_weight", options.loss.value_weight, Range::non_negative());
  options.loss.entropy_weight =
      node.number_or("entropy_weight", options.loss.entropy_weight, Range::non_negative());
  return options;
}

ActorCritic::ActorCritic(const Options& options, Problem problem, Random& random)
    : options_(options),
      problem_(std::move(problem)),
      random_(random),
      head_{ActionBranches::per_knob(problem_.actions)},
      scaler_(problem_.observations.size()),
      learned_(make_layout(problem_.observations.size(), options.hidden, head_.outputs()), random),
      loss_(make_fused_policy_loss(learned_.layout, head_, options.loss, options.rollout)),
      acting_(learned_.layout, 1),
      chances_(head_.branches.outputs()) {}

const float* ActorCritic::evaluate(const Observation& observation) {
  scaler_.scale(observation, acting_.input(0));
  acting_.evaluate(learned_.weights, 1);
  return acting_.output(0);
}

double ActorCritic::value_of(const float* scaled) {
  std::copy_n(scaled, learned_.layout.inputs(), acting_.input(0));
  acting_.evaluate(learned_.weights, 1);
  return acting_.output(0)[0];
}

double ActorCritic::value(const Observation& observation) { return evaluate(observation)[0]; }

void ActorCritic::fill_chances(const float* output) {
  for (const auto& branch : head_.branches.all()) {
    head_.probabilities(output, branch, chances_.data() + branch.begin);
  }
}

std::vector<double> ActorCritic::probabilities(const Observation& observation) {
  fill_chances(evaluate(observation));
  std::vector<double> result(problem_.actions.size(), 1.0);
  for (ActionId action = 0; action < result.size(); ++action) {
    for (const auto& branch : head_.branches.all()) {
      result[action] *= chances_[branch.begin + head_.branches.part(action, branch)];
    }
  }
  return result;
}

void ActorCritic::begin_episode(std::size_t stream) {
  chosen_.erase(stream);
  const auto found = rollouts_.find(stream);
  if (found != rollouts_.end() && !found->second.cut.empty()) {
    found->second.cut.back() = 1;
  }
}

ActionId ActorCritic::act(const View& view) {
  fill_chances(evaluate(view.observation));
  ActionId action = 0;
  double most_likely = 1.0;
  exploration_.explored = false;
  for (const auto& branch : head_.branches.all()) {
    const float* chances = chances_.data() + branch.begin;
    const auto best =
        static_cast<std::size_t>(std::max_element(chances, chances + branch.size) - chances);
    double draw = random_.uniform();
    std::size_t chosen = 0;
    while (chosen + 1 < branch.size && draw >= chances[chosen]) {
      draw -= chances[chosen];
      ++chosen;
    }
    action += chosen * branch.stride;
    most_likely *= chances[best];
    exploration_.explored = exploration_.explored || chosen != best;
  }
  exploration_.rate = std::max(0.0, 1.0 - most_likely);
  chosen_[attended_] = action;
  return action;
}

void ActorCritic::observe(const Transition& transition) {
  scaler_.add(transition.observation);
  Rollout& rollout = rollouts_[transition.stream];
  const auto chosen = chosen_.extract(transition.stream);
  if (chosen.empty() || chosen.mapped() != transition.action) {
    if (!rollout.cut.empty()) {
      rollout.cut.back() = 1;
    }
    return;
  }
  append(transition.observation, rollout.observations);
  append(transition.next_observation, rollout.next_observations);
  rollout.actions.push_back(transition.action);
  rollout.rewards.push_back(std::max(transition.reward, options_.reward_floor));
  rollout.terminated.push_back(transition.terminated ? 1 : 0);
  rollout.cut.push_back(transition.terminated || transition.truncated ? 1 : 0);
  if (rollout.actions.size() == options_.rollout) {
    update(rollout);
    rollout = {};
  }
}

void ActorCritic::update(Rollout& rollout) {
  scaler_.scale(rollout.observations);
  scaler_.scale(rollout.next_observations);
  const std::size_t features = learned_.layout.inputs();
  std::vector<RolloutStep> steps;
  steps.reserve(rollout.actions.size());
  for (std::size_t i = 0; i < rollout.actions.size(); ++i) {
    steps.push_back({.reward = rollout.rewards[i],
                     .value = value_of(rollout.observations.data() + i * features),
                     .next_value = value_of(rollout.next_observations.data() + i * features),
                     .terminated = rollout.terminated[i] != 0,
                     .cut = rollout.cut[i] != 0});
  }
  const auto advantages = generalised_advantages(steps, options_.discount, options_.lambda);
  batch_.observations = rollout.observations;
  batch_.actions = rollout.actions;
  batch_.advantages.assign(advantages.begin(), advantages.end());
  batch_.returns.clear();
  for (std::size_t i = 0; i < steps.size(); ++i) {
    batch_.returns.push_back(static_cast<float>(advantages[i] + steps[i].value));
  }
  loss_->differentiate(batch_, learned_.weights, gradients_);
  const auto limit = static_cast<float>(options_.gradient_limit);
  learned_.adam.step(gradients_, static_cast<float>(options_.learning_rate), learned_.weights,
                     limit / std::max(limit, length(gradients_)));
}

void ActorCritic::archive_rollout(Archive& archive, Rollout& rollout) const {
  archive.numbers("rewards", rollout.rewards);
  const std::size_t steps = rollout.rewards.size();
  if (steps >= options_.rollout) {
    archive.reject("rewards",
                   fmt::format("expected less than {} numbers, found {}", options_.rollout, steps));
  }
  const std::size_t features = problem_.observations.size();
  archive.packed<float>("observations", rollout.observations, steps * features);
  archive.packed<float>("next_observations", rollout.next_observations, steps * features);
  archive.packed_indices("actions", rollout.actions, steps, problem_.actions.size());
  archive.counts("terminated", rollout.terminated, steps, Range::share());
  archive.counts("cut", rollout.cut, steps, Range::share());
}

void ActorCritic::archive(Archive& archive) {
  archive_header(archive, kind(), problem_, LearnedOf::kRewards, [this](Archive& options) {
    options.same("discount", options_.discount);
    options.same("reward_floor", options_.reward_floor);
    options.same("layers", learned_.layout.sizes());
  });
  archive.keep(random_, scaler_, learned_, rollouts_, chosen_);
  archive.random("random", random_);
  archive.part("scaling", scaler_);
  archive.part("network", learned_);
  archive.map("rollouts", rollouts_, "stream",
              [this](Archive& each, Rollout& rollout) { archive_rollout(each, rollout); });
  archive.map("chosen", chosen_, "stream", [this](Archive& each, ActionId& action) {
    each.index("action", action, problem_.actions.size());
  });
}

}  // namespace rein
