#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "env/environment.hpp"

namespace rein {

/// How often each budget was broken in a stretch of a run.
///
/// A budget's violation rate is, for latency, the share of missed requests beyond the share that
/// may be missed; for the others, the share of the periods in which its value was known and on the
/// wrong side of the limit (over the budget's window, where it has one).
class BudgetTally {
 public:
  struct Entry {
    double limit = 0.0;  ///< The last one.
    std::optional<double> worst;
    std::optional<double> violation_rate;  ///< 0 to 1; empty if nothing is known.
  };

  void add(const StepInfo& info);

  /// By the budgets' names.
  std::map<std::string, Entry> entries() const;
  /// The greatest of the violation rates; 0 without budgets.
  double worst_rate() const;
  /// The least that worst_rate() can become if from here on every budget is kept for `periods`
  /// periods, with `requests` requests of each application.
  double least_worst_rate(double periods, double requests) const;

 private:
  struct Windows {
    double limit = 0.0;
    std::optional<double> worst;
    double known = 0.0;     ///< Periods in which its value was known ...
    double exceeded = 0.0;  ///< ... and over the limit.
  };
  struct Misses {
    double missed = 0.0;
    double allowed = 0.0;
    double requests = 0.0;
    double miss_rate = 0.0;  ///< That may be missed; the last one.
  };
  std::map<std::string, Windows> windows_;  ///< Of every budget.
  std::map<std::string, Misses> misses_;    ///< Of those on latency.
};

}  // namespace rein
