#include "agent/q_learning/q_learning.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

#include "agent/core/checkpoint.hpp"
#include "common/error.hpp"
#include "common/files.hpp"

namespace rein {

namespace {

constexpr double kLackingRate = 0.2;
constexpr double kLeastTrace = 0.01;

bool matches(const std::string& feature, const std::string& pattern) {
  return feature == pattern || feature.starts_with(pattern + ".");
}

/// Two values this close are equal for the choice of an action.
constexpr double kTie = 1e-9;

/// For each action those that differ from it in ordered knobs only, and in each either not or
/// towards more work; in the knobs that quicken, towards less speed if `slower`, else towards more.
std::vector<std::vector<ActionId>> worse_actions(const ActionSpace& actions, bool slower) {
  const auto& knobs = actions.knobs();
  std::vector<std::vector<std::size_t>> levels(actions.size());
  for (ActionId action = 0; action < actions.size(); ++action) {
    actions.decode(action, levels[action]);
  }
  const auto is_worse = [&](ActionId action, ActionId other) {
    const auto& now = levels[action];
    const auto& then = levels[other];
    for (std::size_t i = 0; i < knobs.size(); ++i) {
      const bool rises_to_worse = knobs[i].effect() == Knob::Effect::kCostlier ||
                                  (knobs[i].effect() == Knob::Effect::kFaster && !slower);
      const bool worse_or_equal = knobs[i].effect() == Knob::Effect::kUnordered ? then[i] == now[i]
                                  : rises_to_worse                              ? then[i] >= now[i]
                                                                                : then[i] <= now[i];
      if (!worse_or_equal) {
        return false;
      }
    }
    return action != other;
  };
  std::vector<std::vector<ActionId>> result(actions.size());
  for (ActionId action = 0; action < actions.size(); ++action) {
    for (ActionId other = 0; other < actions.size(); ++other) {
      if (is_worse(action, other)) {
        result[action].push_back(other);
      }
    }
  }
  return result;
}

std::vector<std::size_t> speeds(const ActionSpace& actions) {
  std::vector<std::size_t> result(actions.size(), 0);
  for (ActionId action = 0; action < actions.size(); ++action) {
    const auto levels = actions.decode(action);
    for (std::size_t i = 0; i < levels.size(); ++i) {
      result[action] += actions.knobs()[i].effect() == Knob::Effect::kFaster ? levels[i] : 0;
    }
  }
  return result;
}

/// In lanes that a compiler can put into vectors: this is done in every decision and update.
double highest(const std::vector<double>& values) {
  constexpr std::size_t kLanes = 8;
  std::array<double, kLanes> lanes;
  lanes.fill(values.front());
  const std::size_t whole = values.size() / kLanes * kLanes;
  for (std::size_t i = 0; i < whole; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      lanes[lane] = std::max(lanes[lane], values[i + lane]);
    }
  }
  for (std::size_t i = whole; i < values.size(); ++i) {
    lanes[0] = std::max(lanes[0], values[i]);
  }
  return *std::ranges::max_element(lanes);
}

/// Wherever the number that a feature shows rises by 1.45, over all that it tells apart; where
/// there is none is a bin of its own.
std::vector<double> ratio_steps(const Scale& scale) {
  constexpr double kDecades = 0.16;  // Of a step.
  constexpr int kMostSteps = 80;     // From 1 up and down.
  std::vector<double> edges;
  for (int i = -kMostSteps; i <= kMostSteps; ++i) {
    const double edge = scale(std::pow(10.0, kDecades * i));
    if (edge > scale.min && edge < scale.max) {
      edges.push_back(edge);
    }
  }
  if (scale.neutral > scale.max) {
    edges.push_back(scale.neutral);
  }
  return edges;
}

void expect_actions(const ConfigNode& list, std::size_t count, std::size_t actions) {
  if (count != actions) {
    list.reject(fmt::format("expected {} numbers, one for each action, found {}", actions, count));
  }
}

}  // namespace

StateAggregation::StateAggregation(const std::vector<Cut>& cuts,
                                   const ObservationSpec& observations) {
  for (const auto& cut : cuts) {
    bool found = false;
    for (std::size_t i = 0; i < observations.size(); ++i) {
      if (matches(observations.features()[i].name, cut.feature)) {
        columns_.push_back({i, observations.features()[i].name, cut.edges});
        found = true;
      }
    }
    if (!found) {
      throw Error(fmt::format("expected a feature of this run, found '{}'", cut.feature));
    }
  }
}

