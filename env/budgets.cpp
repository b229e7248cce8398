#include "env/budgets.hpp"

#include <algorithm>
#include <vector>

namespace rein {

namespace {

/// The number at `key`, or the one of the base; without a base the key must be there.
double merged(const ConfigNode& node, const std::string& key, const Range& range,
              const std::optional<double>& base) {
  return base && !node.has(key) ? *base : node.at(key).number(range);
}

template <typename Budget, typename Read>
void read(const ConfigNode& node, const std::string& key, std::optional<Budget>& budget,
          Read read_into) {
  if (!node.has(key)) {
    return;
  }
  const ConfigNode child = node.at(key);
  const bool has_base = budget.has_value();
  Budget value = budget.value_or(Budget{});
  read_into(child, value, has_base);
  child.reject_unknown();
  budget = value;
}

std::optional<double> if_base(bool has_base, double value) {
  return has_base ? std::optional(value) : std::nullopt;
}

}  // namespace

PowerSignal read_power_signal(const ConfigNode& node, PowerSignal fallback) {
  if (!node.has("signal")) {
    return fallback;
  }
  const std::string name = node.at("signal").one_of(
      std::vector<std::string>(kPowerSignals.begin(), kPowerSignals.end()));
  return static_cast<PowerSignal>(std::ranges::find(kPowerSignals, name) - kPowerSignals.begin());
}

void Budgets::add_missing(const Budgets& others) {
  const auto add = [](auto& own, const auto& other) { own = own ? own : other; };
  add(latency, others.latency);
  add(power, others.power);
  add(energy, others.energy);
  add(accuracy, others.accuracy);
  add(temperature, others.temperature);
}

Budgets Budgets::from_yaml(const ConfigNode& node, const Budgets& base) {
  Budgets budgets = base;
  read(node, "latency", budgets.latency,
       [](const ConfigNode& child, LatencyBudget& budget, bool has_base) {
         budget.deadline_ms = merged(child, "deadline_ms", Range::milliseconds(),
                                     if_base(has_base, budget.deadline_ms));
         budget.miss_rate = child.number_or("miss_rate", budget.miss_rate, Range::share());
       });
  read(node, "power", budgets.power,
       [](const ConfigNode& child, PowerBudget& budget, bool has_base) {
         budget.limit_w =
             merged(child, "limit_w", Range::watts(), if_base(has_base, budget.limit_w));
         budget.window_s = child.number_or("window_s", budget.window_s, Range::seconds());
         budget.signal = read_power_signal(child, budget.signal);
       });
  read(node, "energy", budgets.energy, [](const ConfigNode& child, EnergyBudget& budget, bool) {
    if (child.has("limit_mj") == child.has("total_j")) {
      child.reject("expected either limit_mj or total_j, found " +
                   std::string(child.has("limit_mj") ? "both" : "neither"));
    }
    budget = {};
    if (child.has("limit_mj")) {
      budget.limit_mj = child.at("limit_mj").number(Range::millijoules());
      budget.window_s = child.number_or("window_s", budget.window_s, Range::seconds());
    } else {
      budget.total_j = child.at("total_j").number(Range::joules());
      budget.horizon_s = child.at("horizon_s").number(Range::seconds());
    }
    budget.signal = read_power_signal(child, budget.signal);
  });
  read(node, "accuracy", budgets.accuracy,
       [](const ConfigNode& child, AccuracyBudget& budget, bool has_base) {
         budget.min_top1 =
             merged(child, "min_top1", Range::share(), if_base(has_base, budget.min_top1));
         budget.window_s = child.number_or("window_s", budget.window_s, Range::seconds());
       });
  read(node, "temperature", budgets.temperature,
       [](const ConfigNode& child, TemperatureBudget& budget, bool has_base) {
         budget.limit_c = merged(child, "limit_c", Range{.min = 0.0, .max = 150.0, .unit = "degC"},
                                 if_base(has_base, budget.limit_c));
       });
  node.reject_unknown();
  return budgets;
}

}  // namespace rein
