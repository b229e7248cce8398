#pragma once

#include <optional>
#include <string>
#include <vector>

#include "env/reward.hpp"

namespace rein {

/// How a budget stands after a period.
struct BudgetStatus {
  BudgetId id;
  std::string name;  ///< As in BudgetCheck.
  double limit = 0.0;
  std::optional<double> value;  ///< Mean over the budget's window; of the period for latency and
                                ///< temperature. Empty while nothing is known.
  bool exceeded = false;        ///< The value is on the wrong side of the limit; of a battery: it
                                ///< is empty.
};

/// Follows every budget over its window, and what a battery has left.
class BudgetMonitor {
 public:
  /// Forgets the past; a battery is full.
  void reset();

  /// What a battery leaves for each second of the rest of its horizon, or nothing without one. All
  /// that was used since the reset was taken from it, under whichever budgets.
  std::optional<double> battery_allowance_w(const Budgets& budgets) const;

  /// @param checks of the same facts.  @param statuses is overwritten: one for each check.
  void update(const PeriodFacts& facts, const std::vector<BudgetCheck>& checks,
              std::vector<BudgetStatus>& statuses);

 private:
  /// A mean over the last seconds, in a time that does not depend on their number. Nothing is ever
  /// subtracted, so it doesn't drift: as in a queue made of two stacks, the older entries are sums
  /// of themselves and of all that came after, up to the entry that was the last when their sums
  /// were made.
  class Window {
   public:
    struct Entry {
      double interval_s = 0.0;
      double sum = 0.0;
      double weight = 0.0;
      Entry operator+(const Entry& other) const {
        return {interval_s + other.interval_s, sum + other.sum, weight + other.weight};
      }
    };
    /// Drops what is no longer needed to cover `window_s`.
    void add(const Entry& entry, double window_s);
    std::optional<double> mean() const;
    void clear();

   private:
    Entry total() const { return older_.empty() ? newer_sum_ : older_.back() + newer_sum_; }
    void turn();

    std::vector<Entry> older_;  ///< Sums; the oldest entry's is the last.
    std::vector<Entry> newer_;
    Entry newer_sum_;
  };

  Window power_;
  Window energy_;
  std::vector<Window> accuracy_;  ///< [applications]
  double elapsed_s_ = 0.0;
  double used_j_ = 0.0;
};

}  // namespace rein
