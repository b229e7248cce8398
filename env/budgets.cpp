#include "env/budgets.hpp"

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

Budgets Budgets::from_yaml(const ConfigNode& node, const Budgets& base) {
  Budgets budgets = base;
  read(node, "latency", budgets.latency,
       [](const ConfigNode& child, LatencyBudget& latency, bool has_base) {
         latency.deadline_ms = merged(child, "deadline_ms", Range::positive(),
                                      if_base(has_base, latency.deadline_ms));
         latency.miss_rate = child.number_or("miss_rate", latency.miss_rate, Range::share());
       });
  read(node, "power", budgets.power,
       [](const ConfigNode& child, PowerBudget& power, bool has_base) {
         power.limit_w =
             merged(child, "limit_w", Range::positive(), if_base(has_base, power.limit_w));
         power.window_s = child.number_or("window_s", power.window_s, Range::positive());
         if (child.has("signal")) {
           power.signal = child.at("signal").one_of({"power_w", "power_ours_w"});
         }
       });
  read(node, "energy", budgets.energy, [](const ConfigNode& child, EnergyBudget& energy, bool) {
    if (child.has("limit_mj") == child.has("total_j")) {
      child.reject("expected either limit_mj or total_j, found " +
                   std::string(child.has("limit_mj") ? "both" : "neither"));
    }
    energy = {};
    if (child.has("limit_mj")) {
      energy.limit_mj = child.at("limit_mj").number(Range::positive());
      energy.window_s = child.number_or("window_s", energy.window_s, Range::positive());
    } else {
      energy.total_j = child.at("total_j").number(Range::positive());
      energy.horizon_s = child.at("horizon_s").number(Range::positive());
    }
  });
  read(node, "accuracy", budgets.accuracy,
       [](const ConfigNode& child, AccuracyBudget& accuracy, bool has_base) {
         accuracy.min_top1 =
             merged(child, "min_top1", Range::share(), if_base(has_base, accuracy.min_top1));
         accuracy.window_s = child.number_or("window_s", accuracy.window_s, Range::positive());
       });
  read(node, "temperature", budgets.temperature,
       [](const ConfigNode& child, TemperatureBudget& temperature, bool has_base) {
         temperature.limit_c = merged(child, "limit_c", Range{.min = 0.0, .max = 150.0},
                                      if_base(has_base, temperature.limit_c));
       });
  node.reject_unknown();
  return budgets;
}

}  // namespace rein
