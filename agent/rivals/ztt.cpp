#include "agent/rivals/ztt.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "agent/core/checkpoint.hpp"
#include "agent/core/packed_numbers.hpp"
#include "common/files.hpp"

namespace rein {

namespace {

constexpr std::size_t kDirections = 3;
constexpr std::size_t kKeep = 1;

/// A signal of a GPU, by its name.
bool is_of_gpu(std::string name) {
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
  return name.find("gpu") != std::string::npos;
}

bool is_heat(const SignalDescription& signal) { return signal.is_heat; }
bool is_rail(const SignalDescription& signal) { return signal.name.starts_with("power_w."); }

/// The highest of the signals that are wanted, of the GPU or of all else.
std::optional<double> highest(const std::vector<SignalDescription>& signals, const StepInfo& info,
                              bool (*is_wanted)(const SignalDescription&), bool of_gpu) {
  std::optional<double> result;
  for (std::size_t i = 0; i < signals.size(); ++i) {
    if (is_wanted(signals[i]) && is_of_gpu(signals[i].name) == of_gpu && info.signals[i]) {
      result = std::max(result.value_or(*info.signals[i]), *info.signals[i]);
    }
  }
  return result;
}

std::vector<double> read_numbers(const ConfigNode& node, std::size_t count) {
  auto numbers = node.numbers();
  if (numbers.size() != count) {
    node.reject(fmt::format("expected {} numbers, found {}", count, numbers.size()));
  }
  return numbers;
}

}  // namespace

Ztt::Options Ztt::Options::from_yaml(const ConfigNode& node) {
  const Range above_zero_share{.min = 0.0, .max = 1.0, .min_excluded = true};
  const auto count = [&](const std::string& key, std::size_t fallback, double least) {
    return static_cast<std::size_t>(
        node.integer_or(key, static_cast<std::int64_t>(fallback), {.min = least, .max = 1e6}));
  };
  Options options;
  options.discount = node.number_or("discount", options.discount, {.min = 0.0, .max = 0.999});
  options.learning_rate = node.number_or("learning_rate", options.learning_rate, above_zero_share);
  options.hidden = count("hidden", options.hidden, 1.0);
  options.batch = count("batch", options.batch, 1.0);
  options.replay = count("replay", options.replay, static_cast<double>(options.batch));
  options.target_every = count("target_every", options.target_every, 1.0);
  options.power_weight =
      node.number_or("power_weight", options.power_weight, Range::non_negative());
  options.over_limit = node.number_or("over_limit", options.over_limit, Range::non_negative());
  options.temperature_target_c =
      node.number_or("temperature_target_c", options.temperature_target_c);
  if (node.has("exploration")) {
    const ConfigNode exploration = node.at("exploration");
    options.exploration_initial =
        exploration.number_or("initial", options.exploration_initial, Range::share());
    options.exploration_final =
        exploration.number_or("final", options.exploration_final, Range::share());
    options.exploration_decay =
        exploration.number_or("decay", options.exploration_decay, Range::share());
    exploration.reject_unknown();
  }
  return options;
}

Ztt::Ztt(const Options& options, HeldKnobs held, Problem problem, Random& random)
    : options_(options),
      held_(std::move(held)),
      problem_(std::move(problem)),
      random_(random),
      layout_(problem_.actions),
      situation_(problem_.observations, problem_.task.arrival),
      power_(find_signal(problem_.signals, problem_.task.power_signal)),
      groups_(make_groups(problem_.actions, layout_)),
      learned_(NetworkLayout({kFeatures, options.hidden, options.hidden, num_moves()}), random),
      target_(learned_.weights),
      network_(learned_.layout, options.batch),
      epsilon_(options.exploration_initial) {
  Ztt::begin_episode();
}

std::vector<Ztt::Group> Ztt::make_groups(const ActionSpace& actions, const KnobLayout& layout) {
  Group cpus;
  Group others;
  for (const std::size_t knob : layout.frequencies) {
    (actions.knobs()[knob].cpus.empty() ? others : cpus).knobs.push_back(knob);
  }
  if (others.knobs.empty() && cpus.knobs.size() > 1) {
    others.knobs.assign(cpus.knobs.begin() + 1, cpus.knobs.end());
    cpus.knobs.erase(cpus.knobs.begin() + 1, cpus.knobs.end());
  }
  std::vector<Group> groups;
  for (Group* group : {&cpus, &others}) {
    for (const std::size_t knob : group->knobs) {
      group->top = std::max(group->top, actions.knobs()[knob].levels.size() - 1);
    }
    if (!group->knobs.empty()) {
      groups.push_back(*group);
    }
  }
  return groups;
}

std::size_t Ztt::num_moves() const {
  std::size_t moves = 1;
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    moves *= kDirections;
  }
  return moves;
}

std::size_t Ztt::direction(std::size_t move, std::size_t group) const {
  return (group == 0 ? move : move / kDirections) % kDirections;
}

