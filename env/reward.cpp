#include "env/reward.hpp"

#include <algorithm>

namespace rein {

namespace {

double clamp01(double value) { return std::clamp(value, 0.0, 1.0); }

double normalised_accuracy(double accuracy, double lowest, double highest) {
  return highest > lowest ? clamp01((accuracy - lowest) / (highest - lowest)) : 1.0;
}

/// The energy of a request, if power is known and any was served.
std::optional<double> energy_per_request_mj(const PeriodFacts& facts) {
  std::size_t served = 0;
  for (const auto& application : facts.applications) {
    served += application.served;
  }
  if (!facts.power_w || served == 0) {
    return std::nullopt;
  }
  return *facts.power_w * facts.interval_s * 1e3 / static_cast<double>(served);
}

BudgetCheck check_upper(std::string name, double limit, std::optional<double> value, double scale) {
  const double violation = value ? clamp01((*value - limit) / scale) : 0.0;
  return {std::move(name), limit, value, violation};
}

BudgetCheck check_latency(const ApplicationFacts& application) {
  const double limit = application.budgets.latency->miss_rate;
  std::optional<double> miss_share;
  if (application.requests > 0) {
    miss_share =
        static_cast<double>(application.missed) / static_cast<double>(application.requests);
  }
  // A limit of 1 can't be broken; any scale will do for it.
  return check_upper("latency." + application.name, limit, miss_share,
                     limit < 1.0 ? 1.0 - limit : 1.0);
}

BudgetCheck check_accuracy(const ApplicationFacts& application) {
  const double limit = application.budgets.accuracy->min_top1;
  const double range = application.accuracy_highest - application.accuracy_lowest;
  const double lack = limit - application.accuracy_top1;
  return {"accuracy." + application.name, limit, application.accuracy_top1,
          clamp01(range > 0.0 ? lack / range : (lack > 0.0 ? 1.0 : 0.0))};
}

}  // namespace

Objective Objective::from_yaml(const ConfigNode& node) {
  const std::vector<std::string> names = {"max_accuracy", "min_energy", "min_power", "min_latency"};
  Objective objective;
  const bool detailed = node.is_mapping();
  const ConfigNode kind = detailed ? node.at("kind") : node;
  const std::string name = kind.one_of(names);
  objective.kind = static_cast<Kind>(std::ranges::find(names, name) - names.begin());
  const bool power = objective.kind == Kind::kMinPower;
  if (power || objective.kind == Kind::kMinEnergy) {
    const std::string key = power ? "reference_w" : "reference_mj";
    if (!detailed) {
      node.reject("expected {kind: " + name + ", " + key + ": ...}, found '" + name + "'");
    }
    objective.reference = node.at(key).number(Range::positive());
  }
  if (detailed) {
    node.reject_unknown();
  }
  return objective;
}

std::string Objective::name() const {
  switch (kind) {
    case Kind::kMinEnergy:
      return "min_energy";
    case Kind::kMinPower:
      return "min_power";
    case Kind::kMinLatency:
      return "min_latency";
    case Kind::kMaxAccuracy:
      break;
  }
  return "max_accuracy";
}

Prices Prices::from_yaml(const ConfigNode& node) {
  Prices prices;
  prices.latency = node.number_or("latency", prices.latency, Range::non_negative());
  prices.power = node.number_or("power", prices.power, Range::non_negative());
  prices.energy = node.number_or("energy", prices.energy, Range::non_negative());
  prices.accuracy = node.number_or("accuracy", prices.accuracy, Range::non_negative());
  prices.temperature = node.number_or("temperature", prices.temperature, Range::non_negative());
  node.reject_unknown();
  return prices;
}

std::vector<BudgetCheck> check_budgets(const PeriodFacts& facts) {
  std::vector<BudgetCheck> checks;
  for (const auto& application : facts.applications) {
    if (application.budgets.latency) {
      checks.push_back(check_latency(application));
    }
    if (application.budgets.accuracy) {
      checks.push_back(check_accuracy(application));
    }
  }
  if (const auto& power = facts.budgets.power) {
    checks.push_back(check_upper("power", power->limit_w, facts.budget_power_w, power->limit_w));
  }
  if (const auto& energy = facts.budgets.energy) {
    if (energy->limit_mj) {
      checks.push_back(check_upper("energy", *energy->limit_mj, energy_per_request_mj(facts),
                                   *energy->limit_mj));
    } else if (const double allowance = facts.battery_allowance_w.value_or(0.0); allowance > 0.0) {
      checks.push_back(check_upper("energy", allowance, facts.power_w, allowance));
    } else {
      checks.push_back({"energy", 0.0, facts.power_w, 1.0});  // The battery is empty.
    }
  }
  if (const auto& temperature = facts.budgets.temperature) {
    checks.push_back(check_upper("temperature", temperature->limit_c, facts.hottest_c, 10.0));
  }
  return checks;
}

std::vector<RewardTerm> Reward::terms(const PeriodFacts& facts) const {
  std::vector<RewardTerm> terms{{"objective", objective_value(facts)}};
  for (const auto& check : check_budgets(facts)) {
    terms.push_back({check.name, -price(check.name) * check.violation});
  }
  return terms;
}

double Reward::sum(const std::vector<RewardTerm>& terms) {
  double sum = 0.0;
  for (const auto& term : terms) {
    sum += term.value;
  }
  return sum;
}

double Reward::bound(double accuracy_top1, double accuracy_lowest, double accuracy_highest) const {
  return objective_.kind == Objective::Kind::kMaxAccuracy
             ? normalised_accuracy(accuracy_top1, accuracy_lowest, accuracy_highest)
             : 1.0;
}

double Reward::objective_value(const PeriodFacts& facts) const {
  switch (objective_.kind) {
    case Objective::Kind::kMinPower:
      return facts.power_w ? clamp01(1.0 - *facts.power_w / objective_.reference) : 0.0;
    case Objective::Kind::kMinEnergy: {
      const auto energy_mj = energy_per_request_mj(facts);
      return energy_mj ? clamp01(1.0 - *energy_mj / objective_.reference) : 0.0;
    }
    default:
      break;
  }
  double sum = 0.0;
  for (const auto& application : facts.applications) {
    if (objective_.kind == Objective::Kind::kMaxAccuracy) {
      sum += normalised_accuracy(application.accuracy_top1, application.accuracy_lowest,
                                 application.accuracy_highest);
    } else if (application.latency_mean_ms && application.budgets.latency) {
      sum += clamp01(1.0 - *application.latency_mean_ms / application.budgets.latency->deadline_ms);
    }
  }
  return facts.applications.empty() ? 0.0 : sum / static_cast<double>(facts.applications.size());
}

double Reward::price(const std::string& budget) const {
  if (budget.starts_with("latency.")) {
    return prices_.latency;
  }
  if (budget.starts_with("accuracy.")) {
    return prices_.accuracy;
  }
  if (budget == "power") {
    return prices_.power;
  }
  return budget == "energy" ? prices_.energy : prices_.temperature;
}

}  // namespace rein
