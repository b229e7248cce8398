#include "agent/neural/dqn.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <numeric>
#include <utility>

#include "agent/core/checkpoint.hpp"
#include "agent/neural/network_options.hpp"
#include "agent/neural/softmax.hpp"

namespace rein {

namespace {

/// While it explores, the chance that a knob besides the first one does.
constexpr double kAlsoExplores = 0.25;

QHead make_head(const DqnPolicy::Options& options, const ActionSpace& actions) {
  using enum DqnPolicy::Options::Head;
  const bool joint = options.head == kJoint ||
                     (options.head == kBySize && actions.size() <= DqnPolicy::kJointActions);
  return {joint ? ActionBranches::joint(actions) : ActionBranches::per_knob(actions),
          options.duelling};
}

std::string describe_head(const QHead& head) {
  std::vector<std::size_t> sizes;
  std::ranges::transform(head.branches.all(), std::back_inserter(sizes),
                         &ActionBranches::Branch::size);
  return fmt::format("{}{}", head.duelling ? "duelling " : "", fmt::join(sizes, " x "));
}

}  // namespace

DqnPolicy::Options DqnPolicy::Options::from_yaml(const ConfigNode& node) {
  constexpr Range kAboveZeroToOne{.min = 0.0, .max = 1.0, .min_excluded = true};
  Options options;
  options.loss.discount =
      node.number_or("discount", options.loss.discount, {.min = 0.0, .max = 0.999});
  options.loss.double_q = node.boolean_or("double", options.loss.double_q);
  options.duelling = node.boolean_or("duelling", options.duelling);
  options.hidden = read_hidden(node, options.hidden);
  if (node.has("head")) {
    options.head =
        node.at("head").one_of({"joint", "branching"}) == "joint" ? Head::kJoint : Head::kBranching;
  }
  options.learning_rate = node.number_or("learning_rate", options.learning_rate, kAboveZeroToOne);
  options.reward_floor = node.number_or("reward_floor", options.reward_floor, {.max = 0.0});
  options.batch = read_count(node, "batch", options.batch, {.min = 1, .max = 4096});
  options.updates_per_step =
      read_count(node, "updates_per_step", options.updates_per_step, {.min = 0, .max = 1000});
  options.warm_up = read_count(node, "warm_up", options.warm_up, {.min = 1, .max = 1e6});
  options.replay = read_count(node, "replay", options.replay, {.min = 1, .max = 1e7});
  options.target_rate = node.number_or("target_rate", options.target_rate, kAboveZeroToOne);
  options.target_period =
      read_count(node, "target_period", options.target_period, {.min = 1, .max = 1e9});
  if (node.has("exploration")) {
    const ConfigNode exploration = node.at("exploration");
    const auto share = [&](const char* key, double& value) {
      value = exploration.number_or(key, value, Range::share());
    };
    share("initial", options.exploration_initial);
    share("reopened", options.exploration_reopened);
    share("final", options.exploration_final);
    options.exploration_half_life = exploration.number_or(
        "half_life_periods", options.exploration_half_life, Range::positive());
    options.exploration_temperature =
        exploration.number_or("temperature", options.exploration_temperature, Range::positive());
    exploration.reject_unknown();
  }
  if (node.has("change")) {
    options.change = ChangeDetector::Options::from_yaml(node.at("change"));
  }
  options.save_replay = node.boolean_or("save_replay", options.save_replay);
  return options;
}

DqnPolicy::DqnPolicy(const Options& options, const Problem& problem, Random& random)
    : actions_(problem.actions),
      temperature_(static_cast<float>(options.exploration_temperature)),
      head_(make_head(options, problem.actions)),
      learned_{
          .scaler = FeatureScaler(problem.observations.size()),
          .network = {make_layout(problem.observations.size(), options.hidden, head_.outputs()),
                      random},
          .epsilon = options.exploration_initial} {}

std::unique_ptr<Session> DqnPolicy::begin_episode(Random& random) const {
  return std::make_unique<Now>(random, learned_.network.layout, head_.branches);
}

const float* DqnPolicy::evaluate(const Observation& observation, Now& now) const {
  learned_.scaler.scale(observation, now.network.input(0));
  now.network.evaluate(learned_.network.weights, 1);
  return now.network.output(0);
}

Action DqnPolicy::greedy(const Observation& observation) const {
  Random unused(0);
  Now now(unused, learned_.network.layout, head_.branches);
  head_.choose(evaluate(observation, now), now.best);
  return head_.branches.join(now.best);
}

double DqnPolicy::best_value(const Observation& observation) const {
  Random unused(0);
  Now now(unused, learned_.network.layout, head_.branches);
  return best_value(observation, now);
}

double DqnPolicy::best_value(const Observation& observation, Now& now) const {
  const float* output = evaluate(observation, now);
  head_.choose(output, now.best);
  return head_.value(output, now.best);
}

double DqnPolicy::value(const Observation& observation, std::span<const BranchAction> parts,
                        Now& now) const {
  return head_.value(evaluate(observation, now), parts);
}

Decision DqnPolicy::decide(const View& view, Session& session) const {
  auto& now = session.as<Now>();
  const float* output = evaluate(view.observation, now);
  const AllowedActions allowed(view, actions_);
  Decision decision = allowed.are_all() ? choose(output, view.wants_probability, now)
                                        : choose(allowed, output, now);
  decision.exploration = learned_.epsilon;
  return decision;
}

void DqnPolicy::fill_chances(const float* output, Now& now) const {
  for (const auto& branch : head_.branches.all()) {
    softmax({head_.advantages(output, branch), branch.size}, temperature_,
            now.chances.data() + branch.begin);
  }
}

Decision DqnPolicy::choose(const float* output, bool wants_probability, Now& now) const {
  const auto& branches = head_.branches.all();
  head_.choose(output, now.best);
  now.parts = now.best;
  const bool explores = now.random.uniform() < learned_.epsilon;
  if (explores || wants_probability) {
    fill_chances(output, now);
  }
  if (explores) {
    const std::size_t first = now.random.index(branches.size());
    for (std::size_t i = 0; i < branches.size(); ++i) {
      if (i == first || now.random.uniform() < kAlsoExplores) {
        const std::span<const float> chances(now.chances.data() + branches[i].begin,
                                             branches[i].size);
        now.parts[i] = static_cast<BranchAction>(draw(chances, 1.0, now.random));
      }
    }
  }
  Decision decision{.action = head_.branches.join(now.parts), .probability = std::nullopt};
  decision.explored = now.parts != now.best;
  if (wants_probability) {
    decision.probability = learned_.epsilon * chance_of_exploring(now.parts, now) +
                           (decision.explored ? 0.0 : 1.0 - learned_.epsilon);
  }
  return decision;
}

Decision DqnPolicy::choose(const AllowedActions& allowed, const float* output, Now& now) const {
  fill_chances(output, now);
  const auto candidates = head_.branches.split(allowed, actions_);
  const auto parts_of = [&](std::size_t i) {
    return std::span(candidates).subspan(i * now.best.size(), now.best.size());
  };
  std::size_t best = 0;
  for (std::size_t i = 1; i < allowed.size(); ++i) {
    if (head_.value(output, parts_of(i)) > head_.value(output, parts_of(best))) {
      best = i;
    }
  }
  std::ranges::copy(parts_of(best), now.best.begin());
  std::vector<double> weights(allowed.size());
  for (std::size_t i = 0; i < weights.size(); ++i) {
    weights[i] = chance_of_exploring(parts_of(i), now);
  }
  // There is one, however much worse than what is not allowed.
  weights[best] = std::max(weights[best], std::numeric_limits<double>::min());
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  const std::size_t chosen = now.random.uniform() < learned_.epsilon
                                 ? draw(std::span<const double>(weights), sum, now.random)
                                 : best;
  return {.action = head_.branches.join(parts_of(chosen)),
          .probability = learned_.epsilon * weights[chosen] / sum +
                         (chosen == best ? 1.0 - learned_.epsilon : 0.0),
          .explored = chosen != best};
}

double DqnPolicy::chance_of_exploring(std::span<const BranchAction> parts, const Now& now) const {
  const auto& branches = head_.branches.all();
  // The first to explore is any of them. Of the parts so far: if it is not among them, ...
  double chance = 1.0;
  double with_first = 0.0;  // ... and the sum over each of them that it may be.
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const double drawn = now.chances[branches[i].begin + parts[i]];
    const double kept = parts[i] == now.best[i] ? 1.0 - kAlsoExplores : 0.0;
    const double part = kAlsoExplores * drawn + kept;
    with_first = with_first * part + chance * drawn;
    chance *= part;
  }
  return with_first / static_cast<double>(parts.size());
}

