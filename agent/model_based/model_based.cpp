#include "agent/model_based/model_based.hpp"

#include <fmt/format.h>

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

/// Of a budget, which what tunes the planner is meant for.
constexpr double kUsualPrice = 4.0;
constexpr double kRounding = 1e-9;
/// Share of requests that are missed beyond which it is of no use to hurry.
constexpr double kHopeless = 0.5;
/// Of a battery's allowance that a period may take beyond it, about.
constexpr double kMostOverspent = 10.0;
/// Weight of the newest period in the share of those in which conditions change.
constexpr double kChangeRate = 0.05;
/// By so much more is a trial wanted that has begun.
constexpr double kUnderWay = 2.0;

/// The mean of what a normal variable has above a limit.
double expected_excess(const Estimate& estimate, double limit) {
  const double spread = std::sqrt(std::max(estimate.variance, 1e-12));
  const double z = (estimate.mean - limit) / spread;
  const double density = std::exp(-0.5 * z * z) / std::sqrt(2.0 * std::numbers::pi);
  const double chance = 0.5 * std::erfc(-z / std::numbers::sqrt2);
  return spread * density + (estimate.mean - limit) * chance;
}

double least_power_w(const std::vector<Forecast>& forecasts, PowerSignal signal) {
  double least = std::numeric_limits<double>::infinity();
  for (const auto& forecast : forecasts) {
    least = std::min(least, forecast.power(signal).mean);
  }
  return std::max(least, 1e-9);
}

/// By how much more is hoped for where budgets have been broken for so many periods: what is asked
/// for can be kept, as a rule, with something that nobody has thought of.
double despair(double broken) {
  constexpr double kPatient = 20.0;
  constexpr double kGrowth = 0.1;
  constexpr double kMost = 3.0;
  return std::clamp(1.0 + kGrowth * (broken - kPatient), 1.0, kMost);
}

/// Whether what is forecast of an action keeps the limits on power and energy.
bool keeps_power(const Forecast& forecast, const Situation& now) {
  const auto keeps = [&](PowerSignal signal, const std::optional<double>& limit_w) {
    return !limit_w || forecast.power(signal).mean <= *limit_w;
  };
  return keeps(now.power_signal, now.power_limit_w) && keeps(now.energy_signal, now.allowance_w);
}

}  // namespace

ModelBasedPolicy::Options ModelBasedPolicy::Options::from_yaml(const ConfigNode& node) {
  Options options;
  options.steepness = node.number_or("steepness", options.steepness, Range::positive());
  options.optimism = node.number_or("optimism", options.optimism, {.min = 0.0, .max = 10.0});
  options.patience = node.number_or("patience", options.patience, {.min = 0.0, .max = 1e4});
  options.worth_trying = node.number_or("worth_trying", options.worth_trying, Range::share());
  options.trial_periods = static_cast<std::size_t>(
      node.integer_or("trial_periods", static_cast<std::int64_t>(options.trial_periods),
                      {.min = 1.0, .max = 1000.0}));
  options.trial_budget =
      node.number_or("trial_budget", options.trial_budget, {.min = 0.0, .max = 1e4});
  options.trial_income =
      node.number_or("trial_income", options.trial_income, {.min = 0.0, .max = 100.0});
  options.inertia = node.number_or("inertia", options.inertia, Range::share());
  if (node.has("planner")) {
    options.planner = PlannerOptions::from_yaml(node.at("planner"));
  }
  return options;
}

ModelBasedPolicy::ModelBasedPolicy(const Options& options, Problem problem)
    : options_(options),
      problem_(std::move(problem)),
      top1_(problem_.actions.size(), 1.0),
      model_(std::make_unique<ResponseModel>(
          problem_, ResponseModel::Prior::of_knobs(problem_, options_.planner), options_.planner)),
      margins_(first_margins()) {
  if (const auto width = problem_.actions.find(Knob::Kind::kWidth, kManagedApplication)) {
    problem_.task.top1.resize(problem_.actions.knobs()[*width].levels.size(), 1.0);
    for (ActionId action = 0; action < top1_.size(); ++action) {
      top1_[action] = problem_.task.top1[problem_.actions.decode(action)[*width]];
    }
  }
  const auto [lowest, highest] = std::ranges::minmax(top1_);
  lowest_top1_ = lowest;
  highest_top1_ = highest;
  for (const double top1 : top1_) {
    accuracy_bounds_.push_back(
        worth_bound({.kind = Objective::Kind::kMaxAccuracy}, top1, lowest, highest));
  }
}

