#pragma once

#include <array>
#include <cstddef>

#include "agent/model_based/planner_options.hpp"
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
  /// The share of requests that end after `deadline`, served one after the other as they arrive
  /// every `gap`, each taking `service` on average: one may have to wait for the one before.
  /// All in the same unit, above 0.
  double late(double service, double deadline, double gap) const;
  /// How many of the next `count` requests end after `deadline`, while the first of them has waited
  /// for `waited` already, and those behind it wait for it. @param otherwise  late() of the same:
  /// the share of those that need not wait any more.
  double late_behind(double waited, std::size_t count, double service, double deadline, double gap,
                     double otherwise) const;
  /// late() for many services, on a grid of their logarithm.
  class Lateness {
   public:
    /// Of the logarithm of the mean service time, in the unit of the deadline.
    double operator()(double log_service) const;

   private:
    friend class ServiceSpread;
    static constexpr std::size_t kPoints = 256;
    static constexpr double kStep = 0.016;
    double first_ = 0.0;
    std::array<double, kPoints> shares_{};
  };
  Lateness lateness(double deadline, double gap) const;
  /// Variance of the logarithm, without the farthest tail.
  double variance() const { return variance_; }

  void archive(Archive& archive);

 private:
  static constexpr double kLowest = -0.8;  ///< log of the ratio at the first bin's edge.
  static constexpr double kWidth = 0.02;
  static constexpr std::size_t kBins = 160;

  double exceedance_at(double log_ratio) const;

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
