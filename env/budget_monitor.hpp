#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "env/worth.hpp"

namespace rein {

/// How a budget stands after a period.
struct BudgetStatus {
  BudgetId id;
  std::string name;  ///< As in BudgetCheck.
  double limit = 0.0;
  std::optional<double> value;  ///< Mean over the budget's window; of the period for latency and
                                ///< temperature. Empty while nothing is known.
  bool is_floor = false;        ///< The value has to be above the limit.
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
  std::optional<double> battery_allowance_w(const std::optional<EnergyBudget>& energy) const;

  /// @param checks  of these facts and this task.
  /// @param statuses  is overwritten: one for each check.
  void update(const PeriodFacts& facts, const Task& task, const std::vector<BudgetCheck>& checks,
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

  /// Of a budget that has one.
  struct Followed {
    BudgetId id;
    Window window;
  };
  Window& window_of(const BudgetId& id);

  std::vector<Followed> windows_;
  double elapsed_s_ = 0.0;
  std::array<double, kNumPowerSignals> used_j_{};  ///< [PowerSignal]
};

}  // namespace rein