StateAggregation StateAggregation::from_yaml(const ConfigNode& node,
                                             const ObservationSpec& observations) {
  std::vector<Cut> cuts;
  for (const auto& item : node.items()) {
    Cut cut{item.at("feature").text(), item.at("edges").numbers()};
    if (std::ranges::adjacent_find(cut.edges, std::greater_equal{}) != cut.edges.end()) {
      item.at("edges").fail("ascending numbers");
    }
    const auto& features = observations.features();
    if (std::ranges::none_of(features,
                             [&](const auto& each) { return matches(each.name, cut.feature); })) {
      std::vector<std::string> names;
      std::ranges::transform(features, std::back_inserter(names), &Feature::name);
      item.at("feature").fail(fmt::format("a feature of this run ({})", fmt::join(names, ", ")));
    }
    item.reject_unknown();
    cuts.push_back(std::move(cut));
  }
  return {cuts, observations};
}

StateAggregation StateAggregation::standard(const ObservationSpec& observations) {
  std::vector<Cut> cuts;
  for (const auto* const pattern : {"cpu_others_share", "deadline", "power.limit"}) {
    for (const auto& feature : observations.features()) {
      if (matches(feature.name, pattern)) {
        const bool is_share = feature.name.starts_with("cpu_others_share");
        cuts.push_back(
            {feature.name, is_share ? std::vector<double>{0.25} : ratio_steps(feature.scale)});
      }
    }
  }
  return {cuts, observations};
}

std::vector<std::string> StateAggregation::describe() const {
  std::vector<std::string> lines;
  for (const auto& column : columns_) {
    lines.push_back(fmt::format("{}: {}", column.name, fmt::join(column.edges, " ")));
  }
  return lines;
}

void StateAggregation::find_key(const Observation& observation, Key& key) const {
  key.resize(columns_.size());
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const auto& edges = columns_[i].edges;
    key[i] = static_cast<int>(std::ranges::upper_bound(edges, observation[columns_[i].feature]) -
                              edges.begin());
  }
}

QLearning::Options QLearning::Options::from_yaml(const ConfigNode& node) {
  Options options;
  options.discount = node.number_or("discount", options.discount, {.min = 0.0, .max = 0.999});
  options.learning_rate = node.number_or("learning_rate", options.learning_rate,
                                         {.min = 0.0, .max = 1.0, .min_excluded = true});
  if (node.has("exploration")) {
    const ConfigNode exploration = node.at("exploration");
    options.exploration_initial =
        exploration.number_or("initial", options.exploration_initial, Range::share());
    options.exploration_final =
        exploration.number_or("final", options.exploration_final, Range::share());
    options.exploration_half_life =
        exploration.number_or("half_life_visits", options.exploration_half_life, Range::positive());
    options.exploration_temperature =
        exploration.number_or("temperature", options.exploration_temperature, Range::positive());
    options.reopen_on_change = exploration.boolean_or("reopen_on_change", options.reopen_on_change);
    exploration.reject_unknown();
  }
  options.double_q = node.boolean_or("double", options.double_q);
  options.trace_decay = node.number_or("trace_decay", options.trace_decay, Range::share());
  if (node.has("change")) {
    options.change = ChangeDetector::Options::from_yaml(node.at("change"));
  }
  return options;
}

QLearning::QLearning(const Options& options, StateAggregation states, Problem problem,
                     Random& random)
    : options_(options),
      states_(std::move(states)),
      problem_(std::move(problem)),
      random_(random),
      detector_(options.change),
      lacking_(problem_.actions.size(), 0.0),
      slower_(worse_actions(problem_.actions, /*slower=*/true)),
      costlier_(worse_actions(problem_.actions, /*slower=*/false)),
      speed_(speeds(problem_.actions)),
      weights_(problem_.actions.size(), 0.0) {
  optimistic_.reserve(problem_.actions.size());
  for (const double bound : problem_.reward_bounds) {
    optimistic_.push_back(bound / (1.0 - options_.discount));
  }
}

std::size_t QLearning::KeyHash::operator()(const StateAggregation::Key& key) const noexcept {
  std::uint64_t hash = 0;  // Of a polynomial with one of Knuth's multipliers.
  for (const int bin : key) {
    hash = hash * 6364136223846793005U + static_cast<std::uint64_t>(bin) + 1;
  }
  return static_cast<std::size_t>(hash ^ (hash >> 32U));
}

