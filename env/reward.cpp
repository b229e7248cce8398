#include "env/reward.hpp"

#include <algorithm>

#include "common/statistics.hpp"

namespace rein {

namespace {

double clamp01(double value) { return std::clamp(value, 0.0, 1.0); }

double normalised_accuracy(double accuracy, double lowest, double highest) {
  return highest > lowest ? clamp01((accuracy - lowest) / (highest - lowest)) : 1.0;
}

/// The energy of a request, if power is known and any was served.
std::optional<double> energy_per_request_mj(const PeriodFacts& facts) {
  double served = 0.0;
  for (const auto& application : facts.applications) {
    served += application.served;
  }
  if (!facts.power_w || served == 0.0) {
    return std::nullopt;
  }
  return *facts.power_w * facts.interval_s * 1e3 / served;
}

const char* name_of(BudgetId::Kind kind) {
  switch (kind) {
    case BudgetId::Kind::kLatency:
      return "latency";
    case BudgetId::Kind::kAccuracy:
      return "accuracy";
    case BudgetId::Kind::kPower:
      return "power";
    case BudgetId::Kind::kEnergy:
      return "energy";
    case BudgetId::Kind::kTemperature:
      break;
  }
  return "temperature";
}

/// Fills a list of checks in their order, over those of another period.
class CheckList {
 public:
  explicit CheckList(std::vector<BudgetCheck>& checks) : checks_(checks) {}
  ~CheckList() { checks_.resize(size_); }
  CheckList(const CheckList&) = delete;
  CheckList& operator=(const CheckList&) = delete;

  /// @param scale  by how much a value above the limit has a violation of 1.
  void add_upper(BudgetId::Kind kind, double limit, std::optional<double> value, double scale) {
    add({.kind = kind}, nullptr, limit, value, value ? clamp01((*value - limit) / scale) : 0.0);
  }

  /// @param application  its name, where the budget is one's own.
  void add(BudgetId id, const std::string* application, double limit, std::optional<double> value,
           double violation) {
    if (size_ == checks_.size()) {
      checks_.emplace_back();
    }
    BudgetCheck& check = checks_[size_++];
    if (check.id != id || check.name.empty()) {
      check.id = id;
      check.name = name_of(id.kind);
      if (application != nullptr) {
        check.name += "." + *application;
      }
    }
    check.limit = limit;
    check.value = value;
    check.violation = violation;
  }

 private:
  std::vector<BudgetCheck>& checks_;
  std::size_t size_ = 0;
};

void check_latency(const ApplicationFacts& application, std::size_t index, CheckList& checks) {
  const double limit = application.budgets.latency->miss_rate;
  std::optional<double> share;
  double violation = 0.0;
  if (application.requests > 0.0) {
    share = application.missed / application.requests;
    // A limit of 1 can't be broken; any scale will do for it.
    violation = clamp01((*share - limit) / (limit < 1.0 ? 1.0 - limit : 1.0));
  }
  checks.add({BudgetId::Kind::kLatency, index}, &application.name, limit, share, violation);
}

void check_accuracy(const ApplicationFacts& application, std::size_t index, CheckList& checks) {
  const double limit = application.budgets.accuracy->min_top1;
  const double range = application.accuracy_highest - application.accuracy_lowest;
  const double lack = limit - application.accuracy_top1;
  checks.add({BudgetId::Kind::kAccuracy, index}, &application.name, limit,
             application.accuracy_top1,
             clamp01(range > 0.0 ? lack / range : (lack > 0.0 ? 1.0 : 0.0)));
}

}  // namespace

void ApplicationFacts::count(const ServiceReport& service, double top1_in_force) {
  served = static_cast<double>(service.served);
  missed = static_cast<double>(service.missed());
  requests = static_cast<double>(service.requests());
  if (service.served > 0) {
    accuracy_top1 = service.accuracy_sum / served;
    latency_mean_ms = mean(service.latencies_ms);
  } else {
    accuracy_top1 = top1_in_force;
    latency_mean_ms.reset();
  }
}

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
    objective.reference = node.at(key).number(power ? Range::watts() : Range::millijoules());
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
  constexpr Range kPrice = Range::factor().or_zero();
  Prices prices;
  prices.latency = node.number_or("latency", prices.latency, kPrice);
  prices.power = node.number_or("power", prices.power, kPrice);
  prices.energy = node.number_or("energy", prices.energy, kPrice);
  prices.accuracy = node.number_or("accuracy", prices.accuracy, kPrice);
  prices.temperature = node.number_or("temperature", prices.temperature, kPrice);
  node.reject_unknown();
  return prices;
}

void check_budgets(const PeriodFacts& facts, std::vector<BudgetCheck>& checks) {
  using enum BudgetId::Kind;
  CheckList list(checks);
  for (std::size_t i = 0; i < facts.applications.size(); ++i) {
    const ApplicationFacts& application = facts.applications[i];
    if (application.budgets.latency) {
      check_latency(application, i, list);
    }
    if (application.budgets.accuracy) {
      check_accuracy(application, i, list);
    }
  }
  if (const auto& power = facts.budgets.power) {
    list.add_upper(kPower, power->limit_w, facts.budget_power_w, power->limit_w);
  }
  if (const auto& energy = facts.budgets.energy) {
    if (energy->limit_mj) {
      list.add_upper(kEnergy, *energy->limit_mj, energy_per_request_mj(facts), *energy->limit_mj);
    } else if (const double allowance = facts.battery_allowance_w.value_or(0.0); allowance > 0.0) {
      list.add_upper(kEnergy, allowance, facts.power_w, allowance);
    } else {
      list.add({.kind = kEnergy}, nullptr, 0.0, facts.power_w, 1.0);  // The battery is empty.
    }
  }
  if (const auto& temperature = facts.budgets.temperature) {
    list.add_upper(kTemperature, temperature->limit_c, facts.hottest_c, 10.0);
  }
}

void Reward::terms(const PeriodFacts& facts, const std::vector<BudgetCheck>& checks,
                   std::vector<RewardTerm>& terms) const {
  terms.resize(1 + checks.size());
  terms[0].name = "objective";
  terms[0].value = objective_value(facts);
  for (std::size_t i = 0; i < checks.size(); ++i) {
    terms[i + 1].name = checks[i].name;
    terms[i + 1].value = -price(checks[i].id.kind) * checks[i].violation;
  }
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

double Reward::price(BudgetId::Kind budget) const {
  switch (budget) {
    case BudgetId::Kind::kLatency:
      return prices_.latency;
    case BudgetId::Kind::kAccuracy:
      return prices_.accuracy;
    case BudgetId::Kind::kPower:
      return prices_.power;
    case BudgetId::Kind::kEnergy:
      return prices_.energy;
    case BudgetId::Kind::kTemperature:
      break;
  }
  return prices_.temperature;
}

}  // namespace rein
