#include "agent/oracle/best_static.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>
#include <utility>

#include "agent/loop/budget_tally.hpp"
#include "agent/loop/run_summary.hpp"

namespace rein {

namespace {

/// Violation rates that are closer than this are equal: a tenth of a percent.
constexpr double kTied = 0.001;
constexpr double kSumRounding = 1e-9;
/// Periods of the first look at each action.
constexpr std::uint64_t kLook = 10;
constexpr std::uint64_t kAll = std::numeric_limits<std::uint64_t>::max();

}  // namespace

StaticSearch::StaticSearch(Environment& environment, const Objective& objective,
                           std::function<bool()> stop)
    : environment_(environment),
      objective_(objective),
      stop_(std::move(stop)),
      power_(environment.signals()) {}

std::vector<StaticScore> StaticSearch::run(std::uint64_t seed) {
  played_.clear();
  periods_ = requests_ = 0.0;
  for (const ActionId action : order(seed)) {
    if (stop_()) {
      break;
    }
    if (earns_less_than_the_best(action)) {
      continue;
    }
    if (const auto score = play(action, seed, kAll)) {
      played_.push_back(*score);
      sort(played_);
    }
  }
  return std::exchange(played_, {});
}

std::vector<ActionId> StaticSearch::order(std::uint64_t seed) {
  std::vector<StaticScore> looks;
  for (ActionId action = 0; action < environment_.action_space().size(); ++action) {
    looks.push_back(*play(action, seed, kLook));
  }
  sort(looks);
  std::vector<ActionId> actions;
  std::ranges::transform(looks, std::back_inserter(actions), &StaticScore::action);
  return actions;
}

std::optional<StaticScore> StaticSearch::play(ActionId action, std::uint64_t seed,
                                              std::uint64_t periods) {
  Statistics statistics;
  BudgetTally tally;
  environment_.reset(seed);
  const Action levels = environment_.action_space().decode(action);
  bool ended = false;
  double period = 0.0;
  for (; !ended && static_cast<std::uint64_t>(period) < periods; period += 1.0) {
    const StepResult& result = environment_.step(levels);
    statistics.add(result, power_.value(result.info, PowerSignal::kMachine),
                   power_.value(result.info, PowerSignal::kOurs));
    tally.add(result.info);
    ended = result.terminated || result.truncated;
    const double requests = static_cast<double>(statistics.requests());
    if (!played_.empty() && tally.least_worst_rate(std::max(0.0, periods_ - period),
                                                   std::max(0.0, requests_ - requests)) >
                                played_.front().violation + kTied) {
      return std::nullopt;
    }
  }
  if (ended) {
    periods_ = std::max(periods_, period);
    requests_ = std::max(requests_, static_cast<double>(statistics.requests()));
  }
  return StaticScore{.action = action,
                     .violation = tally.worst_rate(),
                     .objective = statistics.objective(objective_),
                     .power_w = statistics.power_w()};
}

double StaticSearch::bound_of(ActionId action) const {
  return environment_.reward_bound(environment_.action_space().decode(action));
}

bool StaticSearch::earns_less_than_the_best(ActionId action) const {
  return !played_.empty() && played_.front().violation <= kTied &&
         bound_of(action) < bound_of(played_.front().action) - kSumRounding;
}

void StaticSearch::sort(std::vector<StaticScore>& scores) const {
  const double least = std::ranges::min(scores, {}, &StaticScore::violation).violation;
  const auto rank = [&](const StaticScore& score) {
    const double none = std::numeric_limits<double>::infinity();
    const double value = score.objective.value_or(none);
    const double cost =
        objective_.kind == Objective::Kind::kMaxAccuracy && score.objective ? -value : value;
    return std::tuple(score.violation <= least + kTied ? 0.0 : score.violation,
                      std::round(cost / kSumRounding), score.power_w.value_or(0.0), score.action);
  };
  std::ranges::sort(scores, {}, rank);
}

}  // namespace rein
