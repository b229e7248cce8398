#include "agent/loop/budget_tally.hpp"

#include <algorithm>

namespace rein {

void BudgetTally::add(const StepInfo& info) {
  for (const auto& status : info.budgets) {
    Windows& windows = windows_[status.name];
    windows.limit = status.limit;
    if (!status.value) {
      continue;
    }
    windows.known += 1.0;
    windows.exceeded += status.exceeded ? 1.0 : 0.0;
    const double value = *status.value;
    windows.worst = !windows.worst    ? value
                    : status.is_floor ? std::min(*windows.worst, value)
                                      : std::max(*windows.worst, value);
  }
  for (std::size_t i = 0; i < info.task.applications.size(); ++i) {
    const ApplicationInfo& application = info.applications[i];
    if (const auto& latency = info.task.applications[i].latency) {
      Misses& misses = misses_["latency." + application.name];
      const auto requests = static_cast<double>(application.service.requests());
      misses.missed += static_cast<double>(application.service.missed());
      misses.allowed += latency->miss_rate * requests;
      misses.requests += requests;
      misses.miss_rate = latency->miss_rate;
    }
  }
}

std::map<std::string, BudgetTally::Entry> BudgetTally::entries() const {
  const auto ratio = [](double part, double whole) {
    return whole > 0.0 ? std::optional(part / whole) : std::nullopt;
  };
  std::map<std::string, Entry> entries;
  for (const auto& [name, windows] : windows_) {
    const auto misses = misses_.find(name);
    entries[name] = {
        .limit = windows.limit,
        .worst = windows.worst,
        .violation_rate = misses != misses_.end()
                              ? ratio(std::max(0.0, misses->second.missed - misses->second.allowed),
                                      misses->second.requests)
                              : ratio(windows.exceeded, windows.known)};
  }
  return entries;
}

double BudgetTally::worst_rate() const { return least_worst_rate(0.0, 0.0); }

double BudgetTally::least_worst_rate(double periods, double requests) const {
  double worst = 0.0;
  for (const auto& [name, windows] : windows_) {
    if (!misses_.contains(name) && windows.exceeded > 0.0) {
      worst = std::max(worst, windows.exceeded / (windows.known + periods));
    }
  }
  for (const auto& [name, misses] : misses_) {
    const double excess = misses.missed - misses.allowed - misses.miss_rate * requests;
    if (excess > 0.0) {
      worst = std::max(worst, excess / (misses.requests + requests));
    }
  }
  return worst;
}

}  // namespace rein