void QLearning::Row::add(std::size_t estimate, ActionId action, double change) {
  estimates[estimate].values[action] += change;
  if (!means.empty()) {
    means[action] = (estimates[0].values[action] + estimates[1].values[action]) / 2.0;
  }
}

QLearning::Table::value_type& QLearning::state(const Observation& observation) {
  states_.find_key(observation, key_);
  if (const auto found = table_.find(key_); found != table_.end()) {
    return *found;
  }
  Row row;
  row.estimates.assign(options_.double_q ? 2 : 1,
                       {optimistic_, std::vector<std::uint64_t>(optimistic_.size(), 0)});
  if (options_.double_q) {
    row.means = optimistic_;
  }
  return *table_.emplace(key_, std::move(row)).first;
}

ActionId QLearning::greedy(const Row& row) const {
  const std::vector<double>& values = row.values();
  const double least = highest(values) - kTie;
  ActionId best = 0;
  while (values[best] < least) {
    ++best;
  }
  for (ActionId action = best + 1; action < values.size(); ++action) {
    if (values[action] < least) {
      continue;
    }
    const double lack = lacking_[action] - lacking_[best];
    if (std::abs(lack) > kTie ? lack < 0.0 : speed_[action] > speed_[best]) {
      best = action;
    }
  }
  return best;
}

void QLearning::begin_episode(std::size_t stream) { traces_of(stream).clear(); }

ActionId QLearning::act(const View& view) {
  const Row& now = state(view.observation).second;
  const ActionId best = greedy(now);
  exploration_.rate =
      options_.exploration_final +
      (options_.exploration_initial - options_.exploration_final) *
          std::exp2(-static_cast<double>(now.visited) / options_.exploration_half_life);
  const ActionId chosen = random_.uniform() < exploration_.rate ? explore(now, best) : best;
  exploration_.explored = chosen != best;
  return chosen;
}

ActionId QLearning::explore(const Row& row, ActionId best) {
  // Softmax over the best and what could be better (Sutton & Barto 2018, eq. 2.11).
  const std::vector<double>& values = row.values();
  for (ActionId action = 0; action < weights_.size(); ++action) {
    const bool could_be_better = action == best || optimistic_value(action) > values[best] + kTie;
    weights_[action] =
        could_be_better
            ? std::exp((values[action] - values[best]) / options_.exploration_temperature)
            : 0.0;
  }
  double draw = random_.uniform() * std::reduce(weights_.begin(), weights_.end());
  ActionId chosen = best;
  for (ActionId action = 0; action < weights_.size() && draw >= 0.0; ++action) {
    if (weights_[action] > 0.0) {
      chosen = action;
      draw -= weights_[action];
    }
  }
  return chosen;
}

double QLearning::target(const Transition& transition, const Row* next,
                         std::size_t estimate) const {
  if (next == nullptr) {
    return transition.reward;
  }
  const auto& own = next->estimates[estimate].values;
  const double best_value = highest(own);
  if (!options_.double_q) {
    return transition.reward + options_.discount * best_value;
  }
  const auto best = static_cast<ActionId>(std::ranges::find(own, best_value) - own.begin());
  return transition.reward + options_.discount * next->estimates[evaluator(estimate)].values[best];
}

void QLearning::observe(const Transition& transition) {
  const ActionId action = transition.action;
  const Row* next = transition.terminated ? nullptr : &state(transition.next_observation).second;
  Table::value_type& now = state(transition.observation);
  Row& row = now.second;
  const std::size_t estimate = options_.double_q && random_.uniform() < 0.5 ? 1 : 0;
  const double error = target(transition, next, estimate) - row.estimates[estimate].values[action];

  trace({.state = &now, .action = action, .estimate = estimate}, transition, next);
  ++row.estimates[estimate].visits[action];
  ++row.visited;
  row.add(estimate, action, rate(row.estimates[estimate], action) * error);

  const double shortfall = problem_.reward_bounds[action] - transition.reward;
  lacking_[action] += kLackingRate * (shortfall - lacking_[action]);
  spread_fines(row, transition);

  if (options_.reopen_on_change && detector_.add(std::min(1.0, std::abs(error)))) {
    for (auto& [key, each] : table_) {
      each.visited = 0;
    }
  }
}

