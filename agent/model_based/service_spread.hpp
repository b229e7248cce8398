#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "agent/model_based/planner_options.hpp"
#include "agent/model_based/shares.hpp"
#include "common/archive.hpp"

namespace rein {

/// How long single requests take over their mean, as they were seen lately: a histogram of the
/// logarithm in which older ones count less and less. No distribution is assumed: tails of latency
/// are what misses come from, and are never normal.
class ServiceSpread {
 public:
  /// Starts as if it had seen a few requests of a small spread, one in a hundred twice as long.
  explicit ServiceSpread(const PlannerOptions& options);
  ServiceSpread() : ServiceSpread(PlannerOptions()) {}
  /// From now on by these.
  void tune(const PlannerOptions& options);

  /// @param weight  of the request.
  void add(double ratio, double weight = 1.0);
  /// After some were added: makes them count.
  void sum_up();
  /// All that was seen counts only this share of what it did.
  void fade(double share);

  /// The share of requests that take more than `ratio` times the mean.
  double exceedance(double ratio) const;
  /// The same of a ratio's logarithm.
  double exceedance_at(double log_ratio) const;
  /// About `count` parts of them by their length, and their share: ascending.
  void points(std::size_t count, std::vector<Share>& points) const;
  /// Variance of the logarithm, without the farthest tail.
  double variance() const { return variance_; }

  void archive(Archive& archive);

 private:
  static constexpr double kLowest = -0.8;  ///< log of the ratio at the first bin's edge.
  static constexpr double kWidth = 0.02;
  static constexpr std::size_t kBins = 160;

  std::array<double, kBins> weights_{};
  std::array<double, kBins + 1> above_{};  ///< Share at or above each bin.
  double memory_ = 0.0;                    ///< Requests that count: older ones have faded.
  /// Beyond it a request is one of the tail, and says nothing of the usual spread ...
  double usual_ = 0.0;
  double first_spread_ = 0.0;  ///< ... which is this where there is no other.
  double total_ = 0.0;
  double variance_ = 0.0;
};

}  // namespace rein