std::unique_ptr<Session> ModelBasedPolicy::begin_episode(Random& random) const {
  auto now = std::make_unique<Now>(random, *model_, margins_);
  now->model.begin_episode();
  now->tried.assign(problem_.actions.size(), 0);
  now->may_lose = options_.trial_budget;
  now->expected.interval_s = 1.0;
  now->expected.applications = {{.requests = 1.0,
                                 .accuracy_lowest = lowest_top1_,
                                 .accuracy_highest = highest_top1_,
                                 .latency_mean_ms = std::nullopt}};
  return now;
}

double ModelBasedPolicy::fine(const BudgetInForce& budget, const PeriodFacts& expected,
                              const Task& task, const Estimate& power_w,
                              const Margins& margins) const {
  if (budget.rule->kind == BudgetId::Kind::kLatency) {
    return 0.0;  // Misses count without a budget, too.
  }
  const auto value = budget.rule->value(expected, task, budget.application);
  if (!value) {
    return 0.0;
  }
  const double price = price_of(budget.rule->kind, task);
  const double broken =
      options_.planner.broken_price * task.prices[budget.rule->kind] / kUsualPrice;
  if (budget.rule->is_floor) {
    const double excess = budget.excess(expected, *value);
    return excess > kRounding ? broken + price * std::min(1.0, excess) : 0.0;
  }
  const double share = power_w.mean > 0.0 ? *value / power_w.mean : 0.0;
  const double variance = power_w.variance * share * share;
  const double within = budget.limit * (1.0 - margins.power);
  const double spread = std::sqrt(variance) + options_.planner.least_spread * budget.limit;
  constexpr double kFar = 8.0;  // Beyond it nothing is left that would count.
  if (within - *value > kFar * spread) {
    return 0.0;
  }
  const double chance = 0.5 * std::erfc((within - *value) / spread / std::numbers::sqrt2);
  // What a battery gives too much now has to be saved later.
  const bool is_battery =
      budget.rule->kind == BudgetId::Kind::kEnergy && task.battery_allowance_w.has_value();
  const double most = is_battery ? kMostOverspent : 1.0;
  return price * std::min(most, expected_excess({*value, variance}, within) / budget.limit) +
         broken * chance;
}

double ModelBasedPolicy::fine_for_heat(const BudgetInForce& budget, const Forecast& forecast,
                                       const Task& task, const Hope* hope,
                                       const Margins& margins) const {
  if (!forecast.heat_c) {
    return 0.0;
  }
  constexpr double kViolationK = 10.0;  // As worth() has it.
  const double within_c = budget.limit - margins.heat_k;
  double sum = 0.0;
  for (std::size_t i = 0; i < forecast.heat_c->size(); ++i) {
    const Estimate& heat_c = hope != nullptr ? hope->heat_c[i] : (*forecast.heat_c)[i];
    const double spread_k = std::sqrt(heat_c.variance + 0.01);
    const double chance =
        0.5 * std::erfc((within_c - heat_c.mean) / spread_k / std::numbers::sqrt2);
    sum += price_of(budget.rule->kind, task) *
               std::min(1.0, expected_excess(heat_c, within_c) / kViolationK) +
           options_.planner.broken_price * chance * task.prices[budget.rule->kind] / kUsualPrice;
  }
  return sum / static_cast<double>(forecast.heat_c->size());
}

