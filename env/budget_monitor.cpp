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
  for (auto& followed : windows_) {
    followed.window.clear();
  }
  elapsed_s_ = 0.0;
  used_j_.fill(0.0);
}

BudgetMonitor::Window& BudgetMonitor::window_of(const BudgetId& id) {
  const auto found = std::ranges::find(windows_, id, &Followed::id);
  return found != windows_.end() ? found->window : windows_.emplace_back(Followed{id, {}}).window;
}

std::optional<double> BudgetMonitor::battery_allowance_w(
    const std::optional<EnergyBudget>& energy) const {
  if (!energy || !energy->total_j) {
    return std::nullopt;
  }
  const double used_j = used_j_[static_cast<std::size_t>(energy->signal)];
  const double left_j = std::max(0.0, *energy->total_j - used_j);
  // Past the horizon, and in its last moments, whatever is left may be used within a second.
  return left_j / std::max(1.0, energy->horizon_s - elapsed_s_);
}

void BudgetMonitor::update(const PeriodFacts& facts, const Task& task,
                           const std::vector<BudgetCheck>& checks,
                           std::vector<BudgetStatus>& statuses) {
  elapsed_s_ += facts.interval_s;
  for (std::size_t i = 0; i < kNumPowerSignals; ++i) {
    used_j_[i] += facts.power_w[i].value_or(0.0) * facts.interval_s;
  }
  statuses.resize(checks.size());
  for (std::size_t i = 0; i < checks.size(); ++i) {
    const BudgetCheck& check = checks[i];
    const BudgetRule& rule = rule_of(check.id.kind);
    BudgetStatus& status = statuses[i];
    status.id = check.id;
    status.name = check.name;
    status.limit = check.limit;
    status.value = check.value;
    status.is_floor = rule.is_floor;
    const auto window_s =
        rule.window_s == nullptr ? std::nullopt : rule.window_s(task, check.id.application);
    if (window_s) {
      const BudgetRule::Part part = rule.part(facts, task, check.id.application);
      Window& window = window_of(check.id);
      window.add({facts.interval_s, part.sum, part.weight}, *window_s);
      status.value = window.mean();
    }
    status.exceeded =
        status.value && (rule.is_floor ? *status.value < check.limit : *status.value > check.limit);
    if (task.battery_allowance_w && check.id.kind == BudgetId::Kind::kEnergy) {
      // To use more than the share of one period is no mistake; to have nothing left is.
      status.exceeded =
          used_j_[static_cast<std::size_t>(task.energy->signal)] > *task.energy->total_j;
    }
  }
}

}  // namespace rein
