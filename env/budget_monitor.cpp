#include "env/budget_monitor.hpp"

#include <algorithm>

namespace rein {

void BudgetMonitor::Window::add(Entry entry, double window_s) {
  entries.push_back(entry);
  double covered_s = 0.0;
  for (const auto& each : entries) {
    covered_s += each.interval_s;
  }
  while (entries.size() > 1 && covered_s - entries.front().interval_s >= window_s) {
    covered_s -= entries.front().interval_s;
    entries.pop_front();
  }
}

std::optional<double> BudgetMonitor::Window::mean() const {
  double sum = 0.0;
  double weight = 0.0;
  for (const auto& entry : entries) {
    sum += entry.sum;
    weight += entry.weight;
  }
  return weight > 0.0 ? std::optional(sum / weight) : std::nullopt;
}

void BudgetMonitor::reset() {
  windows_.clear();
  elapsed_s_ = 0.0;
  used_j_ = 0.0;
}

std::optional<double> BudgetMonitor::battery_allowance_w(const Budgets& budgets) const {
  if (!budgets.energy || !budgets.energy->total_j) {
    return std::nullopt;
  }
  const double left_j = std::max(0.0, *budgets.energy->total_j - used_j_);
  // Past the horizon, and in its last moments, whatever is left may be used within a second.
  return left_j / std::max(1.0, budgets.energy->horizon_s - elapsed_s_);
}

std::vector<BudgetStatus> BudgetMonitor::update(const PeriodFacts& facts) {
  elapsed_s_ += facts.interval_s;
  used_j_ += facts.power_w.value_or(0.0) * facts.interval_s;

  std::vector<BudgetStatus> statuses;
  for (const auto& check : check_budgets(facts)) {
    BudgetStatus status{check.name, check.limit, check.value, false};
    const auto smooth = [&](double window_s, double sum, double weight) {
      Window& window = windows_[check.name];
      window.add({facts.interval_s, sum, weight}, window_s);
      status.value = window.mean();
    };
    if (check.name == "power") {
      smooth(facts.budgets.power->window_s, check.value.value_or(0.0) * facts.interval_s,
             check.value ? facts.interval_s : 0.0);
    } else if (check.name == "energy" && facts.budgets.energy->limit_mj) {
      double served = 0.0;
      for (const auto& application : facts.applications) {
        served += static_cast<double>(application.served);
      }
      smooth(facts.budgets.energy->window_s, facts.power_w.value_or(0.0) * facts.interval_s * 1e3,
             facts.power_w ? served : 0.0);
    }
    for (const auto& application : facts.applications) {
      if (check.name == "accuracy." + application.name) {
        smooth(application.budgets.accuracy->window_s,
               application.accuracy_top1 * static_cast<double>(application.served),
               static_cast<double>(application.served));
      }
    }
    const bool is_floor = check.name.starts_with("accuracy.");
    status.exceeded =
        status.value && (is_floor ? *status.value < check.limit : *status.value > check.limit);
    statuses.push_back(std::move(status));
  }
  return statuses;
}

}  // namespace rein
