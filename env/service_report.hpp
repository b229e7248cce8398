#pragma once

#include <cstddef>
#include <optional>
#include <vector>

namespace rein {

/// What is told of latencies [ms] where they themselves are not kept; empty where nothing was
/// served.
struct LatencyFigures {
  std::optional<double> mean, p50, p95, p99, max;
};

/// What became of the requests of one application in one period.
struct ServiceReport {
  std::size_t arrived = 0;
  std::size_t served = 0;
  std::size_t late = 0;              ///< Of those served: ended after the deadline.
  std::size_t dropped = 0;           ///< Found the queue full, or expired in it.
  std::size_t queued = 0;            ///< Waiting at the end of the period ...
  double waited_ms = 0.0;            ///< ... and for how long the oldest of them has.
  std::vector<double> latencies_ms;  ///< [served], from arrival to end, in the order of serving.
  LatencyFigures told;               ///< Of a report that was read, instead of latencies_ms.
  std::vector<double> services_ms;   ///< [served], the same without the waiting.
  std::vector<double> gaps_ms;  ///< Of those that arrived: since the one before, if there was one.
  std::vector<bool> misses;     ///< [served + dropped], whether late or dropped, in order of event.
  double accuracy_sum =
      0.0;                  ///< Over those served: top-1 of the level that served, from its table.
  double busy_ms = 0.0;     ///< Sum of services_ms.
  std::size_t images = 0;   ///< That were classified ...
  std::size_t correct = 0;  ///< ... and rightly so.

  /// Nothing happened yet; memory is kept.
  void clear();

  std::size_t requests() const { return served + dropped; }
  std::size_t missed() const { return late + dropped; }
};

}  // namespace rein