Dqn::Dqn(const Options& options, Problem problem, Random& random)
    : options_(options),
      problem_(std::move(problem)),
      random_(random),
      policy_(options, problem_, random),
      target_(weights()),
      loss_(make_fused_q_loss(policy_.learned().network.layout, policy_.head(), options.loss,
                              options.batch)),
      replay_(options.replay, problem_.observations.size(), policy_.head().branches),
      detector_(options.change),
      opened_(options.exploration_initial) {}

void Dqn::set_weights(const AlignedFloats& weights) {
  policy_.learned().network.weights = weights;
  target_ = weights;
}

double Dqn::epsilon() const {
  return options_.exploration_final +
         (opened_ - options_.exploration_final) *
             std::exp2(-static_cast<double>(decaying_) / options_.exploration_half_life);
}

void Dqn::learn(const PeriodRecord& record, Session& session) {
  auto& now = session.as<DqnPolicy::Now>();
  const StepResult& result = record.result;
  const double reward = std::max(result.reward, options_.reward_floor);
  policy_.learned().scaler.add(record.observation);
  ++updates_;
  ++decaying_;
  policy_.head().branches.split(record.action, now.parts);
  const double to_come = result.terminated ? 0.0 : policy_.best_value(result.observation, now);
  const double error =
      reward + options_.loss.discount * to_come - policy_.value(record.observation, now.parts, now);
  if (detector_.add(std::min(1.0, std::abs(error)))) {
    opened_ = std::max(epsilon(), options_.exploration_reopened);
    decaying_ = 0;
  }
  policy_.learned().epsilon = epsilon();
  replay_.add(record.observation, now.parts, static_cast<float>(reward), result.observation,
              result.terminated);
  for (std::size_t i = 0; replay_.size() >= options_.warm_up && i < options_.updates_per_step;
       ++i) {
    update();
  }
}

