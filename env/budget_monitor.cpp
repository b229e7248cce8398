#include "env/budget_monitor.hpp"

#include <algorithm>

namespace rein {

void BudgetMonitor::Window::add(const Entry& entry, double window_s) {
  constexpr double kRounding = 1e-9;  // Of sums of intervals.
  newer_.push_back(entry);
  newer_sum_ = newer_sum_ + entry;
  while (total().interval_s >= window_s) {
    if (older_.empty()) {
      turn();
    }
    const bool is_only = older_.size() == 1 && newer_.empty();
    const Entry without = older_.size() > 1 ? older_[older_.size() - 2] + newer_sum_ : newer_sum_;
    if (is_only || without.interval_s < window_s - kRounding) {
      return;
    }
    older_.pop_back();
  }
}

void BudgetMonitor::Window::turn() {
  Entry sum;
  for (; !newer_.empty(); newer_.pop_back()) {
    sum = newer_.back() + sum;
    older_.push_back(sum);
  }
  newer_sum_ = {};
}

std::optional<double> BudgetMonitor::Window::mean() const {
  const Entry all = total();
  return all.weight > 0.0 ? std::optional(all.sum / all.weight) : std::nullopt;
}

void BudgetMonitor::Window::clear() {
  older_.clear();
  newer_.clear();
  newer_sum_ = {};
}

void BudgetMonitor::reset() {
  power_.clear();
  energy_.clear();
  std::ranges::for_each(accuracy_, &Window::clear);
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

void BudgetMonitor::update(const PeriodFacts& facts, const std::vector<BudgetCheck>& checks,
                           std::vector<BudgetStatus>& statuses) {
  const double energy_j = facts.power_w.value_or(0.0) * facts.interval_s;
  elapsed_s_ += facts.interval_s;
  used_j_ += energy_j;
  accuracy_.resize(facts.applications.size());

  statuses.resize(checks.size());
  for (std::size_t i = 0; i < checks.size(); ++i) {
    const BudgetCheck& check = checks[i];
    BudgetStatus& status = statuses[i];
    status.id = check.id;
    status.name = check.name;
    status.limit = check.limit;
    status.value = check.value;
    const auto smooth = [&](Window& window, double sum, double weight, double window_s) {
      window.add({facts.interval_s, sum, weight}, window_s);
      status.value = window.mean();
    };
    if (check.id.kind == BudgetId::Kind::kPower) {
      smooth(power_, check.value.value_or(0.0) * facts.interval_s,
             check.value ? facts.interval_s : 0.0, facts.budgets.power->window_s);
    } else if (check.id.kind == BudgetId::Kind::kEnergy && facts.budgets.energy->limit_mj) {
      double served = 0.0;
      for (const auto& application : facts.applications) {
        served += application.served;
      }
      smooth(energy_, energy_j * 1e3, facts.power_w ? served : 0.0, facts.budgets.energy->window_s);
    } else if (check.id.kind == BudgetId::Kind::kAccuracy) {
      const ApplicationFacts& application = facts.applications[check.id.application];
      smooth(accuracy_[check.id.application], application.accuracy_top1 * application.served,
             application.served, application.budgets.accuracy->window_s);
    }
    const bool is_floor = check.id.kind == BudgetId::Kind::kAccuracy;
    status.exceeded =
        status.value && (is_floor ? *status.value < check.limit : *status.value > check.limit);
    if (check.id.kind == BudgetId::Kind::kEnergy && facts.budgets.energy->total_j) {
      // To use more than the share of one period is no mistake; to have nothing left is.
      status.exceeded = used_j_ > *facts.budgets.energy->total_j;
    }
  }
}

}  // namespace rein
