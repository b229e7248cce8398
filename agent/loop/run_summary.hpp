#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/power_reader.hpp"
#include "agent/loop/budget_tally.hpp"
#include "agent/loop/latency_histogram.hpp"
#include "agent/loop/shield.hpp"
#include "env/environment.hpp"
#include "env/period_record.hpp"

namespace rein {

/// The figures of a stretch of a run, over all applications. Memory does not grow with its length.
class Statistics {
 public:
  /// @param power_w, power_ours_w  of the period; empty if not known.
  void add(const StepResult& result, std::optional<double> power_w,
           std::optional<double> power_ours_w);
  /// Adds what was next after this stretch.
  void add(const Statistics& next);
  /// What is added from here on came later: misses before and after are no run of them.
  void pause();
  nlohmann::ordered_json to_json() const;

  std::uint64_t served() const { return served_; }
  std::uint64_t requests() const { return served_ + dropped_; }
  /// Late or dropped over all; 0 without requests.
  double miss_share() const;
  std::uint64_t longest_miss_run() const;
  /// Mean over what was served; 0 if nothing was.
  double accuracy_top1() const;
  /// What the run's objective is about, in its own unit, over the whole stretch: the mean top-1 of
  /// what was served, mJ a request, mean W, mean ms. Empty if it is not known.
  std::optional<double> objective(const Objective& objective) const;
  std::optional<double> latency_quantile_ms(double share) const;
  std::optional<double> power_w() const { return power_w_.value(); }
  std::optional<double> energy_j() const;
  /// Mean of a period's.
  double reward() const;

 private:
  struct Mean {
    double sum = 0.0;
    double weight = 0.0;
    void add(double value, double value_weight) {
      sum += value * value_weight;
      weight += value_weight;
    }
    void add(const Mean& other) {
      sum += other.sum;
      weight += other.weight;
    }
    std::optional<double> value() const;
  };
  const Mean& power_of(PowerSignal signal) const {
    return signal == PowerSignal::kOurs ? power_ours_w_ : power_w_;
  }
  std::optional<double> energy_per_request_mj(PowerSignal signal) const;

  /// Of the requests of one application, in the order in which they ended.
  struct MissRuns {
    void add(bool miss);
    void add(const MissRuns& next);

    std::uint64_t outcomes = 0;  ///< Requests that ended: of them ...
    std::uint64_t first = 0;     ///< ... those that were missed before the first that was not,
    std::uint64_t last = 0;      ///< ... after the last that was not, up to now,
    std::uint64_t longest = 0;
  };

  std::uint64_t periods_ = 0;
  std::uint64_t served_ = 0;
  std::uint64_t late_ = 0;
  std::uint64_t dropped_ = 0;
  std::uint64_t images_ = 0;
  std::uint64_t correct_ = 0;
  std::vector<MissRuns> miss_runs_;  ///< [applications]
  double accuracy_sum_ = 0.0;
  double latency_sum_ms_ = 0.0;
  double reward_sum_ = 0.0;
  double objective_sum_ = 0.0;
  Mean power_w_;
  Mean power_ours_w_;
  LatencyHistogram latencies_;
};

/// The second half of a stretch whose end nobody knows beforehand, in memory that does not grow:
/// the stretch in equal parts, of which two become one where they are too many.
class HalfTally {
 public:
  void add(const StepResult& result, std::optional<double> power_w,
           std::optional<double> power_ours_w);
  /// All after the half of what was added, to within a 64th of it; exact up to 128 periods.
  Statistics second_half() const;

 private:
  static constexpr std::size_t kMostParts = 128;
  struct Part {
    double start_s = 0.0;
    double end_s = 0.0;
    std::size_t periods = 0;
    Statistics statistics;
  };
  std::vector<Part> parts_;
  std::size_t periods_a_part_ = 1;
};

/// The phases of a run in memory that does not grow with its length: each stretch in which one
/// held, or, where they are too many, all of a phase's together.
class PhaseTally {
 public:
  /// So many stretches are told one by one.
  static constexpr std::size_t kMostStretches = 64;

  struct Entry {
    std::string name;
    std::uint64_t stretches = 1;  ///< That are summed up in it.
    double start_s = 0.0;         ///< Of the first ...
    double end_s = 0.0;           ///< ... and of the last one.
    double seconds = 0.0;         ///< That they took together.
    Statistics statistics;
  };

  void add(const StepResult& result, std::optional<double> power_w,
           std::optional<double> power_ours_w);
  /// In the order in which they began; by name if there were more than kMostStretches.
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  /// Begins a stretch.
  void enter(const std::string& phase, double time_s);
  void sum_up_by_name();

  std::vector<Entry> entries_;
  std::size_t now_ = 0;  ///< Index of the one that holds.
  bool is_by_name_ = false;
};

/// What summary.json says of a run: the whole, its second half, each phase, each budget.
class RunSummary {
 public:
  /// When a run that is summed up may end: it takes some time to be ready for any.
  enum class Ends { kAsPlanned, kAnyTime };

  /// @param planned_s the length that the run is to have: its half is where the second half begins,
  ///                  unless it ends before and that was to be expected.
  RunSummary(const Environment& environment, double planned_s, Ends ends = Ends::kAsPlanned);

  void add(const PeriodRecord& record);

  /// What was run, in seconds ...
  double duration_s() const { return end_s_; }
  /// ... and whether that is all that was planned.
  bool is_complete() const { return is_complete_; }
  const Statistics& whole() const { return whole_; }
  /// Of what was run.
  Statistics second_half() const;
  const BudgetTally& budgets() const { return budgets_; }
  const PhaseTally& phases() const { return phases_; }
  const LatencyHistogram& decisions() const { return decisions_; }
  const LatencyHistogram& learnings() const { return learnings_; }
  nlohmann::ordered_json to_json() const;

 private:
  void add_troubles(const StepInfo& info);
  /// Periods in which a signal ...
  struct SignalTrouble {
    std::uint64_t invalid = 0;  ///< ... had no value,
    std::uint64_t stale = 0;    ///< ... or one that was measured before the period.
  };
  struct KnobTrouble {
    std::uint64_t refused = 0;  ///< Periods in which the machine did not take the action.
    bool left_out = false;
  };

  const Environment& environment_;
  double half_s_;
  double end_s_ = 0.0;
  bool is_complete_ = false;
  PowerReader power_;
  Statistics whole_;
  Statistics second_half_;           ///< Of what was planned.
  std::optional<HalfTally> halves_;  ///< If it may end at any time.
  PhaseTally phases_;
  BudgetTally budgets_;
  std::vector<SignalTrouble> signals_;  ///< In the order of the environment's.
  std::vector<KnobTrouble> knobs_;      ///< Likewise.
  std::uint64_t periods_ = 0;
  std::uint64_t skipped_ = 0;
  std::uint64_t explored_ = 0;
  /// Periods in which the shield decided, by reason; the first is none.
  std::array<std::uint64_t, kNumOverruled> shielded_{};
  LatencyHistogram decisions_;
  LatencyHistogram learnings_;
};

}  // namespace rein