const PeriodFacts& ModelBasedPolicy::expect(ActionId action, const Asked& asked, const Hope* hope,
                                            Now& now) const {
  const Forecast& forecast = now.forecasts[action];
  ApplicationFacts& application = now.expected.applications[kManagedApplication];
  application.served =
      asked.now.is_closed_loop ? 1e3 / forecast.service_ms() : asked.pace * asked.now.rate_hz;
  application.missed = hope != nullptr ? hope->miss : forecast.miss;
  application.accuracy_top1 = top1_[action];
  application.latency_mean_ms = forecast.service_ms();
  for (const PowerSignal signal : problem_.task.power_signals) {
    now.expected.power(signal) =
        (hope != nullptr ? hope->power(signal) : forecast.power(signal)).mean;
  }
  return now.expected;
}

double ModelBasedPolicy::promise_but_for_misses(ActionId action, const Asked& asked,
                                                const Hope* hope, Now& now) const {
  const Forecast& forecast = now.forecasts[action];
  const PeriodFacts& expected = expect(action, asked, hope, now);
  const Situation& situation = asked.now;
  const ApplicationFacts& application = expected.applications[kManagedApplication];
  double value = objective_value(expected, asked.task);
  const Objective::Kind objective = asked.task.objective.kind;
  if (objective == Objective::Kind::kMaxAccuracy ||
      (objective == Objective::Kind::kMinLatency && !situation.deadline_ms)) {
    // Of actions that are equally good the fastest is the least disturbed by what comes.
    value -= options_.planner.haste *
             std::min(1.0, *application.latency_mean_ms / situation.deadline_ms.value_or(1e3));
  }
  if (situation.deadline_ms && application.missed > 0.5) {
    // Misses alone do not tell actions apart of which all are late: lateness does.
    value -= std::max(0.0, forecast.log_service.mean - std::log(*situation.deadline_ms));
  }
  for (const BudgetInForce& budget : asked.budgets) {
    const PowerSignal signal = budget.rule->kind == BudgetId::Kind::kPower
                                   ? situation.power_signal
                                   : situation.energy_signal;
    value -=
        budget.rule->kind == BudgetId::Kind::kTemperature
            ? fine_for_heat(budget, forecast, asked.task, hope, now.margins)
            : fine(budget, expected, asked.task,
                   hope != nullptr ? hope->power(signal) : forecast.power(signal), now.margins);
  }
  return value + (action == now.in_force ? options_.inertia : 0.0);
}

double ModelBasedPolicy::promise(ActionId action, const Asked& asked, const Hope* hope,
                                 Now& now) const {
  const double value = promise_but_for_misses(action, asked, hope, now);
  const double missed = now.expected.applications[kManagedApplication].missed;
  return value - cost_of_misses(missed, asked, now);
}

double ModelBasedPolicy::bound_but_for_misses(ActionId action, const Asked& asked,
                                              const Now& now) const {
  if (asked.bounds.empty()) {
    return std::numeric_limits<double>::infinity();
  }
  return asked.bounds[action] + (action == now.in_force ? options_.inertia : 0.0);
}

double ModelBasedPolicy::cost_of_misses(double missed, const Asked& asked, const Now& now) const {
  return asked.price_of_missing * std::max(0.0, missed - asked.now.miss_rate * now.margins.miss);
}

ActionId ModelBasedPolicy::best_known(const Asked& asked, Now& now) const {
  const auto& forecasts = now.forecasts;
  ActionId best = 0;
  double most = -std::numeric_limits<double>::infinity();
  const auto consider = [&](ActionId action) {
    const Forecast& forecast = forecasts[action];
    const double change =
        asked.price_of_miss * forecast.change_miss / options_.planner.change_periods;
    if (bound_but_for_misses(action, asked, now) - cost_of_misses(forecast.miss, asked, now) -
            change <
        most) {
      return;
    }
    const double value = promise(action, asked, nullptr, now) - change;
    if (value > most || (value == most && action < best)) {
      most = value;
      best = action;
    }
  };
  // What was good a period ago spares most of the others.
  consider(now.in_force.value_or(0));
  for (ActionId action = 0; action < forecasts.size(); ++action) {
    consider(action);
  }
  if (now.model.is_held_down()) {
    // More is asked for than is granted, to see when it is let go.
    for (ActionId action = best + 1; action < forecasts.size(); ++action) {
      if (now.model.granted(action) == now.model.granted(best)) {
        return action;
      }
    }
  }
  return best;
}

