#include "agent/q_learning/q_learning.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "agent/core/checkpoint.hpp"
#include "common/error.hpp"

namespace rein {

namespace {

constexpr double kLackingRate = 0.2;
constexpr double kLeastTrace = 0.01;

bool matches(const std::string& feature, const std::string& pattern) {
  return feature == pattern || feature.starts_with(pattern + ".");
}

/// Of a bin's number.
constexpr Range kBins{.min = 0.0, .max = 1e6};

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

ActionId draw(const std::vector<double>& weights, double sum, ActionId otherwise, Random& random) {
  double left = random.uniform() * sum;
  ActionId chosen = otherwise;
  for (ActionId action = 0; action < weights.size() && left >= 0.0; ++action) {
    if (weights[action] > 0.0) {
      chosen = action;
      left -= weights[action];
    }
  }
  return chosen;
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

QLearningOptions QLearningOptions::from_yaml(const ConfigNode& node) {
  QLearningOptions options;
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

QTable::QTable(const QLearningOptions& options, StateAggregation states, Problem problem)
    : options_(options),
      states_(std::move(states)),
      problem_(std::move(problem)),
      speed_(speeds(problem_.actions)) {
  optimistic_.reserve(problem_.actions.size());
  for (const double bound : problem_.reward_bounds) {
    optimistic_.push_back(bound / (1.0 - options_.discount));
  }
  unseen_.estimates.assign(options_.double_q ? 2 : 1,
                           {optimistic_, std::vector<std::uint64_t>(optimistic_.size(), 0)});
  if (options_.double_q) {
    unseen_.means = optimistic_;
  }
  learned_.lacking.assign(problem_.actions.size(), 0.0);
}

std::size_t QTable::KeyHash::operator()(const StateAggregation::Key& key) const noexcept {
  std::uint64_t hash = 0;  // Of a polynomial with one of Knuth's multipliers.
  for (const int bin : key) {
    hash = hash * 6364136223846793005U + static_cast<std::uint64_t>(bin) + 1;
  }
  return static_cast<std::size_t>(hash ^ (hash >> 32U));
}

void QTable::Row::add(std::size_t estimate, ActionId action, double change) {
  estimates[estimate].values[action] += change;
  if (!means.empty()) {
    means[action] = (estimates[0].values[action] + estimates[1].values[action]) / 2.0;
  }
}

QTable::Rows::value_type& QTable::row(const Observation& observation, StateAggregation::Key& key) {
  states_.find_key(observation, key);
  return *learned_.rows.try_emplace(key, unseen_).first;
}

const QTable::Row& QTable::find(const Observation& observation, StateAggregation::Key& key) const {
  states_.find_key(observation, key);
  const auto found = learned_.rows.find(key);
  return found == learned_.rows.end() ? unseen_ : found->second;
}

double QTable::value(const Observation& observation, ActionId action) const {
  StateAggregation::Key key;
  return find(observation, key).values().at(action);
}

ActionId QTable::greedy(const Row& row, const AllowedActions& allowed) const {
  const std::vector<double>& values = row.values();
  double most = -std::numeric_limits<double>::infinity();
  if (allowed.are_all()) {
    most = highest(values);
  }
  for (std::size_t i = 0; !allowed.are_all() && i < allowed.size(); ++i) {
    most = std::max(most, values[allowed[i]]);
  }
  const double least = most - kTie;
  std::size_t first = 0;
  while (values[allowed[first]] < least) {
    ++first;
  }
  ActionId best = allowed[first];
  for (std::size_t i = first + 1; i < allowed.size(); ++i) {
    const ActionId action = allowed[i];
    if (values[action] < least) {
      continue;
    }
    const double lack = learned_.lacking[action] - learned_.lacking[best];
    if (std::abs(lack) > kTie ? lack < 0.0 : speed_[action] > speed_[best]) {
      best = action;
    }
  }
  return best;
}

Decision QTable::decide(const View& view, Session& session) const {
  auto& now = session.as<Now>();
  const Row& here = find(view.observation, now.key);
  const AllowedActions allowed(view, problem_.actions);
  const ActionId best = greedy(here, allowed);
  Decision decision;
  decision.exploration =
      options_.exploration_final +
      (options_.exploration_initial - options_.exploration_final) *
          std::exp2(-static_cast<double>(here.visited) / options_.exploration_half_life);
  // What explores may draw the best one, too.
  const bool explores = session.random.uniform() < decision.exploration;
  ActionId chosen = best;
  double sum = 0.0;
  if (explores || view.wants_probability) {
    sum = weigh(here, best, allowed, now.weights);
  }
  if (explores) {
    chosen = draw(now.weights, sum, best, session.random);
  }
  decision.explored = chosen != best;
  decision.probability.reset();
  if (view.wants_probability) {
    decision.probability = decision.exploration * now.weights[chosen] / sum +
                           (chosen == best ? 1.0 - decision.exploration : 0.0);
  }
  problem_.actions.decode(chosen, decision.action);
  return decision;
}

double QTable::weigh(const Row& row, ActionId best, const AllowedActions& allowed,
                     std::vector<double>& weights) const {
  const std::vector<double>& values = row.values();
  weights.assign(values.size(), 0.0);
  for (std::size_t i = 0; i < allowed.size(); ++i) {
    const ActionId action = allowed[i];
    if (action == best || optimistic_value(action) > values[best] + kTie) {
      weights[action] =
          std::exp((values[action] - values[best]) / options_.exploration_temperature);
    }
  }
  return std::reduce(weights.begin(), weights.end());
}

void QTable::archive_row(Archive& archive, Row& row) const {
  const std::size_t actions = problem_.actions.size();
  row.estimates.resize(options_.double_q ? 2 : 1);
  for (std::size_t i = 0; i < row.estimates.size(); ++i) {
    const std::string prefix = i == 0 ? "" : "second_";
    archive.numbers(prefix + "values", row.estimates[i].values, actions);
    archive.counts(prefix + "visits", row.estimates[i].visits, actions);
  }
  archive.count("visited", row.visited);
  if (archive.is_reading() && options_.double_q) {
    row.means.resize(actions);
    for (ActionId action = 0; action < actions; ++action) {
      row.add(0, action, 0.0);
    }
  }
}

std::string QTable::parameters() const {
  return fmt::format("exploration {} to {} in {}, temperature {}", options_.exploration_initial,
                     options_.exploration_final, options_.exploration_half_life,
                     options_.exploration_temperature);
}

void QTable::archive(Archive& archive) {
  archive.keep(learned_.lacking);
  archive.replace(learned_.rows, {});
  archive.numbers("lacking", learned_.lacking, problem_.actions.size());
  std::vector<StateAggregation::Key> keys;
  for (const auto& entry : learned_.rows) {
    keys.push_back(entry.first);
  }
  std::ranges::sort(keys);  // Not in the order of the hashes.
  archive.list("states", keys, [this](Archive& state, StateAggregation::Key& key) {
    state.counts("key", key, states_.size(), kBins);
    archive_row(state, learned_.rows[key]);
  });
}

QLearning::QLearning(const Options& options, StateAggregation states, Problem problem,
                     Random& random)
    : options_(options),
      problem_(problem),
      random_(random),
      table_(options, std::move(states), std::move(problem)),
      detector_(options.change),
      slower_(worse_actions(problem_.actions, /*slower=*/true)),
      costlier_(worse_actions(problem_.actions, /*slower=*/false)) {}

double QLearning::target(double reward, const Row* next, std::size_t estimate) const {
  if (next == nullptr) {
    return reward;
  }
  const auto& own = next->estimates[estimate].values;
  const double best_value = highest(own);
  if (!options_.double_q) {
    return reward + options_.discount * best_value;
  }
  const auto best = static_cast<ActionId>(std::ranges::find(own, best_value) - own.begin());
  return reward + options_.discount * next->estimates[evaluator(estimate)].values[best];
}

void QLearning::learn(const PeriodRecord& record, Session& session) {
  auto& now = session.as<QTable::Now>();
  const StepResult& result = record.result;
  const ActionId action = problem_.actions.encode(record.action);
  const Row* const next =
      result.terminated ? nullptr : &table_.row(result.observation, now.key).second;
  QTable::Rows::value_type& here = table_.row(record.observation, now.key);
  Row& row = here.second;
  const std::size_t estimate = options_.double_q && random_.uniform() < 0.5 ? 1 : 0;
  const double error =
      target(result.reward, next, estimate) - row.estimates[estimate].values[action];

  trace({.state = &here, .action = action, .estimate = estimate}, result, next, now.traces);
  ++row.estimates[estimate].visits[action];
  ++row.visited;
  row.add(estimate, action, rate(row.estimates[estimate], action) * error);

  auto& lacking = table_.learned().lacking;
  lacking[action] +=
      kLackingRate * (problem_.reward_bounds[action] - result.reward - lacking[action]);
  spread_fines(row, action, result.info.reward_terms);
  ++updates_;

  if (options_.reopen_on_change && detector_.add(std::min(1.0, std::abs(error)))) {
    for (auto& [key, each] : table_.learned().rows) {
      each.visited = 0;
    }
  }
}

void QLearning::trace(const Trace& newest, const StepResult& result, const Row* next,
                      Traces& traces) {
  const Row& now = newest.state->second;
  if (!traces.empty() && now.values()[newest.action] < highest(now.values()) - kTie) {
    traces.clear();  // What follows is not what the greedy policy would have met.
  }
  std::erase_if(traces, [&](const Trace& each) {
    return each.state == newest.state && each.action == newest.action &&
           each.estimate == newest.estimate;
  });
  if (!traces.empty()) {
    pass_on(traces, newest, result.reward, next);
  }
  traces.push_back(newest);
  const bool ended = result.terminated || result.truncated;
  const double decay = ended ? 0.0 : options_.discount * options_.trace_decay;
  for (Trace& each : traces) {
    each.eligibility *= decay;
  }
  std::erase_if(traces, [](const Trace& each) { return each.eligibility < kLeastTrace; });
}

void QLearning::pass_on(const Traces& traces, const Trace& newest, double reward, const Row* next) {
  // What was moved towards another estimate's value is corrected by that one's error.
  std::array<double, 2> errors{};
  const auto& estimates = newest.state->second.estimates;
  for (std::size_t i = 0; i < estimates.size(); ++i) {
    errors[i] = target(reward, next, i) - estimates[evaluator(i)].values[newest.action];
  }
  for (const Trace& each : traces) {
    Row& row = each.state->second;
    row.add(
        each.estimate, each.action,
        rate(row.estimates[each.estimate], each.action) * each.eligibility * errors[each.estimate]);
  }
}

void QLearning::spread_fines(Row& row, ActionId action, const std::vector<RewardTerm>& terms) {
  double for_latency = 0.0;
  double for_cost = 0.0;
  for (const auto& term : terms) {
    const BudgetRule* const rule = rule_of_term(term.name);
    if (rule != nullptr && rule->kind == BudgetId::Kind::kLatency) {
      for_latency -= term.value;
    } else if (rule != nullptr && !rule->is_applications) {
      for_cost -= term.value;
    }
  }
  spread(row, slower_[action], for_latency);
  spread(row, costlier_[action], for_cost);
}

double QLearning::rate(const QTable::Estimate& estimate, ActionId action) const {
  // The optimistic value counts as a visit: one unlucky period doesn't rule a good action out.
  return std::max(options_.learning_rate, 1.0 / static_cast<double>(estimate.visits[action] + 1));
}

void QLearning::spread(Row& row, const std::vector<ActionId>& worse, double fine) {
  if (fine <= 0.0) {
    return;
  }
  auto& lacking = table_.learned().lacking;
  for (const ActionId other : worse) {
    if (fine > lacking[other]) {
      lacking[other] += kLackingRate * (fine - lacking[other]);
    }
    const double hoped = table_.optimistic_value(other) - fine;
    for (std::size_t i = 0; i < row.estimates.size(); ++i) {
      const double above = row.estimates[i].values[other] - hoped;
      if (above > 0.0) {
        row.add(i, other, -rate(row.estimates[i], other) * above);
      }
    }
  }
}

void QLearning::archive(Archive& archive) {
  archive_header(archive, table_.kind(), problem_, LearnedOf::kRewards, [this](Archive& options) {
    options.same("discount", options_.discount);
    options.same("estimates", options_.double_q ? 2 : 1);
    options.same("bins", table_.states().describe());
  });
  archive.keep(random_, detector_);
  archive.random("random", random_);
  archive.part("policy", table_);
  archive.part("change", detector_);
}

}  // namespace rein
