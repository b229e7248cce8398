#include "agent/model_based/model_based.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numbers>
#include <utility>

#include "agent/core/checkpoint.hpp"
#include "common/files.hpp"

namespace rein {

namespace {

/// How sure a mean over a budget's window is at best, as a share of the limit.
constexpr double kLeastSpread = 0.004;
/// What a budget that is broken for certain costs, however little it is exceeded.
constexpr double kBroken = 1.5;
/// What a service time as long as the deadline costs where latency is no objective.
constexpr double kHaste = 0.01;
/// Periods over which the requests that a change makes late are spread.
constexpr double kPeriodsPerChange = 50.0;
/// What lacks of an accuracy floor costs, relative to the range of the levels.
constexpr double kAccuracyPrice = 100.0;

// Of the dual ascent.
constexpr double kMissStep = 0.3;  ///< Of the logarithm, for each request.
constexpr Range kMissMargin{.min = 0.1, .max = 1.2};
constexpr double kPowerStep = 0.004;  ///< For each period whose window is over the limit ...
constexpr double kPowerRate = 0.01;   ///< ... until they are this share.
constexpr Range kPowerMargin{.min = 0.006, .max = 0.06};
/// Periods after a change of conditions whose misses say nothing of the margin.
constexpr std::size_t kSettled = 5;

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
  return options;
}

ModelBased::ModelBased(const Options& options, Problem problem)
    : options_(options),
      problem_(std::move(problem)),
      reader_(problem_.observations, problem_.task.arrival),
      model_(std::make_unique<ResponseModel>(problem_, ResponseModel::Prior::of_knobs(problem_))),
      actions_a_level_(problem_.actions.size() / problem_.actions.knobs().front().levels.size()) {
  problem_.task.top1.resize(problem_.actions.knobs().front().levels.size(), 1.0);
  const auto [lowest, highest] = std::ranges::minmax(problem_.task.top1);
  lowest_top1_ = lowest;
  range_top1_ = std::max(1e-9, highest - lowest);
}

void ModelBased::learn(ResponseModel::Prior prior) {
  model_ = std::make_unique<ResponseModel>(problem_, std::move(prior));
  margins_ = {};
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

double ModelBased::objective(ActionId action, double power_w, const Situation& now) const {
  const Objective& objective = problem_.task.objective;
  switch (objective.kind) {
    case Objective::Kind::kMinEnergy:
      return 1.0 - power_w / rate_hz(action, now) * 1e3 / objective.reference;
    case Objective::Kind::kMinPower:
      return 1.0 - power_w / objective.reference;
    case Objective::Kind::kMinLatency:
      return 1.0 - forecasts_[action].service_ms() / now.deadline_ms.value_or(1e3);
    case Objective::Kind::kMaxAccuracy:
      break;
  }
  // Of actions that are equally accurate the fastest is the least disturbed by what comes.
  return (top1_of(action) - lowest_top1_) / range_top1_ -
         kHaste * std::min(1.0, forecasts_[action].service_ms() / now.deadline_ms.value_or(1e3));
}

double ModelBased::fine_for_power(const Estimate& power_w, double limit_w) const {
  const double limit = limit_w * (1.0 - margins_.power);
  const double spread = std::sqrt(power_w.variance) + kLeastSpread * limit_w;
  const double chance = 0.5 * std::erfc((limit - power_w.mean) / spread / std::numbers::sqrt2);
  return options_.power_price * expected_excess(power_w, limit) / limit_w + kBroken * chance;
}

double ModelBased::promise(ActionId action, const Situation& now, double optimism) const {
  const Forecast& forecast = forecasts_[action];
  Estimate power_w = forecast.power_w;
  double miss = forecast.miss;
  if (optimism > 0.0) {
    power_w.mean -= optimism * std::sqrt(power_w.variance);
    power_w.variance = 0.0;
    miss = forecast.hoped_miss;
  }
  double value = objective(action, power_w.mean, now);
  value -= options_.latency_price * std::max(0.0, miss - now.miss_rate * margins_.miss);
  if (now.deadline_ms && miss > 0.5) {
    // Misses alone do not tell actions apart of which all are late: lateness does.
    value -= std::max(0.0, forecast.log_service.mean - std::log(*now.deadline_ms));
  }
  if (now.power_limit_w) {
    value -= fine_for_power(power_w, *now.power_limit_w);
  }
  if (now.allowance_w) {
    value -= fine_for_power(power_w, *now.allowance_w);
  }
  if (now.energy_limit_mj) {
    value -= fine_for_power(power_w, *now.energy_limit_mj * 1e-3 * rate_hz(action, now));
  }
  if (now.min_top1) {
    value -= kAccuracyPrice * std::max(0.0, *now.min_top1 - top1_of(action)) / range_top1_;
  }
  return value + (action == in_force_ ? options_.inertia : 0.0);
}

ActionId ModelBased::best_known(const Situation& now) const {
  ActionId best = 0;
  double most = -std::numeric_limits<double>::infinity();
  for (ActionId action = 0; action < forecasts_.size(); ++action) {
    const double value = promise(action, now, 0.0) - options_.latency_price *
                                                         forecasts_[action].change_miss /
                                                         kPeriodsPerChange;
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

std::optional<ActionId> ModelBased::worth_a_trial(ActionId best, const Situation& now) const {
  const double most = promise(best, now, 0.0);
  double most_gain = 0.0;
  std::optional<ActionId> chosen;
  for (ActionId action = 0; options_.optimism > 0.0 && action < forecasts_.size(); ++action) {
    const double gain = promise(action, now, options_.optimism) - most - options_.worth_trying;
    // There, and back again.
    const double changes = 2.0 * options_.latency_price * forecasts_[action].change_miss;
    const double loss = most - promise(action, now, 0.0) + changes;
    if (gain > most_gain && loss < options_.patience * gain) {
      most_gain = gain;
      chosen = action;
    }
  }
  return chosen;
}

ActionId ModelBased::act(const Observation& observation) {
  const Situation now = reader_.read(observation);
  model_->forecast(now, forecasts_);
  const ActionId best = best_known(now);
  // Whatever is done under conditions that nothing is known of yet tells of all other actions too.
  const bool is_ready = model_->stayed() > 0 && !model_->is_restless() && !model_->is_behind();
  const auto trial = is_ready ? worth_a_trial(best, now) : std::nullopt;
  exploration_ = {.rate = trial ? 1.0 : 0.0, .explored = trial.has_value()};
  in_force_ = trial.value_or(best);
  const double limit_w =
      std::min(now.power_limit_w.value_or(std::numeric_limits<double>::infinity()),
               now.allowance_w.value_or(std::numeric_limits<double>::infinity()));
  keeps_power_ = forecasts_[*in_force_].power_w.mean <= limit_w;
  return *in_force_;
}

void ModelBased::observe(const Transition& transition) {
  if (transition.info == nullptr || transition.info->applications.empty()) {
    return;
  }
  model_->observe(*transition.info, transition.action);
  adapt(transition);
}

void ModelBased::adapt(const Transition& transition) {
  const StepInfo& info = *transition.info;
  const bool exceeded = std::ranges::any_of(info.budgets, [](const BudgetStatus& status) {
    return status.exceeded &&
           (status.id.kind == BudgetId::Kind::kPower || status.id.kind == BudgetId::Kind::kEnergy);
  });
  // Where nothing keeps the limit a wider margin doesn't help.
  const double surplus = (exceeded && keeps_power_ ? 1.0 : 0.0) - kPowerRate;
  margins_.power =
      std::clamp(margins_.power + kPowerStep * surplus, kPowerMargin.min, kPowerMargin.max);

  if (model_->stayed() > kSettled && !exploration_.explored) {
    const ServiceReport& service = info.applications.front().service;
    const double may_miss =
        reader_.read(transition.observation).miss_rate * static_cast<double>(service.requests());
    margins_.miss *= std::exp(kMissStep * (may_miss - static_cast<double>(service.missed())));
    margins_.miss = std::clamp(margins_.miss, kMissMargin.min, kMissMargin.max);
  }
}

void ModelBased::save(const std::filesystem::path& file) const {
  auto json = checkpoint_header(kind(), problem_);
  json["margins"] = {{"miss", margins_.miss}, {"power", margins_.power}};
  json["in_force"] = in_force_ ? nlohmann::ordered_json(*in_force_) : nullptr;
  json["keeps_power"] = keeps_power_;
  json["explored"] = exploration_.explored;
  json["model"] = model_->to_json();
  write_file(file, json.dump(1) + "\n");
}

void ModelBased::load(const std::filesystem::path& file) {
  const ConfigNode node = open_checkpoint(file, kind(), problem_);
  const ConfigNode margins_node = node.at("margins");
  const Margins margins{.miss = margins_node.at("miss").number(kMissMargin),
                        .power = margins_node.at("power").number(kPowerMargin)};
  margins_node.reject_unknown();
  std::optional<ActionId> in_force;
  if (!node.at("in_force").is_null()) {
    in_force = load_index(node.at("in_force"), problem_.actions.size() - 1);
  }
  const bool keeps_power = node.at("keeps_power").boolean();
  const bool explored = node.at("explored").boolean();
  auto model = ResponseModel::from_json(node.at("model"), problem_);
  node.reject_unknown();
  margins_ = margins;
  in_force_ = in_force;
  keeps_power_ = keeps_power;
  exploration_ = {.rate = explored ? 1.0 : 0.0, .explored = explored};
  model_ = std::move(model);
}

}  // namespace rein
