#include "agent/neural/actor_critic.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "agent/core/checkpoint.hpp"
#include "agent/neural/network_options.hpp"
#include "agent/neural/softmax.hpp"

namespace rein {

namespace {

float length(const AlignedFloats& vector) {
  double squares = 0.0;
  for (const float value : vector) {
    squares += static_cast<double>(value) * value;
  }
  return static_cast<float>(std::sqrt(squares));
}

}  // namespace

ActorCriticPolicy::Options ActorCriticPolicy::Options::from_yaml(const ConfigNode& node) {
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

ActorCriticPolicy::ActorCriticPolicy(const Options& options, const Problem& problem, Random& random)
    : actions_(problem.actions),
      head_{ActionBranches::per_knob(problem.actions)},
      learned_{
          .scaler = FeatureScaler(problem.observations.size()),
          .network = {make_layout(problem.observations.size(), options.hidden, head_.outputs()),
                      random}} {}

std::unique_ptr<Session> ActorCriticPolicy::begin_episode(Random& random) const {
  return std::make_unique<Now>(random, learned_.network.layout, head_.branches);
}

void ActorCriticPolicy::evaluate(const Observation& observation, Now& now) const {
  learned_.scaler.scale(observation, now.network.input(0));
  now.network.evaluate(learned_.network.weights, 1);
  for (const auto& branch : head_.branches.all()) {
    head_.probabilities(now.network.output(0), branch, now.chances.data() + branch.begin);
  }
}

double ActorCriticPolicy::value(const Observation& observation) const {
  Random unused(0);
  Now now(unused, learned_.network.layout, head_.branches);
  evaluate(observation, now);
  return now.network.output(0)[0];
}

double ActorCriticPolicy::probability(const Observation& observation, const Action& action) const {
  Random unused(0);
  Now now(unused, learned_.network.layout, head_.branches);
  evaluate(observation, now);
  head_.branches.split(action, now.parts);
  return chance(now.parts, now);
}

double ActorCriticPolicy::chance(std::span<const BranchAction> parts, const Now& now) const {
  double product = 1.0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    product *= now.chances[head_.branches.all()[i].begin + parts[i]];
  }
  return product;
}

Decision ActorCriticPolicy::decide(const View& view, Session& session) const {
  auto& now = session.as<Now>();
  evaluate(view.observation, now);
  const AllowedActions allowed(view, actions_);
  Decision decision = allowed.are_all() ? choose(now) : choose(allowed, now);
  now.chosen = decision.action;
  return decision;
}

Decision ActorCriticPolicy::choose(Now& now) const {
  Decision decision;
  double most_likely = 1.0;
  for (std::size_t i = 0; i < now.parts.size(); ++i) {
    const auto& branch = head_.branches.all()[i];
    const std::span<const float> chances(now.chances.data() + branch.begin, branch.size);
    const std::size_t drawn = draw(chances, 1.0, now.random);
    const float highest = *std::ranges::max_element(chances);
    now.parts[i] = static_cast<BranchAction>(drawn);
    most_likely *= highest;
    *decision.probability *= chances[drawn];
    decision.explored = decision.explored || chances[drawn] < highest;
  }
  decision.action = head_.branches.join(now.parts);
  decision.exploration = std::max(0.0, 1.0 - most_likely);
  return decision;
}

Decision ActorCriticPolicy::choose(const AllowedActions& allowed, Now& now) const {
  const auto candidates = head_.branches.split(allowed, actions_);
  const auto parts_of = [&](std::size_t i) {
    return std::span(candidates).subspan(i * now.parts.size(), now.parts.size());
  };
  std::vector<double> weights(allowed.size());
  for (std::size_t i = 0; i < weights.size(); ++i) {
    // None is impossible, however much likelier what is not allowed is.
    weights[i] = std::max(chance(parts_of(i), now), std::numeric_limits<double>::min());
  }
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  const double highest = *std::ranges::max_element(weights);
  const std::size_t drawn = draw(std::span<const double>(weights), sum, now.random);
  return {.action = head_.branches.join(parts_of(drawn)),
          .probability = weights[drawn] / sum,
          .exploration = std::max(0.0, 1.0 - highest / sum),
          .explored = weights[drawn] < highest};
}

ActorCritic::ActorCritic(const Options& options, Problem problem, Random& random)
    : options_(options),
      problem_(std::move(problem)),
      random_(random),
      policy_(options, problem_, random),
      loss_(make_fused_policy_loss(policy_.learned().network.layout, policy_.head(), options.loss,
                                   options.rollout)),
      valuing_(policy_.learned().network.layout, 1) {}

double ActorCritic::value_of(const float* scaled) {
  std::copy_n(scaled, valuing_.layout().inputs(), valuing_.input(0));
  valuing_.evaluate(weights(), 1);
  return valuing_.output(0)[0];
}

void ActorCritic::learn(const PeriodRecord& record, Session& session) {
  auto& now = session.as<ActorCriticPolicy::Now>();
  policy_.learned().scaler.add(record.observation);
  ++updates_;
  const bool is_own = now.chosen == record.action;
  now.chosen.clear();
  if (!is_own) {
    now.rollout.cut_last();
    return;
  }
  now.rollout.add(record, std::max(record.result.reward, options_.reward_floor),
                  policy_.head().branches);
  update_from(now.rollout);
}

void ActorCritic::end_episode(Session& session) {
  auto& now = session.as<ActorCriticPolicy::Now>();
  now.rollout.cut_last();
  for (std::size_t step = 0; step < now.rollout.size(); ++step) {
    rest_.add(now.rollout, step);
    update_from(rest_);
  }
  now.rollout = {};
}

void ActorCritic::update_from(Rollout& rollout) {
  if (rollout.size() < options_.rollout) {
    return;
  }
  auto& [scaler, network] = policy_.learned();
  scaler.scale(rollout.observations);
  scaler.scale(rollout.next_observations);
  const std::size_t features = network.layout.inputs();
  std::vector<RolloutStep> steps;
  steps.reserve(rollout.size());
  for (std::size_t i = 0; i < rollout.size(); ++i) {
    steps.push_back({.reward = rollout.rewards[i],
                     .value = value_of(rollout.observations.data() + i * features),
                     .next_value = value_of(rollout.next_observations.data() + i * features),
                     .terminated = rollout.terminated[i] != 0,
                     .cut = rollout.cut[i] != 0});
  }
  const auto advantages = generalised_advantages(steps, options_.discount, options_.lambda);
  batch_.observations = rollout.observations;
  batch_.parts = rollout.parts;
  batch_.advantages.assign(advantages.begin(), advantages.end());
  batch_.returns.clear();
  for (std::size_t i = 0; i < steps.size(); ++i) {
    batch_.returns.push_back(static_cast<float>(advantages[i] + steps[i].value));
  }
  loss_->differentiate(batch_, network.weights, gradients_);
  const auto limit = static_cast<float>(options_.gradient_limit);
  network.adam.step(gradients_, static_cast<float>(options_.learning_rate), network.weights,
                    limit / std::max(limit, length(gradients_)));
  rollout = {};
}

void ActorCriticPolicy::archive(Archive& archive) {
  archive.keep(learned_);
  archive.part("scaling", learned_.scaler);
  archive.part("network", learned_.network);
}

void ActorCritic::archive(Archive& archive) {
  archive_header(archive, policy_.kind(), problem_, LearnedOf::kRewards, [this](Archive& options) {
    options.same("discount", options_.discount);
    options.same("reward_floor", options_.reward_floor);
    options.same("layers", policy_.learned().network.layout.sizes());
  });
  archive.keep(random_, rest_);
  archive.random("random", random_);
  archive.part("policy", policy_);
  archive.section("rollout", [this](Archive& rollout) {
    rest_.archive(rollout, problem_.observations.size(), policy_.head().branches, options_.rollout);
  });
}

}  // namespace rein