ActionId ModelBasedPolicy::best_soon(ActionId settled, const Asked& asked, Now& now) const {
  now.model.look_ahead(asked.now, now.forecasts[settled]);
  ActionId best = settled;
  double most = -std::numeric_limits<double>::infinity();
  for (ActionId action = 0; action < now.forecasts.size(); ++action) {
    const double others = asked.price_of_miss * now.model.excess(now.forecasts[action]);
    const double ahead = action == settled ? options_.planner.worth_hurrying : 0.0;
    if (bound_but_for_misses(action, asked, now) - others + ahead < most) {
      continue;
    }
    const double value = promise_but_for_misses(action, asked, nullptr, now) - others + ahead;
    if (value > most) {
      most = value;
      best = action;
    }
  }
  return best;
}

std::optional<ActionId> ModelBasedPolicy::worth_a_trial(ActionId best, const Asked& asked,
                                                        Now& now) const {
  const auto& forecasts = now.forecasts;
  const double most = promise(best, asked, nullptr, now);
  const double optimism = options_.optimism * despair(now.broken);
  // What it tells is of use until conditions change.
  const double patience = std::min(options_.patience, 1.0 / now.change_rate);
  double most_gain = 0.0;
  std::optional<ActionId> chosen;
  double costs = 0.0;
  for (ActionId action = 0; optimism > 0.0 && action < forecasts.size(); ++action) {
    // What is known already tells nothing new.
    if (action == best || now.tried[action] >= options_.trial_periods) {
      continue;
    }
    const double bound = bound_but_for_misses(action, asked, now) - most - options_.worth_trying;
    if (bound <= 0.0) {
      continue;
    }
    const Hope hope = now.model.hope(action, forecasts[action], optimism);
    if (bound <= cost_of_misses(hope.miss, asked, now)) {
      continue;
    }
    const double gain = promise(action, asked, &hope, now) - most - options_.worth_trying;
    if (gain <= 0.0) {
      continue;
    }
    // There, and back again.
    const double changes = 2.0 * asked.price_of_miss * forecasts[action].change_miss;
    const double loss = most - promise(action, asked, nullptr, now) + changes;
    // A request that takes longer than a period cannot be taken back.
    const double longest_ms = std::exp(forecasts[action].log_service.mean +
                                       std::sqrt(forecasts[action].log_service.variance));
    const double periods = std::max(1.0, 1e-3 * longest_ms / problem_.task.period_s);
    const double cost = periods * std::min(loss, asked.most_loss);
    // One that is under way goes on: the period in which an action takes hold tells little.
    const double wanted = now.explored && action == now.in_force ? kUnderWay * gain : gain;
    if (wanted > most_gain && periods * loss < patience * gain && cost <= now.may_lose) {
      most_gain = wanted;
      chosen = action;
      costs = cost;
    }
  }
  if (chosen) {
    ++now.tried[*chosen];
    now.may_lose -= costs;
  }
  return chosen;
}