void Dqn::update() {
  auto& [scaler, network, unused] = policy_.learned();
  replay_.sample(options_.batch, random_, batch_);
  scaler.scale(batch_.observations);
  scaler.scale(batch_.next_observations);
  loss_->differentiate(batch_, network.weights, target_, gradients_);
  network.adam.step(gradients_, static_cast<float>(options_.learning_rate), network.weights);
  if (network.adam.steps % options_.target_period == 0) {
    blend_weights(network.weights, static_cast<float>(options_.target_rate), target_);
  }
}

std::string DqnPolicy::parameters() const { return fmt::format("temperature {}", temperature_); }

void DqnPolicy::archive(Archive& archive) {
  archive.keep(learned_);
  archive.part("scaling", learned_.scaler);
  archive.part("network", learned_.network);
  archive.number("epsilon", learned_.epsilon, Range::share());
}

void Dqn::archive(Archive& archive) {
  archive_header(archive, policy_.kind(), problem_, LearnedOf::kRewards, [this](Archive& options) {
    options.same("discount", options_.loss.discount);
    options.same("reward_floor", options_.reward_floor);
    options.same("head", describe_head(policy_.head()));
    options.same("layers", policy_.learned().network.layout.sizes());
  });
  archive.keep(random_, target_, opened_, decaying_, detector_);
  archive.replace(replay_,
                  {options_.replay, problem_.observations.size(), policy_.head().branches});
  archive.random("random", random_);
  archive.part("policy", policy_);
  archive_row(archive, "target", policy_.learned().network.layout, target_);
  archive.section("exploration", [this](Archive& exploration) {
    exploration.number("opened", opened_, Range::share());
    exploration.count("decaying", decaying_);
  });
  archive.part("change", detector_);
  bool has_replay = options_.save_replay && replay_.size() > 0;
  archive.section_if("replay", has_replay, [this](Archive& replay) { replay_.archive(replay); });
}

}  // namespace rein
