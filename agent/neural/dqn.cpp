#include "agent/neural/dqn.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "agent/core/checkpoint.hpp"
#include "agent/neural/network_options.hpp"

namespace rein {

namespace {

/// While it explores, the chance that a knob besides the first one does.
constexpr double kAlsoExplores = 0.25;

QHead make_head(const Dqn::Options& options, const ActionSpace& actions) {
  using enum Dqn::Options::Head;
  const bool joint =
      options.head == kJoint || (options.head == kBySize && actions.size() <= Dqn::kJointActions);
  return {joint ? ActionBranches::joint(actions.size()) : ActionBranches::per_knob(actions),
          options.duelling};
}

std::string describe_head(const QHead& head) {
  std::vector<std::size_t> sizes;
  std::ranges::transform(head.branches.all(), std::back_inserter(sizes),
                         &ActionBranches::Branch::size);
  return fmt::format("{}{}", head.duelling ? "duelling " : "", fmt::join(sizes, " x "));
}

}  // namespace

Dqn::Options Dqn::Options::from_yaml(const ConfigNode& node) {
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

Dqn::Dqn(const Options& options, Problem problem, Random& random)
    : options_(options),
      problem_(std::move(problem)),
      random_(random),
      head_(make_head(options, problem_.actions)),
      scaler_(problem_.observations.size()),
      learned_(make_layout(problem_.observations.size(), options.hidden, head_.outputs()), random),
      target_(learned_.weights),
      loss_(make_fused_q_loss(learned_.layout, head_, options.loss, options.batch)),
      replay_(options.replay, problem_.observations.size()),
      detector_(options.change),
      opened_(options.exploration_initial),
      acting_(learned_.layout, 1),
      chosen_(head_.branches.count()) {}

void Dqn::set_weights(const AlignedFloats& weights) {
  learned_.weights = weights;
  target_ = weights;
}

const float* Dqn::evaluate(const Observation& observation) {
  scaler_.scale(observation, acting_.input(0));
  acting_.evaluate(learned_.weights, 1);
  return acting_.output(0);
}

ActionId Dqn::best_of(const float* output) {
  head_.choose(output, chosen_);
  return head_.branches.join(chosen_);
}

ActionId Dqn::greedy(const Observation& observation) { return best_of(evaluate(observation)); }

double Dqn::best_value(const Observation& observation) {
  const float* output = evaluate(observation);
  return head_.value(output, best_of(output));
}

double Dqn::epsilon() const {
  return options_.exploration_final +
         (opened_ - options_.exploration_final) *
             std::exp2(-static_cast<double>(decaying_) / options_.exploration_half_life);
}

ActionId Dqn::act(const View& view) {
  const float* output = evaluate(view.observation);
  const ActionId best = best_of(output);
  exploration_.rate = epsilon();
  exploration_.explored = false;
  if (random_.uniform() >= exploration_.rate) {
    return best;
  }
  const auto& branches = head_.branches.all();
  const std::size_t first = random_.index(branches.size());
  for (std::size_t i = 0; i < branches.size(); ++i) {
    if (i == first || random_.uniform() < kAlsoExplores) {
      chosen_[i] = explore(output, branches[i]);
    }
  }
  const ActionId action = head_.branches.join(chosen_);
  exploration_.explored = action != best;
  return action;
}

BranchAction Dqn::explore(const float* output, const ActionBranches::Branch& branch) {
  // Softmax (Sutton & Barto 2018, eq. 2.11).
  const float* advantages = head_.advantages(output, branch);
  const float highest = advantages[head_.best(output, branch)];
  weights_.resize(branch.size);
  double sum = 0.0;
  for (std::size_t i = 0; i < branch.size; ++i) {
    weights_[i] = std::exp((advantages[i] - highest) / options_.exploration_temperature);
    sum += weights_[i];
  }
  double draw = random_.uniform() * sum;
  BranchAction chosen = 0;
  while (chosen + 1 < branch.size && draw >= weights_[chosen]) {
    draw -= weights_[chosen];
    ++chosen;
  }
  return chosen;
}

double Dqn::temporal_difference(const Transition& transition, double reward) {
  const double next = transition.terminated ? 0.0 : best_value(transition.next_observation);
  const float* output = evaluate(transition.observation);
  return reward + options_.loss.discount * next - head_.value(output, transition.action);
}

void Dqn::observe(const Transition& transition) {
  const double reward = std::max(transition.reward, options_.reward_floor);
  scaler_.add(transition.observation);
  ++decaying_;
  if (detector_.add(std::min(1.0, std::abs(temporal_difference(transition, reward))))) {
    opened_ = std::max(epsilon(), options_.exploration_reopened);
    decaying_ = 0;
  }
  replay_.add(transition.observation, transition.action, static_cast<float>(reward),
              transition.next_observation, transition.terminated);
  for (std::size_t i = 0; replay_.size() >= options_.warm_up && i < options_.updates_per_step;
       ++i) {
    update();
  }
}

void Dqn::update() {
  replay_.sample(options_.batch, random_, batch_);
  scaler_.scale(batch_.observations);
  scaler_.scale(batch_.next_observations);
  loss_->differentiate(batch_, learned_.weights, target_, gradients_);
  learned_.adam.step(gradients_, static_cast<float>(options_.learning_rate), learned_.weights);
  if (learned_.adam.steps % options_.target_period == 0) {
    blend_weights(learned_.weights, static_cast<float>(options_.target_rate), target_);
  }
}

void Dqn::archive(Archive& archive) {
  archive_header(archive, kind(), problem_, LearnedOf::kRewards, [this](Archive& options) {
    options.same("discount", options_.loss.discount);
    options.same("reward_floor", options_.reward_floor);
    options.same("head", describe_head(head_));
    options.same("layers", learned_.layout.sizes());
  });
  archive.keep(random_, scaler_, learned_, target_, opened_, decaying_, detector_);
  archive.replace(replay_, {options_.replay, problem_.observations.size()});
  archive.random("random", random_);
  archive.part("scaling", scaler_);
  archive.part("network", learned_);
  archive_row(archive, "target", learned_.layout, target_);
  archive.section("exploration", [this](Archive& exploration) {
    exploration.number("opened", opened_, Range::share());
    exploration.count("decaying", decaying_);
  });
  archive.part("change", detector_);
  bool has_replay = options_.save_replay && replay_.size() > 0;
  archive.section_if("replay", has_replay,
                     [this](Archive& replay) { replay_.archive(replay, problem_.actions.size()); });
}

}  // namespace rein
