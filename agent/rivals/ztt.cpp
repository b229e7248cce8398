#include "agent/rivals/ztt.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <iterator>
#include <limits>
#include <numeric>
#include <utility>

#include "agent/core/checkpoint.hpp"
#include "agent/core/managed_application.hpp"

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
    const auto value = info.reading(i);
    if (value && is_wanted(signals[i]) && is_of_gpu(signals[i].name) == of_gpu) {
      result = std::max(result.value_or(*value), *value);
    }
  }
  return result;
}

}  // namespace

ZttPolicy::Options ZttPolicy::Options::from_yaml(const ConfigNode& node) {
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

ZttPolicy::ZttPolicy(const Options& options, HeldKnobs held, Problem problem, Random& random)
    : options_(options),
      held_(std::move(held)),
      problem_(std::move(problem)),
      knobs_(problem_.actions),
      power_(problem_.signals),
      groups_(make_groups(problem_.actions, knobs_)),
      learned_{.network = {NetworkLayout({kFeatures, options.hidden, options.hidden, num_moves()}),
                           random},
               .epsilon = options.exploration_initial,
               .held = {}} {}

std::vector<ZttPolicy::Group> ZttPolicy::make_groups(const ActionSpace& actions,
                                                     const KnobLayout& layout) {
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

std::size_t ZttPolicy::num_moves() const {
  std::size_t moves = 1;
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    moves *= kDirections;
  }
  return moves;
}

std::size_t ZttPolicy::direction(std::size_t move, std::size_t group) {
  return (group == 0 ? move : move / kDirections) % kDirections;
}

std::unique_ptr<Session> ZttPolicy::begin_episode(Random& random) const {
  auto now = std::make_unique<Now>(random, learned_.network.layout);
  std::ranges::transform(groups_, std::back_inserter(now->positions), &Group::top);
  now->held = learned_.held.value_or(Action());
  return now;
}

ZttPolicy::Outcome ZttPolicy::judge(const StepInfo& info) const {
  const Situation situation = Situation::of(info.task);
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

std::vector<double> ZttPolicy::features(const StepInfo& info, const Outcome& outcome,
                                        const Now& now) const {
  const auto clock = [&](std::size_t group) {
    return group < groups_.size() && groups_[group].top > 0
               ? static_cast<double>(now.positions[group]) / static_cast<double>(groups_[group].top)
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

std::vector<std::size_t> ZttPolicy::moved(const std::vector<std::size_t>& positions,
                                          std::size_t move) const {
  std::vector<std::size_t> result(positions.size());
  for (std::size_t i = 0; i < positions.size(); ++i) {
    const std::size_t wanted = positions[i] + direction(move, i);
    result[i] = std::clamp(wanted, kKeep, groups_[i].top + kKeep) - kKeep;
  }
  return result;
}

Action ZttPolicy::action_at(const Action& held, const std::vector<std::size_t>& positions) const {
  Action action = held;
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    for (const std::size_t knob : groups_[i].knobs) {
      const std::size_t top = problem_.actions.knobs()[knob].levels.size() - 1;
      // Rounded up: rather too fast.
      action[knob] =
          groups_[i].top > 0 ? (positions[i] * top + groups_[i].top - 1) / groups_[i].top : top;
    }
  }
  return action;
}

Decision ZttPolicy::decide(const View& view, Session& session) const {
  auto& now = session.as<Now>();
  if (now.held.empty()) {
    now.held = held_.choose(Situation::of(view.task));
  }
  if (view.last != nullptr && !view.last->result.info.applications.empty()) {
    follow(*view.last, now);
  }
  Decision decision = now.too_hot ? cool_down(view, now) : move_clocks(view, now);
  decision.action = action_at(now.held, now.positions);
  now.asked = decision.action;
  return decision;
}

Decision ZttPolicy::move_clocks(const View& view, Now& now) const {
  Decision decision;
  now.move = num_moves() / 2;  // Keep all.
  if (now.state.empty()) {
    return decision;
  }
  std::vector<std::size_t> allowed;
  for (std::size_t move = 0; move < num_moves(); ++move) {
    if (view.allows(action_at(now.held, moved(now.positions, move)))) {
      allowed.push_back(move);
    }
  }
  // What is allowed may be out of reach. What is drawn is allowed, so that then nothing is.
  const double epsilon = allowed.empty() ? 0.0 : learned_.epsilon;
  if (allowed.empty()) {
    allowed.resize(num_moves());
    std::iota(allowed.begin(), allowed.end(), 0);
  }
  std::ranges::transform(now.state, now.network.input(0),
                         [](double value) { return static_cast<float>(value); });
  now.network.evaluate(learned_.network.weights, 1);
  const float* const values = now.network.output(0);
  const std::size_t best =
      *std::ranges::max_element(allowed, {}, [values](std::size_t move) { return values[move]; });
  decision.exploration = epsilon;
  decision.explored = now.random.uniform() < epsilon;
  now.move = decision.explored ? allowed[now.random.index(allowed.size())] : best;
  const auto before = std::exchange(now.positions, moved(now.positions, now.move));
  // Of all moves that come to the same.
  double probability = 0.0;
  for (const std::size_t move : allowed) {
    if (moved(before, move) == now.positions) {
      probability +=
          epsilon / static_cast<double>(allowed.size()) + (move == best ? 1.0 - epsilon : 0.0);
    }
  }
  decision.probability = probability;
  return decision;
}

Decision ZttPolicy::cool_down(const View& view, Now& now) const {
  now.move = num_moves() / 2;
  // Each group's clock falls by a step or not.
  std::vector<std::vector<std::size_t>> all = {now.positions};
  for (std::size_t i = 0; i < now.positions.size(); ++i) {
    for (std::size_t each = 0, count = all.size(); now.positions[i] > 0 && each < count; ++each) {
      all.push_back(all[each]);
      --all.back()[i];
    }
  }
  auto allowed = all;
  std::erase_if(
      allowed, [&](const auto& positions) { return !view.allows(action_at(now.held, positions)); });
  if (allowed.empty()) {
    allowed = {all.back()};  // All fall: whoever masks knows better.
  }
  now.positions = allowed[now.random.index(allowed.size())];
  return {.action = {}, .probability = 1.0 / static_cast<double>(allowed.size())};
}

void ZttPolicy::follow(const PeriodRecord& record, Now& now) const {
  for (std::size_t i = 0; now.asked != record.action && i < groups_.size(); ++i) {
    for (const std::size_t knob : groups_[i].knobs) {
      // One that has all the positions.
      if (problem_.actions.knobs()[knob].levels.size() - 1 == groups_[i].top) {
        now.positions[i] = record.action[knob];
      }
    }
  }
  now.asked.clear();
  const Outcome outcome = judge(record.result.info);
  now.state = features(record.result.info, outcome, now);
  now.too_hot = outcome.headroom_k <= 0.0;
}

Ztt::Ztt(const Options& options, HeldKnobs held, Problem problem, Random& random)
    : options_(options),
      problem_(problem),
      random_(random),
      policy_(options, std::move(held), std::move(problem), random),
      target_(policy_.learned().network.weights),
      loss_(make_fused_q_loss(policy_.learned().network.layout,
                              {ActionBranches::joint(policy_.num_moves()), /*duelling=*/false},
                              {.discount = options.discount,
                               .double_q = false,
                               .bend = std::numeric_limits<double>::infinity()},
                              options.batch)),
      replay_(options.replay, ZttPolicy::kFeatures, ActionBranches::joint(policy_.num_moves())) {}

double Ztt::reward(const Outcome& outcome, const Options& options) {
  const double temperature = outcome.headroom_k > 0.0 ? 0.2 * std::tanh(outcome.headroom_k) : -2.0;
  const double power =
      outcome.power_w && *outcome.power_w > 0.0 ? options.power_weight / *outcome.power_w : 0.0;
  return outcome.in_time + temperature + power -
         options.over_limit * std::max(0.0, outcome.overuse);
}

void Ztt::learn(const PeriodRecord& record, Session& session) {
  const auto& now = session.as<ZttPolicy::Now>();
  if (!now.held.empty()) {
    policy_.learned().held = now.held;
  }
  const StepInfo& info = record.result.info;
  // A move that a shield, say, took the place of led to nothing.
  if (info.applications.empty() || now.asked != record.action || now.state.empty() || now.too_hot) {
    return;
  }
  const Outcome outcome = policy_.judge(info);
  const auto move = static_cast<BranchAction>(now.move);
  replay_.add(now.state, {&move, 1}, static_cast<float>(reward(outcome, options_)),
              policy_.features(info, outcome, now), record.result.terminated);
  double& epsilon = policy_.learned().epsilon;
  epsilon = std::max(options_.exploration_final, epsilon * options_.exploration_decay);
  update();
  ++updates_;
}

void Ztt::update() {
  if (replay_.size() < options_.batch) {
    return;
  }
  LearnedWeights& network = policy_.learned().network;
  replay_.sample(options_.batch, random_, batch_);
  loss_->differentiate(batch_, network.weights, target_, gradients_);
  network.adam.step(gradients_, static_cast<float>(options_.learning_rate), network.weights);
  if (network.adam.steps % options_.target_every == 0) {
    target_ = network.weights;
  }
}

void ZttPolicy::archive(Archive& archive) {
  archive.keep(learned_);
  auto held = learned_.held ? std::optional(problem_.actions.encode(*learned_.held)) : std::nullopt;
  archive.index("held", held, problem_.actions.size());
  archive.part("network", learned_.network);
  archive.number("epsilon", learned_.epsilon, Range::share());
  if (archive.is_reading()) {
    learned_.held = held ? std::optional(problem_.actions.decode(*held)) : std::nullopt;
  }
}

void Ztt::archive(Archive& archive) {
  archive_header(archive, policy_.kind(), problem_, LearnedOf::kRewards, [this](Archive& options) {
    options.same("discount", options_.discount);
    options.same("power_weight", options_.power_weight);
    options.same("over_limit", options_.over_limit);
    options.same("temperature_target_c", options_.temperature_target_c);
    options.same("layers", policy_.learned().network.layout.sizes());
  });
  archive.keep(random_, target_);
  archive.replace(
      replay_, {options_.replay, ZttPolicy::kFeatures, ActionBranches::joint(policy_.num_moves())});
  archive.random("random", random_);
  archive.part("policy", policy_);
  archive_row(archive, "target", policy_.learned().network.layout, target_);
  archive.part("replay", replay_);
}

}  // namespace rein