void QLearning::trace(const Trace& newest, const Transition& transition, const Row* next) {
  Traces& traces = traces_of(transition.stream);
  const Row& now = newest.state->second;
  if (!traces.empty() && now.values()[newest.action] < highest(now.values()) - kTie) {
    traces.clear();  // What follows is not what the greedy policy would have met.
  }
  std::erase_if(traces, [&](const Trace& each) {
    return each.state == newest.state && each.action == newest.action &&
           each.estimate == newest.estimate;
  });
  if (!traces.empty()) {
    pass_on(traces, newest, transition, next);
  }
  traces.push_back(newest);
  const bool ended = transition.terminated || transition.truncated;
  const double decay = ended ? 0.0 : options_.discount * options_.trace_decay;
  for (Trace& each : traces) {
    each.eligibility *= decay;
  }
  std::erase_if(traces, [](const Trace& each) { return each.eligibility < kLeastTrace; });
}

void QLearning::pass_on(const Traces& traces, const Trace& newest, const Transition& transition,
                        const Row* next) {
  // What was moved towards another estimate's value is corrected by that one's error.
  std::array<double, 2> errors{};
  const auto& estimates = newest.state->second.estimates;
  for (std::size_t i = 0; i < estimates.size(); ++i) {
    errors[i] = target(transition, next, i) - estimates[evaluator(i)].values[newest.action];
  }
  for (const Trace& each : traces) {
    Row& row = each.state->second;
    row.add(
        each.estimate, each.action,
        rate(row.estimates[each.estimate], each.action) * each.eligibility * errors[each.estimate]);
  }
}

void QLearning::spread_fines(Row& row, const Transition& transition) {
  double for_latency = 0.0;
  double for_cost = 0.0;
  for (const auto& term : transition.terms) {
    if (term.name.starts_with("latency.")) {
      for_latency -= term.value;
    } else if (term.name == "power" || term.name == "energy" || term.name == "temperature") {
      for_cost -= term.value;
    }
  }
  spread(row, slower_[transition.action], for_latency);
  spread(row, costlier_[transition.action], for_cost);
}

double QLearning::rate(const Estimate& estimate, ActionId action) const {
  // The optimistic value counts as a visit: one unlucky period doesn't rule a good action out.
  return std::max(options_.learning_rate, 1.0 / static_cast<double>(estimate.visits[action] + 1));
}

void QLearning::spread(Row& row, const std::vector<ActionId>& worse, double fine) {
  if (fine <= 0.0) {
    return;
  }
  for (const ActionId other : worse) {
    if (fine > lacking_[other]) {
      lacking_[other] += kLackingRate * (fine - lacking_[other]);
    }
    const double hoped = optimistic_value(other) - fine;
    for (std::size_t i = 0; i < row.estimates.size(); ++i) {
      const double above = row.estimates[i].values[other] - hoped;
      if (above > 0.0) {
        row.add(i, other, -rate(row.estimates[i], other) * above);
      }
    }
  }
}

QLearning::Traces& QLearning::traces_of(std::size_t stream) {
  if (stream >= traces_.size()) {
    traces_.resize(stream + 1);
  }
  return traces_[stream];
}

double QLearning::value(const Observation& observation, ActionId action) const {
  StateAggregation::Key key;
  states_.find_key(observation, key);
  const auto entry = table_.find(key);
  return entry == table_.end() ? optimistic_value(action) : entry->second.values().at(action);
}

void QLearning::save(const std::filesystem::path& file) const {
  auto json = checkpoint_header(kind(), problem_);
  json["random"] = random_.save();
  json["bins"] = states_.describe();
  json["lacking"] = lacking_;
  std::vector<const Table::value_type*> states;
  states.reserve(table_.size());
  for (const auto& entry : table_) {
    states.push_back(&entry);
  }
  std::ranges::sort(states, {}, [](const auto* entry) { return entry->first; });
  json["states"] = nlohmann::ordered_json::array();
  for (const auto* entry : states) {
    const Row& row = entry->second;
    nlohmann::ordered_json state = {{"key", entry->first},
                                    {"values", row.estimates.front().values},
                                    {"visits", row.estimates.front().visits},
                                    {"visited", row.visited}};
    if (options_.double_q) {
      state["second_values"] = row.estimates.back().values;
      state["second_visits"] = row.estimates.back().visits;
    }
    json["states"].push_back(std::move(state));
  }
  json["traces"] = nlohmann::ordered_json::array();
  for (const Traces& traces : traces_) {
    auto stream = nlohmann::ordered_json::array();
    for (const Trace& trace : traces) {
      stream.push_back({{"key", trace.state->first},
                        {"action", trace.action},
                        {"estimate", trace.estimate},
                        {"eligibility", trace.eligibility}});
    }
    json["traces"].push_back(std::move(stream));
  }
  json["change"] = detector_.save();
  write_file(file, json.dump(1) + "\n");
}

