#include "agent/q_learning.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
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

/// For each action those that differ from it in ordered knobs only, and in each either not or
/// towards more work; in the knobs that quicken, towards less speed if `slower`, else towards more.
std::vector<std::vector<ActionId>> worse_actions(const ActionSpace& actions, bool slower) {
  const auto& knobs = actions.knobs();
  const auto is_worse = [&](ActionId action, ActionId other) {
    const auto now = actions.decode(action);
    const auto then = actions.decode(other);
    for (std::size_t i = 0; i < knobs.size(); ++i) {
      const bool rises_to_worse = knobs[i].effect == Knob::Effect::kCostlier ||
                                  (knobs[i].effect == Knob::Effect::kFaster && !slower);
      const bool worse_or_equal = knobs[i].effect == Knob::Effect::kUnordered ? then[i] == now[i]
                                  : rises_to_worse                            ? then[i] >= now[i]
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
      result[action] += actions.knobs()[i].effect == Knob::Effect::kFaster ? levels[i] : 0;
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
      slower_(worse_actions(problem_.actions, /*slower=*/true)),
      costlier_(worse_actions(problem_.actions, /*slower=*/false)),
      speed_(speeds(problem_.actions)) {}

double QLearning::optimistic_value(ActionId action) const {
  return problem_.reward_bounds[action] / (1.0 - options_.discount);
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
  const auto better = [&](ActionId one, ActionId other) {
    const double lead = row.values[one] - row.values[other];
    if (std::abs(lead) > kTie) {
      return lead > 0.0;
    }
    const double lack = lacking_[one] - lacking_[other];
    return std::abs(lack) > kTie ? lack < 0.0 : speed_[one] > speed_[other];
  };
  ActionId best = 0;
  for (ActionId action = 1; action < row.values.size(); ++action) {
    if (better(action, best)) {
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
  // Softmax over the best and what could be better (Sutton & Barto 2018, eq. 2.11).
  std::vector<double> weights(now.values.size(), 0.0);
  for (ActionId action = 0; action < weights.size(); ++action) {
    if (action == best || optimistic_value(action) > now.values[best] + kTie) {
      weights[action] =
          std::exp((now.values[action] - now.values[best]) / options_.exploration_temperature);
    }
  }
  double draw = random_.uniform() * std::reduce(weights.begin(), weights.end());
  ActionId chosen = best;
  for (ActionId action = 0; action < weights.size() && draw >= 0.0; ++action) {
    if (weights[action] > 0.0) {
      chosen = action;
      draw -= weights[action];
    }
  }
  exploration_.explored = chosen != best;
  return chosen;
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
  double& value = now.values[action];
  value += rate(now, action) * (transition.reward + future - value);

  const double shortfall = problem_.reward_bounds[action] - transition.reward;
  lacking_[action] += kLackingRate * (shortfall - lacking_[action]);
  double fine_for_latency = 0.0;
  double fine_for_cost = 0.0;
  for (const auto& term : transition.terms) {
    if (term.name.starts_with("latency.")) {
      fine_for_latency -= term.value;
    } else if (term.name == "power" || term.name == "energy" || term.name == "temperature") {
      fine_for_cost -= term.value;
    }
  }
  spread(now, slower_[action], fine_for_latency);
  spread(now, costlier_[action], fine_for_cost);
}

double QLearning::rate(const Row& row, ActionId action) const {
  // The optimistic value counts as a visit: one unlucky period doesn't rule a good action out.
  return std::max(options_.learning_rate, 1.0 / static_cast<double>(row.visits[action] + 1));
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
    if (hoped < row.values[other]) {
      row.values[other] += rate(row, other) * (hoped - row.values[other]);
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
