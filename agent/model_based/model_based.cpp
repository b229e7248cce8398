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
      reader_(problem_.observations),
      model_(std::make_unique<ResponseModel>(
          problem_, ResponseModel::Prior::of_knobs(problem_, options_.planner), options_.planner)),
      actions_a_level_(problem_.actions.size() / problem_.actions.knobs().front().levels.size()),
      margins_(first_margins()) {
  problem_.task.top1.resize(problem_.actions.knobs().front().levels.size(), 1.0);
  const auto [lowest, highest] = std::ranges::minmax(problem_.task.top1);
  lowest_top1_ = lowest;
  range_top1_ = std::max(1e-9, highest - lowest);
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

double ModelBased::objective(ActionId action, double power_w, const Situation& now) const {
  const Objective& objective = problem_.task.objective;
  switch (objective.kind) {
    case Objective::Kind::kMinEnergy:
      return 1.0 - power_w / now.rate_hz * 1e3 / objective.reference;
    case Objective::Kind::kMinPower:
      return 1.0 - power_w / objective.reference;
    case Objective::Kind::kMinLatency:
      return 1.0 - forecasts_[action].service_ms() / now.deadline_ms.value_or(1e3);
    case Objective::Kind::kMaxAccuracy:
      break;
  }
  // Of actions that are equally accurate the fastest is the least disturbed by what comes.
  return (top1_of(action) - lowest_top1_) / range_top1_ -
         options_.planner.haste *
             std::min(1.0, forecasts_[action].service_ms() / now.deadline_ms.value_or(1e3));
}

double ModelBased::fine_for_power(const Estimate& power_w, double limit_w) const {
  const double limit = limit_w * (1.0 - margins_.power);
  const double spread = std::sqrt(power_w.variance) + options_.planner.least_spread * limit_w;
  const double chance = 0.5 * std::erfc((limit - power_w.mean) / spread / std::numbers::sqrt2);
  return options_.power_price * expected_excess(power_w, limit) / limit_w +
         options_.planner.broken_price * chance;
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
    value -= fine_for_power(power_w, *now.energy_limit_mj * 1e-3 * now.rate_hz);
  }
  if (now.min_top1) {
    value -= options_.planner.accuracy_price * std::max(0.0, *now.min_top1 - top1_of(action)) /
             range_top1_;
  }
  return value + (action == in_force_ ? options_.inertia : 0.0);
}

ActionId ModelBased::best_known(const Situation& now) const {
  ActionId best = 0;
  double most = -std::numeric_limits<double>::infinity();
  for (ActionId action = 0; action < forecasts_.size(); ++action) {
    const double value = promise(action, now, 0.0) - options_.latency_price *
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
  keeps_power_ = is_expected_to_keep_power(*in_force_, now);
  return *in_force_;
}

bool ModelBased::is_expected_to_keep_power(ActionId action, const Situation& now) const {
  constexpr double kNone = std::numeric_limits<double>::infinity();
  return forecasts_[action].power_w.mean <=
         std::min(now.power_limit_w.value_or(kNone), now.allowance_w.value_or(kNone));
}

void ModelBased::observe(const Transition& transition) {
  if (transition.info == nullptr || transition.info->applications.empty()) {
    return;
  }
  const bool is_own = !in_force_ || transition.action == *in_force_;
  if (!is_own) {  // A shield's, or somebody else's.
    const Situation then = reader_.read(transition.observation);
    model_->forecast(then, forecasts_);
    keeps_power_ = is_expected_to_keep_power(transition.action, then);
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
    const bool is_held_down = knobs[i].effect == Knob::Effect::kFaster && !granted[i].refused &&
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
    const ServiceReport& service = info.applications.front().service;
    const double may_miss =
        reader_.read(transition.observation).miss_rate * static_cast<double>(service.requests());
    margins_.miss *=
        std::exp(planner.miss_step * (may_miss - static_cast<double>(service.missed())));
    margins_.miss = std::clamp(margins_.miss, planner.miss_margin_least, planner.miss_margin_most);
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
  const PlannerOptions& planner = options_.planner;
  const Margins margins{.miss = margins_node.at("miss").number(
                            {.min = planner.miss_margin_least, .max = planner.miss_margin_most}),
                        .power = margins_node.at("power").number(
                            {.min = planner.power_margin_least, .max = planner.power_margin_most})};
  margins_node.reject_unknown();
  std::optional<ActionId> in_force;
  if (!node.at("in_force").is_null()) {
    in_force = load_index(node.at("in_force"), problem_.actions.size() - 1);
  }
  const bool keeps_power = node.at("keeps_power").boolean();
  const bool explored = node.at("explored").boolean();
  auto model = ResponseModel::from_json(node.at("model"), problem_, options_.planner);
  node.reject_unknown();
  margins_ = margins;
  in_force_ = in_force;
  keeps_power_ = keeps_power;
  exploration_ = {.rate = explored ? 1.0 : 0.0, .explored = explored};
  model_ = std::move(model);
}

}  // namespace rein
