#include "agent/model_based/model_based.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include "agent/core/checkpoint.hpp"
#include "agent/core/managed_application.hpp"
#include "agent/model_based/others_demand.hpp"

namespace rein {

namespace {

/// The mean of what a normal variable has above a limit.
double expected_excess(const Estimate& estimate, double limit) {
  const double spread = std::sqrt(std::max(estimate.variance, 1e-12));
  const double z = (estimate.mean - limit) / spread;
  const double density = std::exp(-0.5 * z * z) / std::sqrt(2.0 * std::numbers::pi);
  const double chance = 0.5 * std::erfc(-z / std::numbers::sqrt2);
  return spread * density + (estimate.mean - limit) * chance;
}

}  // namespace

ModelBased::Options ModelBased::Options::from_yaml(const ConfigNode& node) {
  Options options;
  options.latency_price = node.number_or("latency_price", options.latency_price, Range::positive());
  options.power_price = node.number_or("power_price", options.power_price, Range::positive());
  options.optimism = node.number_or("optimism", options.optimism, {.min = 0.0, .max = 10.0});
  options.patience = node.number_or("patience", options.patience, {.min = 0.0, .max = 1e4});
  options.worth_trying = node.number_or("worth_trying", options.worth_trying, Range::share());
  options.inertia = node.number_or("inertia", options.inertia, Range::share());
  if (node.has("planner")) {
    options.planner = PlannerOptions::from_yaml(node.at("planner"));
  }
  return options;
}

ModelBased::ModelBased(const Options& options, Problem problem)
    : options_(options),
      problem_(std::move(problem)),
      model_(std::make_unique<ResponseModel>(
          problem_, ResponseModel::Prior::of_knobs(problem_, options_.planner), options_.planner)),
      top1_(problem_.actions.size(), 1.0),
      margins_(first_margins()) {
  if (const auto width = problem_.actions.find(Knob::Kind::kWidth, kManagedApplication)) {
    problem_.task.top1.resize(problem_.actions.knobs()[*width].levels.size(), 1.0);
    for (ActionId action = 0; action < top1_.size(); ++action) {
      top1_[action] = problem_.task.top1[problem_.actions.decode(action)[*width]];
    }
  }
  const auto [lowest, highest] = std::ranges::minmax(top1_);
  lowest_top1_ = lowest;
  range_top1_ = std::max(1e-9, highest - lowest);
  expected_.interval_s = 1.0;
  expected_.applications = {
      {.requests = 1.0, .accuracy_lowest = lowest, .accuracy_highest = highest}};
}

void ModelBased::learn(ResponseModel::Prior prior) {
  model_ = std::make_unique<ResponseModel>(problem_, std::move(prior), options_.planner);
  margins_ = first_margins();
  in_force_.reset();
}

void ModelBased::begin_episode(std::size_t) {
  model_->begin_episode();
  in_force_.reset();
  exploration_ = {};
}

double ModelBased::rate_hz(ActionId action, const Situation& now) const {
  return now.is_closed_loop ? 1e3 / forecasts_[action].service_ms() : now.rate_hz;
}

double ModelBased::fine_for_excess(const Estimate& value, double limit) const {
  const double within = limit * (1.0 - margins_.power);
  const double spread = std::sqrt(value.variance) + options_.planner.least_spread * limit;
  const double chance = 0.5 * std::erfc((within - value.mean) / spread / std::numbers::sqrt2);
  return options_.power_price * expected_excess(value, within) / limit +
         options_.planner.broken_price * chance;
}

double ModelBased::fine(const BudgetInForce& budget, const PeriodFacts& expected, const Task& task,
                        const Estimate& power_w, double optimism) const {
  const auto value = budget.rule->value(expected, task, budget.application);
  if (!value || budget.rule->kind == BudgetId::Kind::kLatency) {
    return 0.0;  // What nothing is known of; misses count without a budget, too.
  }
  if (budget.rule->is_floor) {
    return options_.planner.accuracy_price * std::max(0.0, budget.excess(expected, *value));
  }
  // What is hoped for is hoped for certain.
  const double share = power_w.mean > 0.0 ? *value / power_w.mean : 0.0;
  const double variance = optimism > 0.0 ? 0.0 : power_w.variance * share * share;
  return fine_for_excess({*value, variance}, budget.limit);
}

const PeriodFacts& ModelBased::expect(ActionId action, const Asked& asked, double optimism) const {
  const Forecast& forecast = forecasts_[action];
  ApplicationFacts& application = expected_.applications[kManagedApplication];
  application.served = rate_hz(action, asked.now);
  application.missed = optimism > 0.0 ? forecast.hoped_miss : forecast.miss;
  application.accuracy_top1 = top1_of(action);
  application.latency_mean_ms = forecast.service_ms();
  for (const PowerSignal signal : problem_.task.power_signals) {
    const Estimate& power_w = forecast.power(signal);
    const double hope = optimism > 0.0 ? optimism * std::sqrt(power_w.variance) : 0.0;
    expected_.power(signal) = power_w.mean - hope;
  }
  return expected_;
}

double ModelBased::promise(ActionId action, const Asked& asked, double optimism) const {
  const Forecast& forecast = forecasts_[action];
  const PeriodFacts& expected = expect(action, asked, optimism);
  const Situation& now = asked.now;
  const ApplicationFacts& application = expected.applications[kManagedApplication];
  const double miss = application.missed;
  double value = objective_value(expected, asked.task);
  const Objective::Kind objective = asked.task.objective.kind;
  if (objective == Objective::Kind::kMaxAccuracy ||
      (objective == Objective::Kind::kMinLatency && !now.deadline_ms)) {
    // Of actions that are equally good the fastest is the least disturbed by what comes.
    value -= options_.planner.haste *
             std::min(1.0, *application.latency_mean_ms / now.deadline_ms.value_or(1e3));
  }
  value -= options_.latency_price * std::max(0.0, miss - now.miss_rate * margins_.miss);
  if (now.deadline_ms && miss > 0.5) {
    // Misses alone do not tell actions apart of which all are late: lateness does.
    value -= std::max(0.0, forecast.log_service.mean - std::log(*now.deadline_ms));
  }
  for (const BudgetInForce& budget : asked.budgets) {
    const PowerSignal signal =
        budget.rule->kind == BudgetId::Kind::kPower ? now.power_signal : now.energy_signal;
    value -= fine(budget, expected, asked.task, forecast.power(signal), optimism);
  }
  return value + (action == in_force_ ? options_.inertia : 0.0);
}

ActionId ModelBased::best_known(const Asked& asked) {
  promises_.resize(forecasts_.size());
  ActionId best = 0;
  double most = -std::numeric_limits<double>::infinity();
  for (ActionId action = 0; action < forecasts_.size(); ++action) {
    promises_[action] = promise(action, asked, 0.0);
    const double value = promises_[action] - options_.latency_price *
                                                 forecasts_[action].change_miss /
                                                 options_.planner.change_periods;
    if (value > most) {
      most = value;
      best = action;
    }
  }
  if (model_->is_held_down()) {
    // More is asked for than is granted, to see when it is let go.
    for (ActionId action = best + 1; action < forecasts_.size(); ++action) {
      if (model_->granted(action) == model_->granted(best)) {
        return action;
      }
    }
  }
  return best;
}

std::optional<ActionId> ModelBased::worth_a_trial(ActionId best, const Asked& asked) const {
  const double most = promises_[best];
  double most_gain = 0.0;
  std::optional<ActionId> chosen;
  for (ActionId action = 0; options_.optimism > 0.0 && action < forecasts_.size(); ++action) {
    const double gain = promise(action, asked, options_.optimism) - most - options_.worth_trying;
    // There, and back again.
    const double changes = 2.0 * options_.latency_price * forecasts_[action].change_miss;
    const double loss = most - promises_[action] + changes;
    if (gain > most_gain && loss < options_.patience * gain) {
      most_gain = gain;
      chosen = action;
    }
  }
  return chosen;
}

double ModelBased::least_power_w(PowerSignal signal) const {
  double least = std::numeric_limits<double>::infinity();
  for (const auto& forecast : forecasts_) {
    least = std::min(least, forecast.power(signal).mean);
  }
  return std::max(least, 1e-9);
}

bool ModelBased::keeps_power(ActionId action, const Situation& now) const {
  const auto keeps = [&](PowerSignal signal, const std::optional<double>& limit_w) {
    return !limit_w || forecasts_[action].power(signal).mean <= *limit_w;
  };
  return keeps(now.power_signal, now.power_limit_w) && keeps(now.energy_signal, now.allowance_w);
}

ActionId ModelBased::act(const View& view) {
  Asked asked{view.task, Situation::of(view.task), {}};
  find_budgets(view.task, asked.budgets);
  model_->forecast(asked.now, forecasts_);
  for (auto& budget : asked.budgets) {
    if (budget.is_used_up()) {
      budget.limit = options_.planner.empty_battery * least_power_w(asked.now.energy_signal);
    }
  }
  const ActionId best = best_known(asked);
  // Whatever is done under conditions that nothing is known of yet tells of all other actions too.
  const bool is_ready = model_->stayed() > 0 && !model_->is_restless() && !model_->is_behind();
  const auto trial = is_ready ? worth_a_trial(best, asked) : std::nullopt;
  exploration_ = {.rate = trial ? 1.0 : 0.0, .explored = trial.has_value()};
  in_force_ = trial.value_or(best);
  keeps_power_ = keeps_power(*in_force_, asked.now);
  return *in_force_;
}

void ModelBased::observe(const Transition& transition) {
  if (transition.info == nullptr || transition.info->applications.empty()) {
    return;
  }
  const bool is_own = !in_force_ || transition.action == *in_force_;
  if (!is_own) {  // A shield's, or somebody else's.
    const Situation then = Situation::of(transition.info->task);
    model_->forecast(then, forecasts_);
    keeps_power_ = keeps_power(transition.action, then);
  }
  in_force_ = setting_after(transition);
  model_->observe(*transition.info, transition.action);
  adapt(transition, is_own);
}

ActionId ModelBased::setting_after(const Transition& transition) const {
  const auto& granted = transition.info->granted;
  const auto& knobs = problem_.actions.knobs();
  if (granted.size() != knobs.size()) {
    return transition.action;
  }
  auto levels = problem_.actions.decode(transition.action);
  for (std::size_t i = 0; i < knobs.size(); ++i) {
    const bool is_held_down = knobs[i].effect() == Knob::Effect::kFaster && !granted[i].refused &&
                              granted[i].level < levels[i];
    levels[i] = is_held_down ? levels[i] : granted[i].level;
  }
  return problem_.actions.encode(levels);
}

void ModelBased::adapt(const Transition& transition, bool is_own) {
  const StepInfo& info = *transition.info;
  const bool exceeded = std::ranges::any_of(info.budgets, [](const BudgetStatus& status) {
    return status.exceeded &&
           (status.id.kind == BudgetId::Kind::kPower || status.id.kind == BudgetId::Kind::kEnergy);
  });
  // Where nothing keeps the limit a wider margin doesn't help.
  const double surplus = (exceeded && keeps_power_ ? 1.0 : 0.0) - options_.planner.power_rate;
  const PlannerOptions& planner = options_.planner;
  margins_.power = std::clamp(margins_.power + planner.power_step * surplus,
                              planner.power_margin_least, planner.power_margin_most);

  if (is_own && static_cast<double>(model_->stayed()) > planner.settled_periods &&
      !exploration_.explored) {
    const ServiceReport& service = managed_service(info);
    const double may_miss =
        Situation::of(info.task).miss_rate * static_cast<double>(service.requests());
    margins_.miss *=
        std::exp(planner.miss_step * (may_miss - static_cast<double>(service.missed())));
    margins_.miss = std::clamp(margins_.miss, planner.miss_margin_least, planner.miss_margin_most);
  }
}

void ModelBased::archive(Archive& archive) {
  archive_header(archive, kind(), problem_, LearnedOf::kMachine, [this](Archive& options) {
    std::vector<std::string> hints;
    for (const CpuShares& shares : find_cpu_shares(problem_.signals)) {
      hints.push_back(problem_.signals[shares.others].name);
    }
    options.same("hints", hints);
  });
  archive.keep(margins_, in_force_, keeps_power_, exploration_);
  archive.replace(model_, archive.is_reading()
                              ? std::make_unique<ResponseModel>(problem_, ResponseModel::Prior{},
                                                                options_.planner)
                              : nullptr);
  const PlannerOptions& planner = options_.planner;
  archive.section("margins", [&](Archive& margins) {
    margins.number("miss", margins_.miss,
                   {.min = planner.miss_margin_least, .max = planner.miss_margin_most});
    margins.number("power", margins_.power,
                   {.min = planner.power_margin_least, .max = planner.power_margin_most});
  });
  archive.index("in_force", in_force_, problem_.actions.size());
  archive.flag("keeps_power", keeps_power_);
  archive.flag("explored", exploration_.explored);
  if (archive.is_reading()) {
    exploration_.rate = exploration_.explored ? 1.0 : 0.0;
  }
  archive.part("model", *model_);
}

}  // namespace rein
