#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "agent/model_based/arrival_gaps.hpp"
#include "agent/model_based/service_spread.hpp"
#include "agent/model_based/shares.hpp"

namespace rein {

/// Where requests wait: what becomes of one does not depend on services and arrivals alone.
struct Queue {
  double deadline_ms = 0.0;     ///< Above 0; infinite if there is none.
  double gap_ms = 0.0;          ///< Mean time from one arrival to the next; above 0.
  std::size_t limit = 8;        ///< Requests that may wait: more are dropped.
  bool drops_expired = false;   ///< Whether one that is late before it begins is dropped.
  bool is_closed_loop = false;  ///< The next comes when the last one ends: none waits.

  bool operator==(const Queue&) const = default;
};

/// What waits at the beginning of a period.
struct Waiting {
  std::size_t requests = 0;
  double oldest_ms = 0.0;  ///< For which the oldest has waited.
};

/// How many requests miss their deadline where they have to wait for each other: of single servers
/// with any arrivals and services.
///
/// A request that finds the server busy for another V begins V later. The next finds
/// max(0, V + S - A), where S is what this one takes and A the gap to the next (Lindley 1952, The
/// theory of queues with a single server): a Markov chain, here on a grid of V. One that is dropped
/// adds no S. Its costs are misses; its gain (misses a request, in the long run) and its relative
/// values (how many more are missed because V was there, until the queue is settled) solve
/// Poisson's equation of the chain (Puterman 1994, Markov Decision Processes, section 8.2).
/// Relative values of what is done later are what makes it worth to be faster now: one step of
/// policy improvement (Howard 1960).
///
/// Solved for some service times, when they are asked for; what is between them is interpolated.
class QueueModel {
 public:
  /// From now on so. What was solved is kept while it still holds, nearly, and for some periods.
  void follow(const Queue& queue, const ServiceSpread& spread, const ArrivalGaps& gaps);

  void pass_period() { ++age_; }

  /// The share of requests that are late or dropped in the long run, in [0, 1].
  /// @param log_service  of the mean time that a request takes, in ms. What is no number is late.
  double missed(double log_service);

  /// How many requests more that is where the first has to wait for `wait_ms`.
  double missed_behind(double log_service, double wait_ms);

  /// From now on excess() is beside a server that takes this after the coming period.
  /// @param arrivals  that are expected in the coming period.
  void look_ahead(double log_service, double arrivals);
  /// How many more requests are missed than if none waited and the server of look_ahead() served
  /// from now on: of those that wait, of those that come in the period and, with that server, of
  /// those that come later. @param delay_ms  before the first can begin.
  double excess(double log_service, const Waiting& waiting, double delay_ms);

 private:
  static constexpr std::size_t kPoints = 40;  ///< Service times.
  struct Solution {
    double missed = 0.0;         ///< A request, in the long run ...
    std::vector<double> values;  ///< ... and [states] more where there is V.
  };
  struct Point {
    std::optional<Solution> solution;
    std::vector<double> ahead;  ///< [states] Excess until the end; empty if not known.
  };

  double log_service_at(std::size_t point) const {
    return first_ + step_ * static_cast<double>(point);
  }
  double state_ms(std::size_t state) const { return grid_ms_ * static_cast<double>(state); }
  double served_late(double service_ms, double wait_ms) const;
  /// The chance to be dropped.
  double dropped(double service_ms, double wait_ms) const;
  /// Fills kernel_, whose index is a step of V, for services of this mean.
  void find_steps(double service_ms, std::vector<double>& kernel) const;
  /// Fills matrix_ and costs_ for services of this mean.
  void find_chain(double service_ms);
  const Solution& solve(std::size_t point);
  double for_waiting(std::size_t point);
  std::span<const double> ahead(std::size_t point);
  double excess_at(std::size_t point, const Waiting& waiting, double delay_ms);
  double value_at(std::span<const double> values, double wait_ms) const;

  Queue queue_;
  ServiceSpread spread_;
  ArrivalGaps arrivals_;
  std::vector<Share> services_;  ///< Over the mean.
  std::vector<Share> gaps_;      ///< In ms.
  std::size_t age_ = 0;          ///< Periods since something was solved anew.
  double scale_ms_ = 1.0;        ///< The deadline, or what takes its place.
  double grid_ms_ = 1.0;
  std::size_t states_ = 0;
  double first_ = 0.0;
  double step_ = 1.0;
  std::array<Point, kPoints> points_;
  double log_deadline_ = 0.0;
  /// [points]: what is missed for waiting, in the long run, with the present spread; no number
  /// where it is not known yet.
  std::array<double, kPoints> for_waiting_{};

  std::vector<double> reference_;  ///< Values of the server that follows ...
  double reference_missed_ = 0.0;
  double reference_log_ = 0.0;
  double period_arrivals_ = 0.0;

  // While something is solved.
  std::vector<double> kernel_;
  std::vector<double> idle_kernel_;
  std::vector<double> matrix_;  ///< [states x states] chances.
  std::vector<double> costs_;   ///< [states]
};

}  // namespace rein
