#include "agent/dyna.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>

#include "agent/checkpoint.hpp"
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

Dyna::Options Dyna::Options::from_yaml(const ConfigNode& node) {
  Options options;
  options.latency_price = node.number_or("latency_price", options.latency_price, Range::positive());
  options.power_price = node.number_or("power_price", options.power_price, Range::positive());
  options.power_margin = node.number_or("power_margin", options.power_margin, Range::share());
  options.miss_margin = node.number_or("miss_margin", options.miss_margin, Range::share());
  options.prior = node.has("prior") ? node.at("prior").text() : "";
  options.optimism = node.number_or("optimism", options.optimism, {.min = 0, .max = 10});
  options.worth_trying =
      node.number_or("worth_trying", options.worth_trying, {.min = 0, .max = 10});
  options.patience = node.number_or("patience", options.patience, {.min = 0, .max = 10000});
  options.stay = node.number_or("stay", options.stay, Range::share());
  return options;
}

Dyna::Dyna(const Options& options, Problem problem, Random& random)
    : options_(options),
      problem_(std::move(problem)),
      random_(random),
      reader_(problem_.observations),
      model_(problem_, options.prior.empty()
                           ? ResponseModel::Prior::of_knobs(problem_)
                           : ResponseModel::Prior::from_json(ConfigNode::load(options.prior))) {
  const auto [lowest, highest] = std::ranges::minmax(problem_.task.top1);
  lowest_top1_ = lowest;
  highest_top1_ = highest;
}

void Dyna::begin_episode(std::size_t) {
  model_.begin_episode();
  in_force_.reset();
}

double Dyna::worth(ActionId action, const Forecast& forecast, const Situation& now,
                   double optimism) const {
  const double power_w =
      forecast.power_w.mean - optimism * std::sqrt(std::max(0.0, forecast.power_w.variance));
  const Objective& objective = problem_.task.objective;
  const std::size_t level =
      action / (problem_.actions.size() / problem_.actions.knobs().front().levels.size());
  const double top1 = problem_.task.top1[level];
  const double range = std::max(1e-9, highest_top1_ - lowest_top1_);
  const double energy_mj = power_w / now.rate_hz * 1e3;
  double worth = 0.0;
  switch (objective.kind) {
    case Objective::Kind::kMaxAccuracy:
      worth = (top1 - lowest_top1_) / range;
      break;
    case Objective::Kind::kMinEnergy:
      worth = 1.0 - energy_mj / objective.reference;
      break;
    case Objective::Kind::kMinPower:
      worth = 1.0 - power_w / objective.reference;
      break;
    case Objective::Kind::kMinLatency:
      worth = 1.0 - forecast.service_ms() / now.deadline_ms.value_or(1e3);
      break;
  }
  const double allowed = now.miss_rate * margin_;
  const double miss = optimism > 0.0 ? forecast.hoped_miss : forecast.miss;
  worth -= options_.latency_price * std::max(0.0, miss - allowed);
  if (now.deadline_ms && miss > 0.5) {
    worth -= std::max(0.0, forecast.log_service.mean - std::log(*now.deadline_ms));
  }
  const auto fine = [&](double limit_w) {
    const double limit = limit_w * (1.0 - power_margin_);
    const Estimate power{power_w, optimism > 0.0 ? 0.0 : forecast.power_w.variance};
    const double spread = std::sqrt(power.variance) + 0.004 * limit_w;
    const double chance = 0.5 * std::erfc((limit - power.mean) / spread / std::numbers::sqrt2);
    return options_.power_price * expected_excess(power, limit) / limit_w + 1.5 * chance;
  };
  if (now.power_limit_w) {
    worth -= fine(*now.power_limit_w);
  }
  if (now.allowance_w) {
    worth -= fine(*now.allowance_w);
  }
  if (now.energy_limit_mj) {
    worth -= fine(*now.energy_limit_mj * now.rate_hz * 1e-3);
  }
  if (now.min_top1) {
    worth -= 100.0 * std::max(0.0, *now.min_top1 - top1) / range;
  }
  return worth + (action == in_force_ ? options_.stay : 0.0);
}

ActionId Dyna::act(const Observation& observation) {
  const Situation now = reader_.read(observation);
  model_.forecast(now, forecasts_);
  ActionId best = 0;
  double most = -1e300;
  for (ActionId action = 0; action < forecasts_.size(); ++action) {
    const double value = worth(action, forecasts_[action], now, 0.0);
    // What is held down is asked for in full, to see when it is let go.
    if (value > most || (value == most && model_.granted(action) != action)) {
      most = value;
      best = action;
    }
  }
  exploration_ = {};
  double hoped = most + options_.worth_trying;
  if (options_.optimism > 0.0) {
    for (ActionId action = 0; action < forecasts_.size(); ++action) {
      const double value = worth(action, forecasts_[action], now, options_.optimism);
      if (value > hoped && most - worth(action, forecasts_[action], now, 0.0) <
                               options_.patience * (value - most - options_.worth_trying)) {
        hoped = value;
        best = action;
        exploration_ = {.rate = 1.0, .explored = true};
      }
    }
  }
  expected_power_w_ = forecasts_[best].power_w.mean;
  power_limit_w_ = std::min(now.power_limit_w.value_or(1e9), now.allowance_w.value_or(1e9));
  in_force_ = best;
  return best;
}

void Dyna::observe(const Transition& transition) {
  if (transition.info != nullptr) {
    model_.observe(*transition.info, transition.action);
    const ServiceReport& service = transition.info->applications.front().service;
    bool exceeds = false;
    for (const auto& status : transition.info->budgets) {
      using enum BudgetId::Kind;
      exceeds |= status.exceeded && (status.id.kind == kPower || status.id.kind == kEnergy);
    }
    const bool was_hoped = expected_power_w_ <= power_limit_w_;
    power_margin_ = std::clamp(power_margin_ + (exceeds ? (was_hoped ? 0.004 : 0.0) : -0.00004),
                               options_.power_margin, 0.06);
    if (model_.stayed() > 5 && !exploration_.explored) {
      const Situation then = reader_.read(transition.observation);
      const double allowed = then.miss_rate * static_cast<double>(service.requests());
      margin_ *= std::exp(0.3 * (allowed - static_cast<double>(service.missed())));
      margin_ = std::clamp(margin_, 0.1, 1.2);
    }
  }
}

void Dyna::save(const std::filesystem::path& file) const {
  auto json = checkpoint_header(kind(), problem_);
  write_file(file, json.dump(1) + "\n");
}

void Dyna::load(const std::filesystem::path& file) { open_checkpoint(file, kind(), problem_); }

}  // namespace rein