void Ztt::begin_episode(std::size_t /*stream*/) {
  positions_.clear();
  std::ranges::transform(groups_, std::back_inserter(positions_), &Group::top);
  state_.clear();
  too_hot_ = false;
}

double Ztt::reward(const Outcome& outcome, const Options& options) {
  const double temperature = outcome.headroom_k > 0.0 ? 0.2 * std::tanh(outcome.headroom_k) : -2.0;
  const double power =
      outcome.power_w && *outcome.power_w > 0.0 ? options.power_weight / *outcome.power_w : 0.0;
  return outcome.in_time + temperature + power -
         options.over_limit * std::max(0.0, outcome.overuse);
}

double Ztt::target(double reward, bool terminated, const std::vector<double>& next_values,
                   double discount) {
  return terminated ? reward : reward + discount * *std::ranges::max_element(next_values);
}

Ztt::Outcome Ztt::judge(const StepInfo& info, const Situation& situation) const {
  Outcome outcome;
  const ServiceReport& service = info.applications.front().service;
  if (service.requests() > 0) {
    const double share =
        1.0 - static_cast<double>(service.missed()) / static_cast<double>(service.requests());
    outcome.in_time = share >= 1.0 - situation.miss_rate ? 1.0 : share;
  }
  const auto cpu_c = highest(problem_.signals, info, is_heat, false);
  const auto gpu_c = highest(problem_.signals, info, is_heat, true);
  if (cpu_c || gpu_c) {
    outcome.headroom_k = situation.temperature_limit_c.value_or(options_.temperature_target_c) -
                         std::max(cpu_c.value_or(-300.0), gpu_c.value_or(-300.0));
  }
  if (power_) {
    outcome.power_w = info.signals[*power_];
  }
  if (outcome.power_w && situation.power_limit_w) {
    outcome.overuse = *outcome.power_w / *situation.power_limit_w - 1.0;
  }
  return outcome;
}

std::vector<double> Ztt::features(const StepInfo& info, const Outcome& outcome) const {
  const auto clock = [&](std::size_t group) {
    return group < groups_.size() && groups_[group].top > 0
               ? static_cast<double>(positions_[group]) / static_cast<double>(groups_[group].top)
               : 0.0;
  };
  const auto share = [](std::optional<double> value, double whole) {
    return value ? std::clamp(*value / whole, -2.0, 2.0) : 0.0;
  };
  const double power_w = std::max(outcome.power_w.value_or(0.0), 1e-3);
  // The board's power by its limit as far as there is one, and the GPU's part of it.
  const double limit_share = 1.0 + outcome.overuse;
  const auto gpu_w = highest(problem_.signals, info, is_rail, true);
  return {clock(0),
          clock(1),
          std::clamp(limit_share, 0.0, 2.0),
          share(gpu_w, power_w),
          share(highest(problem_.signals, info, is_heat, false), 100.0),
          share(highest(problem_.signals, info, is_heat, true), 100.0),
          outcome.in_time};
}

ActionId Ztt::act(const Observation& observation) {
  std::vector<std::size_t> levels = held_.levels(situation_.read(observation));
  exploration_ = {};
  move_ = num_moves() / 2;  // Keep all.
  if (!state_.empty()) {
    exploration_.rate = epsilon_;
    exploration_.explored = random_.uniform() < epsilon_;
    set_input(0, state_);
    network_.evaluate(learned_.weights, 1);
    const auto values = output(0);
    move_ = exploration_.explored
                ? random_.index(num_moves())
                : static_cast<std::size_t>(std::ranges::max_element(values) - values.begin());
  }
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    if (too_hot_) {
      // Cool down: one step or none, by chance.
      positions_[i] -= positions_[i] > 0 ? random_.index(2) : 0;
      continue;
    }
    const std::size_t moved = positions_[i] + direction(move_, i);
    positions_[i] = std::clamp(moved, kKeep, groups_[i].top + kKeep) - kKeep;
  }
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    for (const std::size_t knob : groups_[i].knobs) {
      const std::size_t top = problem_.actions.knobs()[knob].levels.size() - 1;
      // Rounded up: rather too fast.
      levels[knob] =
          groups_[i].top > 0 ? (positions_[i] * top + groups_[i].top - 1) / groups_[i].top : top;
    }
  }
  return problem_.actions.encode(levels);
}

void Ztt::observe(const Transition& transition) {
  if (transition.info == nullptr) {
    return;
  }
  const Outcome outcome = judge(*transition.info, situation_.read(transition.observation));
  auto next = features(*transition.info, outcome);
  if (!state_.empty() && !too_hot_) {
    Experience experience{state_, move_, reward(outcome, options_), next, transition.terminated};
    if (experiences_.size() < options_.replay) {
      experiences_.push_back(std::move(experience));
    } else {
      experiences_[oldest_] = std::move(experience);
      oldest_ = (oldest_ + 1) % options_.replay;
    }
    epsilon_ = std::max(options_.exploration_final, epsilon_ * options_.exploration_decay);
    learn();
  }
  state_ = std::move(next);
  too_hot_ = outcome.headroom_k <= 0.0;
}

