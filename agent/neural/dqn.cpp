#include "agent/neural/dqn.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "agent/core/checkpoint.hpp"
#include "agent/neural/network_options.hpp"
#include "common/files.hpp"

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

void Dqn::save(const std::filesystem::path& file) const {
  auto json = checkpoint_header(kind(), problem_);
  json["random"] = random_.save();
  json["scaling"] = scaler_.save();
  json["network"] = learned_.save();
  json["target"] = numbers_to_base64<float>(learned_.layout.pack(target_));
  json["exploration"] = {{"opened", opened_}, {"decaying", decaying_}};
  json["change"] = detector_.save();
  if (options_.save_replay && replay_.size() > 0) {
    json["replay"] = replay_.save();
  }
  write_file(file, json.dump(1) + "\n");
}

void Dqn::load(const std::filesystem::path& file) {
  const ConfigNode node = open_checkpoint(file, kind(), problem_);
  FeatureScaler scaler = scaler_;
  scaler.load(node.at("scaling"));
  LearnedWeights learned = learned_;
  learned.load(node.at("network"));
  AlignedFloats target =
      learned.layout.unpack(read_numbers<float>(node.at("target"), learned.layout.packed_size()));
  const ConfigNode exploration = node.at("exploration");
  const double opened = exploration.at("opened").number(Range::share());
  const auto decaying = static_cast<std::size_t>(exploration.at("decaying").integer({.min = 0}));
  exploration.reject_unknown();
  ChangeDetector detector = detector_;
  detector.load(node.at("change"));
  ReplayBuffer replay =
      node.has("replay") ? ReplayBuffer::load(node.at("replay"), options_.replay,
                                              problem_.observations.size(), problem_.actions.size())
                         : ReplayBuffer(options_.replay, problem_.observations.size());
  Random loaded(0);
  load_random(node.at("random"), loaded);
  node.reject_unknown();

  scaler_ = std::move(scaler);
  learned_ = std::move(learned);
  target_ = std::move(target);
  opened_ = opened;
  decaying_ = decaying;
  detector_ = detector;
  replay_ = std::move(replay);
  random_ = loaded;
}

}  // namespace rein
