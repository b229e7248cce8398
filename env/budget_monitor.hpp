#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "env/reward.hpp"

namespace rein {

/// How a budget stands after a period.
struct BudgetStatus {
  std::string name;  ///< As in BudgetCheck.
  double limit = 0.0;
  std::optional<double> value;  ///< Mean over the budget's window; of the period for latency and
                                ///< temperature. Empty while nothing is known.
  bool exceeded = false;        ///< The value is on the wrong side of the limit.
};

/// Follows every budget over its window, and what a battery has left.
class BudgetMonitor {
 public:
  /// Forgets the past; a battery is full.
  void reset();

  /// What a battery leaves for each second of the rest of its horizon, or nothing without one.
  std::optional<double> battery_allowance_w(const Budgets& budgets) const;

  std::vector<BudgetStatus> update(const PeriodFacts& facts);

 private:
  /// A mean over the last seconds, weighted by `weight`.
  struct Window {
    struct Entry {
      double interval_s = 0.0;
      double sum = 0.0;
      double weight = 0.0;
    };
    std::deque<Entry> entries;
    void add(Entry entry, double window_s);
    std::optional<double> mean() const;
  };

  std::map<std::string, Window> windows_;
  double elapsed_s_ = 0.0;
  double used_j_ = 0.0;
};

}  // namespace rein
