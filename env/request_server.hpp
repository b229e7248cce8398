#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "common/clock.hpp"
#include "common/random.hpp"
#include "env/request_queue.hpp"
#include "env/request_spec.hpp"
#include "env/request_worker.hpp"
#include "env/service_report.hpp"

namespace rein {

/// What waits, and what will come: all by which one server's future differs from another's, but for
/// what is drawn at random.
struct Backlog {
  RequestQueue queue;
  TimePoint next_arrival{};
  std::optional<TimePoint> last_arrival;
  std::size_t next_recorded = 0;  ///< Which arrival of the recording that is.
  Duration deadline{};            ///< Of requests that arrive from now on.
  double rate_hz = 1.0;           ///< Likewise; above 0.
};

/// Serves one application's requests on the calling thread: arrivals, queue, deadlines.
///
/// Arrivals do not depend on how fast requests are served (but for a closed loop). A request that
/// was begun is finished, also past the end of the period, and counts in that period; so do those
/// that arrived or expired meanwhile, since it is this period's action that kept them waiting.
class RequestServer {
 public:
  /// Worker and clock must outlive the server.
  RequestServer(const RequestSpec& spec, RequestWorker& worker, Clock& clock);

  /// Empties the queue; the first request arrives at `start` (for kPoisson: some time after). A
  /// recording begins where it is to, or where the seed says.
  /// @param rate_hz  at which they come from then on, whatever it was before; that of the
  ///                 specification if empty.
  void reset(TimePoint start, std::uint64_t seed, std::optional<double> rate_hz = {});

  /// Holds for requests that arrive from now on.
  void set_deadline(Duration deadline) { backlog_.deadline = deadline; }
  /// @pre rate_hz > 0.
  void set_rate(double rate_hz) { backlog_.rate_hz = rate_hz; }
  void set_level(std::size_t level);
  std::size_t level() const { return level_; }
  double rate_hz() const { return backlog_.rate_hz; }

  const Backlog& backlog() const { return backlog_; }
  /// Goes on from another server's.
  void set_backlog(const Backlog& backlog) { backlog_ = backlog; }
  /// The next request comes then, in place of when it would have. @param recorded  which of the
  /// recording's it is; of no meaning without one.
  void set_next_arrival(TimePoint moment, std::size_t recorded = 0) {
    backlog_.next_arrival = moment;
    backlog_.next_recorded = recorded;
  }
  /// What gaps between Poisson arrivals are drawn from.
  void set_random(const Random& random) { random_ = random; }

  /// Serves until `end`, waiting when there is nothing to do. Overwrites `report`.
  void serve_until(TimePoint end, ServiceReport& report);

 private:
  void admit(TimePoint now, ServiceReport& report);
  void drop(TimePoint now, ServiceReport& report);
  void drop_expired(TimePoint now, ServiceReport& report);
  /// Returns when it was done.
  TimePoint serve(const Request& request, TimePoint now, ServiceReport& report);
  Duration next_gap();

  RequestSpec spec_;
  RequestWorker& worker_;
  Clock& clock_;
  Random random_{0};
  Backlog backlog_;
  std::size_t level_ = 0;
};

}  // namespace rein
