#include "agent/rivals/ztt.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "agent/core/checkpoint.hpp"
#include "agent/core/managed_application.hpp"
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
      power_(problem_.signals),
      groups_(make_groups(problem_.actions, layout_)),
      learned_(NetworkLayout({kFeatures, options.hidden, options.hidden, num_moves()}), random),
      target_(learned_.weights),
      loss_(make_fused_q_loss(learned_.layout,
                              {ActionBranches::joint(num_moves()), /*duelling=*/false},
                              {.discount = options.discount,
                               .double_q = false,
                               .bend = std::numeric_limits<double>::infinity()},
                              options.batch)),
      replay_(options.replay, kFeatures),
      epsilon_(options.exploration_initial),
      network_(learned_.layout, 1) {}

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

void Ztt::begin_episode(std::size_t stream) { sessions_.erase(stream); }

Ztt::Session& Ztt::session(std::size_t stream) {
  const auto [found, is_new] = sessions_.try_emplace(stream);
  if (is_new) {
    std::ranges::transform(groups_, std::back_inserter(found->second.positions), &Group::top);
  }
  return found->second;
}

double Ztt::reward(const Outcome& outcome, const Options& options) {
  const double temperature = outcome.headroom_k > 0.0 ? 0.2 * std::tanh(outcome.headroom_k) : -2.0;
  const double power =
      outcome.power_w && *outcome.power_w > 0.0 ? options.power_weight / *outcome.power_w : 0.0;
  return outcome.in_time + temperature + power -
         options.over_limit * std::max(0.0, outcome.overuse);
}

Ztt::Outcome Ztt::judge(const StepInfo& info, const Situation& situation) const {
  Outcome outcome;
  const ServiceReport& service = managed_service(info);
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
  outcome.power_w = power_.value(info, ruling_power(info.task));
  if (outcome.power_w && situation.power_limit_w) {
    outcome.overuse = *outcome.power_w / *situation.power_limit_w - 1.0;
  }
  return outcome;
}

std::vector<double> Ztt::features(const StepInfo& info, const Outcome& outcome,
                                  const Session& session) const {
  const auto clock = [&](std::size_t group) {
    return group < groups_.size() && groups_[group].top > 0
               ? static_cast<double>(session.positions[group]) /
                     static_cast<double>(groups_[group].top)
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

ActionId Ztt::act(const View& view) {
  std::vector<std::size_t> levels = held_.levels(Situation::of(view.task));
  exploration_ = {};
  Session& now = session(attended_);
  now.move = num_moves() / 2;  // Keep all.
  if (!now.state.empty()) {
    exploration_.rate = epsilon_;
    exploration_.explored = random_.uniform() < epsilon_;
    now.move = exploration_.explored ? random_.index(num_moves()) : best_move(now.state);
  }
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    if (now.too_hot) {
      // Cool down: one step or none, by chance.
      now.positions[i] -= now.positions[i] > 0 ? random_.index(2) : 0;
      continue;
    }
    const std::size_t moved = now.positions[i] + direction(now.move, i);
    now.positions[i] = std::clamp(moved, kKeep, groups_[i].top + kKeep) - kKeep;
  }
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    for (const std::size_t knob : groups_[i].knobs) {
      const std::size_t top = problem_.actions.knobs()[knob].levels.size() - 1;
      // Rounded up: rather too fast.
      levels[knob] =
          groups_[i].top > 0 ? (now.positions[i] * top + groups_[i].top - 1) / groups_[i].top : top;
    }
  }
  now.asked = problem_.actions.encode(levels);
  return *now.asked;
}

void Ztt::follow(ActionId action, Session& session) const {
  const auto levels = problem_.actions.decode(action);
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    for (const std::size_t knob : groups_[i].knobs) {
      // One that has all the positions.
      if (problem_.actions.knobs()[knob].levels.size() - 1 == groups_[i].top) {
        session.positions[i] = levels[knob];
      }
    }
  }
}