Decision ModelBasedPolicy::decide(const View& view, Session& session) const {
  auto& now = session.as<Now>();
  if (view.last != nullptr && !view.last->result.info.applications.empty()) {
    follow(*view.last, now);
  }
  Asked asked{view.task, Situation::of(view.task), {}};
  asked.pace = now.model.pace();
  find_budgets(view.task, asked.budgets);
  asked.most_loss = 1.0 + view.task.prices[BudgetId::Kind::kLatency];
  asked.price_of_missing = now.presence * price_of(BudgetId::Kind::kLatency, view.task);
  asked.price_of_miss =
      asked.price_of_missing / std::max(1.0, asked.now.rate_hz * problem_.task.period_s);
  if (view.task.objective.kind == Objective::Kind::kMaxAccuracy) {
    asked.bounds = accuracy_bounds_;
  }
  now.model.forecast(asked.now, now.margins.stretch, now.forecasts);
  for (auto& budget : asked.budgets) {
    if (budget.is_used_up()) {
      budget.limit =
          options_.planner.empty_battery * least_power_w(now.forecasts, asked.now.energy_signal);
    }
  }
  const ActionId settled = best_known(asked, now);
  // Where even the best misses most of them nothing that is done soon helps.
  const bool hurries = now.model.is_behind() && now.forecasts[settled].miss < kHopeless;
  const ActionId best = hurries ? best_soon(settled, asked, now) : settled;
  // Whatever is done under conditions that nothing is known of yet tells of all other actions too.
  if (now.model.has_changed()) {
    std::ranges::fill(now.tried, 0);
  }
  now.change_rate += kChangeRate * ((now.model.has_changed() ? 1.0 : 0.0) - now.change_rate);
  now.may_lose = std::min(options_.trial_budget, now.may_lose + options_.trial_income);
  const bool is_ready = now.model.stayed() > 0 && !now.model.is_restless() && !hurries;
  const auto trial = is_ready ? worth_a_trial(best, asked, now) : std::nullopt;
  now.in_force = trial.value_or(best);
  now.explored = trial.has_value();
  now.keeps_power = keeps_power(now.forecasts[*now.in_force], asked.now);
  now.foreseen =
      now.in_force == settled ? std::optional(now.forecasts[settled].miss) : std::nullopt;
  return {.action = problem_.actions.decode(*now.in_force),
          .exploration = now.explored ? 1.0 : 0.0,
          .explored = now.explored};
}

void ModelBasedPolicy::follow(const PeriodRecord& record, Now& now) const {
  const StepInfo& info = record.result.info;
  const ActionId action = problem_.actions.encode(record.action);
  const bool is_own = !now.in_force || action == *now.in_force;
  if (!is_own) {  // A shield's, or somebody else's.
    const Situation then = Situation::of(info.task);
    now.model.forecast(then, now.margins.stretch, now.forecasts);
    now.keeps_power = keeps_power(now.forecasts[action], then);
  }
  now.in_force = setting_after(record);
  const auto widened = now.model.widened();
  now.model.observe(info, action);
  if (now.model.widened() > widened) {
    now.notes.push_back(fmt::format(
        "{}: what was known beforehand does not fit this machine, and counts for less from now on",
        kind()));
  }
  adapt(info, is_own, now);
}

ActionId ModelBasedPolicy::setting_after(const PeriodRecord& record) const {
  const auto& granted = record.result.info.granted;
  const auto& knobs = problem_.actions.knobs();
  if (granted.size() != knobs.size()) {
    return problem_.actions.encode(record.action);
  }
  Action levels = record.action;
  for (std::size_t i = 0; i < knobs.size(); ++i) {
    const bool is_held_down = knobs[i].effect() == Knob::Effect::kFaster && !granted[i].refused &&
                              granted[i].level < levels[i];
    levels[i] = is_held_down ? levels[i] : granted[i].level;
  }
  return problem_.actions.encode(levels);
}

void ModelBasedPolicy::adapt(const StepInfo& info, bool is_own, Now& now) const {
  const bool exceeded = std::ranges::any_of(info.budgets, [](const BudgetStatus& status) {
    return status.exceeded &&
           (status.id.kind == BudgetId::Kind::kPower || status.id.kind == BudgetId::Kind::kEnergy);
  });
  // Where nothing keeps the limit a wider margin doesn't help.
  const double surplus = (exceeded && now.keeps_power ? 1.0 : 0.0) - options_.planner.power_rate;
  const PlannerOptions& planner = options_.planner;
  now.margins.power = std::clamp(now.margins.power + planner.power_step * surplus,
                                 planner.power_margin_least, planner.power_margin_most);

  const bool is_hot = std::ranges::any_of(info.budgets, [](const BudgetStatus& status) {
    return status.exceeded && status.id.kind == BudgetId::Kind::kTemperature;
  });
  now.margins.heat_k = std::clamp(
      now.margins.heat_k + planner.heat_step * ((is_hot ? 1.0 : 0.0) - planner.power_rate),
      planner.heat_margin_least, planner.heat_margin_most);
  const bool is_broken = std::ranges::any_of(info.budgets, &BudgetStatus::exceeded);
  now.broken = is_broken ? now.broken + 1.0 : 0.5 * now.broken;
  const bool has_requests = managed_service(info).requests() > 0;
  now.presence += planner.presence_rate * ((has_requests ? 1.0 : 0.0) - now.presence);

  if (is_own && static_cast<double>(now.model.stayed()) > planner.settled_periods &&
      !now.explored) {
    const ServiceReport& service = managed_service(info);
    const double may_miss =
        Situation::of(info.task).miss_rate * static_cast<double>(service.requests());
    now.margins.miss *=
        std::exp(planner.miss_step * (may_miss - static_cast<double>(service.missed())));
    if (now.foreseen) {
      calibrate(static_cast<double>(service.requests()), static_cast<double>(service.missed()),
                *now.foreseen, now.margins);
    }
    now.margins.miss =
        std::clamp(now.margins.miss, planner.miss_margin_least, planner.miss_margin_most);
  }
}

