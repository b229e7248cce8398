#include "env/task.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rein {

Objective Objective::from_yaml(const ConfigNode& node) {
  const std::vector<std::string> names = {"max_accuracy", "min_energy", "min_power", "min_latency"};
  Objective objective;
  const bool detailed = node.is_mapping();
  const ConfigNode kind = detailed ? node.at("kind") : node;
  const std::string name = kind.one_of(names);
  objective.kind = static_cast<Kind>(std::ranges::find(names, name) - names.begin());
  const bool power = objective.kind == Kind::kMinPower;
  if (objective.asks_for_power()) {
    const std::string key = power ? "reference_w" : "reference_mj";
    if (!detailed) {
      node.reject("expected {kind: " + name + ", " + key + ": ...}, found '" + name + "'");
    }
    objective.reference = node.at(key).number(power ? Range::watts() : Range::millijoules());
    objective.signal = read_power_signal(node, objective.signal);
  }
  if (detailed) {
    node.reject_unknown();
  }
  return objective;
}

std::string Objective::to_yaml() const {
  if (!asks_for_power()) {
    return fmt::format("{{kind: {}}}", name());
  }
  return fmt::format("{{kind: {}, {}: {}, signal: {}}}", name(),
                     kind == Kind::kMinPower ? "reference_w" : "reference_mj", reference,
                     name_of(signal));
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

Prices::Prices() {
  of.fill(4.0);
  (*this)[BudgetId::Kind::kLatency] = 10.0;
}

Prices Prices::from_yaml(const ConfigNode& node) {
  constexpr Range kPrice = Range::factor().or_zero();
  Prices prices;
  for (std::size_t i = 0; i < kNumBudgets; ++i) {
    prices.of[i] = node.number_or(kBudgetNames[i], prices.of[i], kPrice);
  }
  node.reject_unknown();
  return prices;
}

std::string Prices::to_yaml() const {
  std::vector<std::string> entries;
  for (std::size_t i = 0; i < kNumBudgets; ++i) {
    entries.push_back(fmt::format("{}: {}", kBudgetNames[i], of[i]));
  }
  return fmt::format("{{{}}}", fmt::join(entries, ", "));
}

void Task::set(const Budgets& budgets) {
  for (auto& application : applications) {
    static_cast<ApplicationBudgets&>(application) = budgets;
  }
  static_cast<MachineBudgets&>(*this) = budgets;
}

}  // namespace rein
