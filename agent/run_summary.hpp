#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "agent/control_loop.hpp"
#include "agent/latency_histogram.hpp"
#include "env/environment.hpp"

namespace rein {

/// The figures of a stretch of a run, over all applications. Memory does not grow with its length.
class Statistics {
 public:
  /// @param power_w, power_ours_w  of the period; empty if not known.
  void add(const StepResult& result, std::optional<double> power_w,
           std::optional<double> power_ours_w);
  nlohmann::ordered_json to_json() const;

  std::uint64_t requests() const { return served_ + dropped_; }
  /// Late or dropped over all; 0 without requests.
  double miss_share() const;
  /// Mean over what was served; 0 if nothing was.
  double accuracy_top1() const;

 private:
  struct Mean {
    double sum = 0.0;
    double weight = 0.0;
    void add(double value, double value_weight) {
      sum += value * value_weight;
      weight += value_weight;
    }
    nlohmann::ordered_json to_json() const;
  };
  std::uint64_t periods_ = 0;
  std::uint64_t served_ = 0;
  std::uint64_t late_ = 0;
  std::uint64_t dropped_ = 0;
  std::uint64_t images_ = 0;
  std::uint64_t correct_ = 0;
  std::uint64_t miss_run_ = 0;
  std::uint64_t longest_miss_run_ = 0;
  double accuracy_sum_ = 0.0;
  double energy_j_ = 0.0;
  double reward_sum_ = 0.0;
  Mean power_w_;
  Mean power_ours_w_;
  LatencyHistogram latencies_;
};

/// What summary.json says of a run: the whole, its second half, each phase, each budget.
class RunSummary {
 public:
  /// @param planned_s the length that the run is to have: its half is where the second half begins.
  RunSummary(const Environment& environment, double planned_s);

  void add(const PeriodRecord& record);

  const Statistics& whole() const { return whole_; }
  const Statistics& second_half() const { return second_half_; }
  nlohmann::ordered_json to_json() const;

 private:
  struct Phase {
    std::string name;
    double start_s = 0.0;
    double end_s = 0.0;
    Statistics statistics;
  };
  struct Budget {
    double limit = 0.0;          ///< The last one.
    std::uint64_t known = 0;     ///< Periods in which its value was known ...
    std::uint64_t exceeded = 0;  ///< ... and over the limit.
    std::optional<double> worst;
  };
  void add_budgets(const std::vector<BudgetStatus>& budgets);
  void add_troubles(const StepInfo& info);
  /// For each application, the share of misses beyond the share that may be missed.
  struct Misses {
    double missed = 0.0;
    double allowed = 0.0;
    double requests = 0.0;
  };

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
  std::optional<std::size_t> power_;       ///< Index of power_w among the signals.
  std::optional<std::size_t> power_ours_;  ///< Of power_ours_w.
  Statistics whole_;
  Statistics second_half_;
  std::vector<Phase> phases_;
  std::map<std::string, Budget> budgets_;
  std::map<std::string, Misses> misses_;
  std::vector<SignalTrouble> signals_;  ///< In the order of the environment's.
  std::vector<KnobTrouble> knobs_;      ///< Likewise.
  std::uint64_t periods_ = 0;
  std::uint64_t skipped_ = 0;
  std::uint64_t explored_ = 0;
  LatencyHistogram decisions_;
  LatencyHistogram learnings_;
};

}  // namespace rein