void ModelBasedPolicy::calibrate(double requests, double missed, double foreseen,
                                 Margins& margins) const {
  const PlannerOptions& planner = options_.planner;
  const double more = missed - requests * foreseen;
  margins.unforeseen = planner.stretch_kept * margins.unforeseen + more;
  margins.by_chance =
      planner.stretch_kept * margins.by_chance + requests * foreseen * (1.0 - foreseen);
  if (margins.unforeseen > 1.0 + 2.0 * std::sqrt(margins.by_chance + 0.25)) {
    margins.stretch += planner.stretch_step * std::max(0.0, more) / std::max(1.0, requests);
  } else {
    margins.stretch *= planner.stretch_kept;
  }
  margins.stretch = std::clamp(margins.stretch, 0.0, planner.stretch_most);
}

void ModelBasedPolicy::begin_with(ResponseModel::Prior prior) {
  model_ = std::make_unique<ResponseModel>(problem_, std::move(prior), options_.planner);
  margins_ = first_margins();
}

void ModelBasedPolicy::take(const Now& now) {
  model_ = std::make_unique<ResponseModel>(now.model);
  model_->begin_episode();
  margins_ = now.margins;
}

std::string ModelBasedPolicy::parameters() const {
  std::string text = fmt::format(
      "steepness {}, optimism {}, patience {}, worth_trying {}, trials {} {} {}, inertia {}",
      options_.steepness, options_.optimism, options_.patience, options_.worth_trying,
      options_.trial_periods, options_.trial_budget, options_.trial_income, options_.inertia);
  // What comes, and waits, is part of what a plan is for.
  const TaskDescription& task = problem_.task;
  text +=
      fmt::format(", {} arrivals, {} may wait{}", kArrivals[static_cast<std::size_t>(task.arrival)],
                  task.queue_limit, task.drop_expired ? " until they expire" : "");
  for (const PlannerOption& option : planner_table()) {
    // Others than the usual ones: the table grows.
    if (const double value = options_.planner.*option.value; value != option.standard) {
      text += fmt::format(", {} {}", option.name, value);
    }
  }
  return text;
}

void ModelBasedPolicy::archive(Archive& archive) {
  archive.keep(margins_);
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
    margins.number("heat_k", margins_.heat_k,
                   {.min = planner.heat_margin_least, .max = planner.heat_margin_most});
    margins.number("stretch", margins_.stretch, {.min = 0.0, .max = planner.stretch_most});
    margins.number("unforeseen", margins_.unforeseen);
    margins.number("by_chance", margins_.by_chance);
  });
  archive.part("model", *model_);
}

ModelBased::ModelBased(const Options& options, Problem problem)
    : problem_(problem), policy_(options, std::move(problem)) {}

void ModelBased::end_episode(Session& session) {
  policy_.take(session.as<ModelBasedPolicy::Now>());
  ++updates_;
}

void ModelBased::archive(Archive& archive) {
  archive_header(archive, policy_.kind(), problem_, LearnedOf::kMachine, [this](Archive& options) {
    std::vector<std::string> hints;
    for (const CpuShares& shares : find_cpu_shares(problem_.signals)) {
      hints.push_back(problem_.signals[shares.others].name);
    }
    options.same("hints", hints);
  });
  archive.part("policy", policy_);
}

}  // namespace rein
