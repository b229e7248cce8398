#include "agent/q_learning.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "agent/checkpoint.hpp"
#include "common/error.hpp"
#include "common/files.hpp"

namespace rein {

namespace {

constexpr double kLackingRate = 0.2;

bool matches(const std::string& feature, const std::string& pattern) {
  return feature == pattern || feature.starts_with(pattern + ".");
}

/// Two values this close are equal for the choice of an action.
constexpr double kTie = 1e-9;

std::vector<std::vector<ActionId>> costlier_actions(const ActionSpace& actions) {
  std::vector<std::vector<ActionId>> result(actions.size());
  for (ActionId action = 0; action < actions.size(); ++action) {
    for (std::size_t knob = 0; knob < actions.knobs().size(); ++knob) {
      if (actions.knobs()[knob].effect != Knob::Effect::kCostlier) {
        continue;
      }
      auto levels = actions.decode(action);
      while (++levels[knob] < actions.knobs()[knob].levels.size()) {
        result[action].push_back(actions.encode(levels));
      }
    }
  }
  return result;
}

}  // namespace

StateAggregation::StateAggregation(const std::vector<Cut>& cuts,
                                   const ObservationSpec& observations) {
  for (const auto& cut : cuts) {
    bool found = false;
    for (std::size_t i = 0; i < observations.size(); ++i) {
      if (matches(observations.features()[i].name, cut.feature)) {
        columns_.push_back({i, cut.edges});
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
  std::vector<double> decade_steps;  // 10^(4 x 0.04) is 1.45.
  for (int i = 1; i < 25; ++i) {
    decade_steps.push_back(0.04 * i);
  }
  std::vector<Cut> cuts;
  for (const Cut& cut : {Cut{"cpu_others_share", {0.25}}, Cut{"deadline", decade_steps},
                         Cut{"power.limit", decade_steps}}) {
    if (std::ranges::any_of(observations.features(), [&](const auto& feature) {
          return matches(feature.name, cut.feature);
        })) {
      cuts.push_back(cut);
    }
  }
  return {cuts, observations};
}

StateAggregation::Key StateAggregation::key(const Observation& observation) const {
  Key key;
  key.reserve(columns_.size());
  for (const auto& column : columns_) {
    const auto& edges = column.edges;
    key.push_back(static_cast<int>(std::ranges::upper_bound(edges, observation.at(column.feature)) -
                                   edges.begin()));
  }
  return key;
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
    exploration.reject_unknown();
  }
  return options;
}

QLearning::QLearning(const Options& options, StateAggregation states, Problem problem,
                     Random& random)
    : options_(options),
      states_(std::move(states)),
      problem_(std::move(problem)),
      random_(random),
      lacking_(problem_.actions.size(), 0.0),
      costlier_(costlier_actions(problem_.actions)),
      highest_bound_(*std::ranges::max_element(problem_.reward_bounds)) {}

double QLearning::optimistic_value(ActionId action) const {
  return problem_.reward_bounds[action] +
         options_.discount / (1.0 - options_.discount) * highest_bound_;
}

QLearning::Row& QLearning::row(const StateAggregation::Key& key) {
  const auto [entry, added] = table_.try_emplace(key);
  Row& row = entry->second;
  if (added) {
    row.visits.assign(problem_.actions.size(), 0);
    for (ActionId action = 0; action < problem_.actions.size(); ++action) {
      row.values.push_back(optimistic_value(action));
    }
  }
  return row;
}

ActionId QLearning::greedy(const Row& row) const {
  ActionId best = 0;
  for (ActionId action = 1; action < row.values.size(); ++action) {
    const double lead = row.values[action] - row.values[best];
    if (lead > kTie || (lead > -kTie && lacking_[action] < lacking_[best])) {
      best = action;
    }
  }
  return best;
}

ActionId QLearning::act(const Observation& observation) {
  const Row& now = row(states_.key(observation));
  const ActionId best = greedy(now);
  exploration_.rate =
      options_.exploration_final +
      (options_.exploration_initial - options_.exploration_final) *
          std::exp2(-static_cast<double>(now.visited) / options_.exploration_half_life);
  exploration_.explored = false;
  if (random_.uniform() >= exploration_.rate) {
    return best;
  }
  std::vector<ActionId> promising;
  for (ActionId action = 0; action < now.values.size(); ++action) {
    if (optimistic_value(action) > now.values[best] + kTie && action != best) {
      promising.push_back(action);
    }
  }
  if (promising.empty()) {
    return best;
  }
  exploration_.explored = true;
  return promising[random_.index(promising.size())];
}

void QLearning::observe(const Transition& transition) {
  const ActionId action = transition.action;
  double future = 0.0;
  if (!transition.terminated) {
    const Row& next = row(states_.key(transition.next_observation));
    future = options_.discount * *std::ranges::max_element(next.values);
  }
  Row& now = row(states_.key(transition.observation));
  ++now.visits[action];
  ++now.visited;
  const double rate =
      std::max(options_.learning_rate, 1.0 / static_cast<double>(now.visits[action]));
  double& value = now.values[action];
  value += rate * (transition.reward + future - value);

  const double shortfall = problem_.reward_bounds[action] - transition.reward;
  lacking_[action] += kLackingRate * (shortfall - lacking_[action]);
  spread_to_costlier(now, action, shortfall);
}

void QLearning::spread_to_costlier(Row& row, ActionId action, double shortfall) {
  if (shortfall <= 0.0) {
    return;
  }
  for (const ActionId other : costlier_[action]) {
    const double expected = optimistic_value(other) - shortfall;
    if (expected < row.values[other]) {
      const double rate =
          std::max(options_.learning_rate, 1.0 / static_cast<double>(row.visits[other] + 1));
      row.values[other] += rate * (expected - row.values[other]);
    }
  }
}

double QLearning::value(const Observation& observation, ActionId action) const {
  const auto entry = table_.find(states_.key(observation));
  return entry == table_.end() ? optimistic_value(action) : entry->second.values.at(action);
}

void QLearning::save(const std::filesystem::path& file) const {
  auto json = checkpoint_header(kind(), problem_);
  json["random"] = random_.save();
  json["lacking"] = lacking_;
  json["states"] = nlohmann::ordered_json::array();
  for (const auto& [key, row] : table_) {
    json["states"].push_back({{"key", key}, {"values", row.values}, {"visits", row.visits}});
  }
  write_file(file, json.dump(1) + "\n");
}

void QLearning::load(const std::filesystem::path& file) {
  const ConfigNode node = open_checkpoint(file, kind(), problem_);
  const std::size_t actions = problem_.actions.size();
  const auto expect_actions = [actions](const ConfigNode& list, std::size_t count) {
    if (count != actions) {
      list.reject(
          fmt::format("expected {} numbers, one for each action, found {}", actions, count));
    }
  };
  const auto lacking = node.at("lacking").numbers();
  expect_actions(node.at("lacking"), lacking.size());

  std::map<StateAggregation::Key, Row> table;
  const std::size_t key_size = states_.key(Observation(problem_.observations.size(), 0.0)).size();
  for (const auto& state : node.at("states").items()) {
    StateAggregation::Key key;
    for (const auto& bin : state.at("key").items()) {
      key.push_back(static_cast<int>(bin.integer({.min = 0, .max = 1e6})));
    }
    if (key.size() != key_size) {
      state.at("key").reject(
          fmt::format("expected {} bins as in this run, found {}", key_size, key.size()));
    }
    Row row;
    row.values = state.at("values").numbers();
    expect_actions(state.at("values"), row.values.size());
    for (const auto& visits : state.at("visits").items()) {
      row.visits.push_back(static_cast<std::uint64_t>(visits.integer({.min = 0})));
      row.visited += row.visits.back();
    }
    expect_actions(state.at("visits"), row.visits.size());
    state.reject_unknown();
    table[std::move(key)] = std::move(row);
  }
  Random loaded(0);
  load_random(node.at("random"), loaded);
  node.reject_unknown();
  random_ = loaded;
  lacking_ = lacking;
  table_ = std::move(table);
}

}  // namespace rein
