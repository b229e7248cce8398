#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "common/clock.hpp"
#include "common/config_node.hpp"
#include "common/random.hpp"
#include "env/service_report.hpp"
#include "models/image_set.hpp"
#include "models/scalable_network.hpp"

namespace rein {

/// How requests arrive, and what one is.
struct RequestSpec {
  enum class Arrival { kPeriodic, kPoisson, kClosedLoop };
  Arrival arrival = Arrival::kPeriodic;
  double rate_hz = 10.0;        ///< Above 0. Not used by a closed loop.
  std::size_t batch = 8;        ///< Images in a request, at least 1.
  std::size_t queue_limit = 8;  ///< Requests that may wait; one that finds more waiting is dropped.
  /// Whether a request whose deadline has passed before it was begun is dropped, or served late.
  bool drop_expired = false;

  static RequestSpec from_yaml(const ConfigNode& node);
};

/// Serves one application's requests on the calling thread: arrivals, queue, deadlines.
///
/// Arrivals do not depend on how fast requests are served (but for a closed loop). A request that
/// was begun is finished, also past the end of the period, and counts in that period; so do those
/// that arrived or expired meanwhile, since it is this period's action that kept them waiting.
class RequestServer {
 public:
  /// All must outlive the server. @throws Error if the set has fewer images than a batch.
  RequestServer(const RequestSpec& spec, ScalableNetwork& network, const ImageSet& images,
                Clock& clock);

  /// Empties the queue; the first request arrives at `start` (for kPoisson: some time after).
  void reset(TimePoint start, std::uint64_t seed);

  /// Holds for requests that arrive from now on.
  void set_deadline(Duration deadline) { deadline_ = deadline; }
  /// @pre rate_hz > 0.
  void set_rate(double rate_hz) { spec_.rate_hz = rate_hz; }
  void set_level(std::size_t level);
  std::size_t level() const { return level_; }
  std::size_t queue_limit() const { return spec_.queue_limit; }
  double rate_hz() const { return spec_.rate_hz; }

  /// Serves a request that nobody made and that counts nowhere.
  void rehearse();

  /// Serves until `end`, waiting when there is nothing to do.
  ServiceReport serve_until(TimePoint end);

 private:
  struct Request {
    TimePoint arrival;
    Duration deadline;
  };
  void admit(TimePoint now, ServiceReport& report);
  void drop(ServiceReport& report);
  void drop_expired(TimePoint now, ServiceReport& report);
  void serve(const Request& request, ServiceReport& report);
  Duration next_gap();

  RequestSpec spec_;
  ScalableNetwork& network_;
  const ImageSet& images_;
  Clock& clock_;
  Random random_{0};
  std::deque<Request> queue_;
  TimePoint next_arrival_{};
  Duration deadline_{};
  std::size_t level_ = 0;
  std::size_t next_image_ = 0;
  std::vector<int> predictions_;
};

}  // namespace rein
