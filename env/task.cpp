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

std::string Prices::to_yaml() const {
  return fmt::format("{{latency: {}, power: {}, energy: {}, accuracy: {}, temperature: {}}}",
                     latency, power, energy, accuracy, temperature);
}

void Task::set(const Budgets& budgets) {
  for (auto& application : applications) {
    application.latency = budgets.latency;
    application.accuracy = budgets.accuracy;
  }
  power = budgets.power;
  energy = budgets.energy;
  temperature = budgets.temperature;
}

}  // namespace rein