void Ztt::observe(const Transition& transition) {
  if (transition.info == nullptr) {
    return;
  }
  const Outcome outcome = judge(*transition.info, Situation::of(transition.info->task));
  Session& now = session(transition.stream);
  // A move that a shield, say, took the place of led to nothing.
  const bool is_own = now.asked == transition.action;
  now.asked.reset();
  if (!is_own) {
    follow(transition.action, now);
  }
  auto next = features(*transition.info, outcome, now);
  if (is_own && !now.state.empty() && !now.too_hot) {
    replay_.add(now.state, now.move, static_cast<float>(reward(outcome, options_)), next,
                transition.terminated);
    epsilon_ = std::max(options_.exploration_final, epsilon_ * options_.exploration_decay);
    learn();
  }
  now.state = std::move(next);
  now.too_hot = outcome.headroom_k <= 0.0;
}

std::size_t Ztt::best_move(const std::vector<double>& state) {
  std::ranges::transform(state, network_.input(0),
                         [](double value) { return static_cast<float>(value); });
  network_.evaluate(learned_.weights, 1);
  const float* values = network_.output(0);
  return static_cast<std::size_t>(std::max_element(values, values + num_moves()) - values);
}

void Ztt::learn() {
  if (replay_.size() < options_.batch) {
    return;
  }
  replay_.sample(options_.batch, random_, batch_);
  loss_->differentiate(batch_, learned_.weights, target_, gradients_);
  learned_.adam.step(gradients_, static_cast<float>(options_.learning_rate), learned_.weights);
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
  json["sessions"] = nlohmann::ordered_json::array();
  for (const auto& [stream, of] : sessions_) {
    json["sessions"].push_back({{"stream", stream},
                                {"positions", of.positions},
                                {"state", of.state},
                                {"too_hot", of.too_hot},
                                {"move", of.move},
                                {"asked", of.asked ? nlohmann::ordered_json(*of.asked) : nullptr}});
  }
  json["replay"] = replay_.save();
  write_file(file, json.dump(1) + "\n");
}

Ztt::Session Ztt::load_session(const ConfigNode& node) const {
  Session session;
  const auto positions = node.at("positions").items();
  if (positions.size() != groups_.size()) {
    node.at("positions").fail(fmt::format("{} positions", groups_.size()));
  }
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    session.positions.push_back(load_index(positions[i], groups_[i].top));
  }
  session.state = node.at("state").numbers();
  if (!session.state.empty() && session.state.size() != kFeatures) {
    node.at("state").fail(fmt::format("{} numbers or none", kFeatures));
  }
  session.too_hot = node.at("too_hot").boolean();
  session.move = load_index(node.at("move"), num_moves() - 1);
  if (!node.at("asked").is_null()) {
    session.asked = load_index(node.at("asked"), problem_.actions.size() - 1);
  }
  node.reject_unknown();
  return session;
}

void Ztt::load(const std::filesystem::path& file) {
  const ConfigNode node = open_checkpoint(file, kind(), problem_);
  ReplayBuffer replay =
      ReplayBuffer::load(node.at("replay"), options_.replay, kFeatures, num_moves());
  LearnedWeights learned = learned_;
  learned.load(node.at("network"));
  AlignedFloats target =
      learned.layout.unpack(read_numbers<float>(node.at("target"), learned.layout.packed_size()));
  const double epsilon = node.at("epsilon").number(Range::share());
  std::map<std::size_t, Session> sessions;
  for (const auto& item : node.at("sessions").items()) {
    const auto stream = static_cast<std::size_t>(item.at("stream").integer({.min = 0}));
    sessions[stream] = load_session(item);
  }
  const std::size_t held = load_index(node.at("held"), problem_.actions.size());
  Random loaded(0);
  load_random(node.at("random"), loaded);
  node.reject_unknown();

  random_ = loaded;
  held_.restore(held);
  learned_ = std::move(learned);
  target_ = std::move(target);
  epsilon_ = epsilon;
  replay_ = std::move(replay);
  sessions_ = std::move(sessions);
}

}  // namespace rein