void Ztt::set_input(std::size_t row, const std::vector<double>& state) {
  std::ranges::transform(state, network_.input(row),
                         [](double value) { return static_cast<float>(value); });
}

std::vector<double> Ztt::output(std::size_t row) const {
  return {network_.output(row), network_.output(row) + num_moves()};
}

void Ztt::learn() {
  if (experiences_.size() < options_.batch) {
    return;
  }
  std::vector<const Experience*> batch;
  batch.reserve(options_.batch);
  for (std::size_t row = 0; row < options_.batch; ++row) {
    batch.push_back(&experiences_[random_.index(experiences_.size())]);
    set_input(row, batch[row]->next);
  }
  network_.evaluate(target_, batch.size());
  std::vector<double> targets;
  targets.reserve(batch.size());
  for (std::size_t row = 0; row < batch.size(); ++row) {
    const Experience& one = *batch[row];
    targets.push_back(target(one.reward, one.terminated, output(row), options_.discount));
    set_input(row, one.state);
  }
  network_.evaluate(learned_.weights, batch.size());
  for (std::size_t row = 0; row < batch.size(); ++row) {
    // Of half the square of the error.
    const std::size_t move = batch[row]->move;
    float* gradient = network_.output_gradient(row);
    std::fill_n(gradient, num_moves(), 0.0F);
    gradient[move] = network_.output(row)[move] - static_cast<float>(targets[row]);
  }
  network_.differentiate(learned_.weights, batch.size(), gradients_);
  learned_.adam.step(gradients_, static_cast<float>(options_.learning_rate), learned_.weights,
                     1.0F / static_cast<float>(batch.size()));
  if (learned_.adam.steps % options_.target_every == 0) {
    target_ = learned_.weights;
  }
}

void Ztt::save(const std::filesystem::path& file) const {
  auto json = checkpoint_header(kind(), problem_);
  json["random"] = random_.save();
  json["held"] = held_.chosen();
  json["network"] = learned_.save();
  json["target"] = numbers_to_base64<float>(learned_.layout.pack(target_));
  json["epsilon"] = epsilon_;
  json["oldest"] = oldest_;
  json["positions"] = positions_;
  json["state"] = state_;
  json["too_hot"] = too_hot_;
  json["move"] = move_;
  json["experiences"] = nlohmann::ordered_json::array();
  for (const auto& one : experiences_) {
    json["experiences"].push_back({{"state", one.state},
                                   {"move", one.move},
                                   {"reward", one.reward},
                                   {"next", one.next},
                                   {"terminated", one.terminated}});
  }
  write_file(file, json.dump(1) + "\n");
}

void Ztt::load(const std::filesystem::path& file) {
  const ConfigNode node = open_checkpoint(file, kind(), problem_);
  const std::size_t last_move = num_moves() - 1;
  std::vector<Experience> experiences;
  for (const auto& item : node.at("experiences").items()) {
    experiences.push_back({.state = read_numbers(item.at("state"), kFeatures),
                           .move = load_index(item.at("move"), last_move),
                           .reward = item.at("reward").number(),
                           .next = read_numbers(item.at("next"), kFeatures),
                           .terminated = item.at("terminated").boolean()});
    item.reject_unknown();
  }
  if (experiences.size() > options_.replay) {
    node.at("experiences").fail(fmt::format("at most {} experiences", options_.replay));
  }
  LearnedWeights learned = learned_;
  learned.load(node.at("network"));
  AlignedFloats target =
      learned.layout.unpack(read_numbers<float>(node.at("target"), learned.layout.packed_size()));
  const double epsilon = node.at("epsilon").number(Range::share());
  const std::size_t oldest = load_index(node.at("oldest"), options_.replay - 1);
  const auto position_items = node.at("positions").items();
  if (position_items.size() != groups_.size()) {
    node.at("positions").fail(fmt::format("{} positions", groups_.size()));
  }
  std::vector<std::size_t> positions;
  positions.reserve(groups_.size());
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    positions.push_back(load_index(position_items[i], groups_[i].top));
  }
  auto state = node.at("state").numbers();
  if (!state.empty() && state.size() != kFeatures) {
    node.at("state").fail(fmt::format("{} numbers or none", kFeatures));
  }
  const bool too_hot = node.at("too_hot").boolean();
  const std::size_t move = load_index(node.at("move"), last_move);
  const std::size_t held = load_index(node.at("held"), problem_.actions.size());
  Random loaded(0);
  load_random(node.at("random"), loaded);
  node.reject_unknown();

  random_ = loaded;
  held_.restore(held);
  learned_ = std::move(learned);
  target_ = std::move(target);
  epsilon_ = epsilon;
  oldest_ = oldest;
  experiences_ = std::move(experiences);
  positions_ = std::move(positions);
  state_ = std::move(state);
  too_hot_ = too_hot;
  move_ = move;
}

}  // namespace rein