StateAggregation::Key QLearning::load_key(const ConfigNode& node) const {
  StateAggregation::Key key;
  const auto bins = node.items();
  key.reserve(bins.size());
  for (const auto& bin : bins) {
    key.push_back(static_cast<int>(bin.integer({.min = 0, .max = 1e6})));
  }
  if (key.size() != states_.size()) {
    node.reject(
        fmt::format("expected {} bins as in this run, found {}", states_.size(), key.size()));
  }
  return key;
}

QLearning::Row QLearning::load_row(const ConfigNode& node) const {
  const std::size_t actions = problem_.actions.size();
  Row row;
  const auto load = [&](const std::string& prefix) {
    Estimate estimate{.values = node.at(prefix + "values").numbers(), .visits = {}};
    expect_actions(node.at(prefix + "values"), estimate.values.size(), actions);
    const auto visits = node.at(prefix + "visits").items();
    expect_actions(node.at(prefix + "visits"), visits.size(), actions);
    estimate.visits.reserve(actions);
    for (const auto& each : visits) {
      estimate.visits.push_back(static_cast<std::uint64_t>(each.integer({.min = 0})));
      row.visited += estimate.visits.back();
    }
    row.estimates.push_back(std::move(estimate));
  };
  load("");
  if (options_.double_q) {
    load("second_");
    row.means.resize(actions);
    for (ActionId action = 0; action < actions; ++action) {
      row.add(0, action, 0.0);
    }
  }
  if (node.has("visited")) {  // Else from before exploration was ever opened again.
    row.visited = static_cast<std::uint64_t>(node.at("visited").integer({.min = 0}));
  }
  return row;
}

QLearning::Traces QLearning::load_traces(const ConfigNode& node, Table& table) const {
  const auto items = node.items();
  Traces traces;
  traces.reserve(items.size());
  for (const auto& item : items) {
    const auto state = table.find(load_key(item.at("key")));
    if (state == table.end()) {
      item.at("key").reject("expected the key of one of the states");
    }
    traces.push_back({.state = &*state,
                      .action = load_index(item.at("action"), problem_.actions.size() - 1),
                      .estimate = load_index(item.at("estimate"), options_.double_q ? 1 : 0),
                      .eligibility = item.at("eligibility").number({.min = 0.0, .max = 1.0})});
    item.reject_unknown();
  }
  return traces;
}

void QLearning::load(const std::filesystem::path& file) {
  const ConfigNode node = open_checkpoint(file, kind(), problem_);
  if (!node.has("bins")) {
    node.reject(
        "expected `bins`, which say what its states mean, found none: made by an earlier version; "
        "train it anew (`rein train`, or `rein run` without --load)");
  }
  expect_lines(node.at("bins"), states_.describe());
  const auto lacking = node.at("lacking").numbers();
  expect_actions(node.at("lacking"), lacking.size(), problem_.actions.size());
  Table table;
  for (const auto& state : node.at("states").items()) {
    auto key = load_key(state.at("key"));
    Row row = load_row(state);
    state.reject_unknown();
    table[std::move(key)] = std::move(row);
  }
  // Earlier checkpoints have neither traces nor a detector.
  std::vector<Traces> traces;
  if (node.has("traces")) {
    const auto streams = node.at("traces").items();
    traces.reserve(streams.size());
    for (const auto& stream : streams) {
      traces.push_back(load_traces(stream, table));
    }
  }
  ChangeDetector detector(options_.change);
  if (node.has("change")) {
    detector.load(node.at("change"));
  }
  Random loaded(0);
  load_random(node.at("random"), loaded);
  node.reject_unknown();
  random_ = loaded;
  lacking_ = lacking;
  table_ = std::move(table);  // Its nodes stay where they are, and so the traces hold.
  traces_ = std::move(traces);
  detector_ = detector;
}

}  // namespace rein
