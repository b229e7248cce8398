#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "common/clock.hpp"
#include "env/request_server.hpp"
#include "env/request_spec.hpp"

namespace rein {

/// Draws when requests may come from now on, for whoever knows how they come by chance, and not
/// when: from the next one on nothing is taken from what will be.
///
/// Poisson arrivals have no memory. Of a recording it is known that requests come as in it, and
/// what has been of it: a future begins somewhere in it where they came as densely as they do now,
/// within a gap that is as long as the present one has been, or longer.
class ArrivalFutures {
 public:
  explicit ArrivalFutures(const RequestSpec& spec);

  bool is_by_chance() const { return is_poisson_ || recorded_ != nullptr; }
  /// Sets what comes next for `server`, whose backlog is that of the moment `now`; leaves it alone
  /// if nothing comes by chance. Same number, moment and backlog: the same future.
  void begin(std::uint64_t future, TimePoint now, RequestServer& server);

 private:
  /// Where in the recording it may be as far as can be told, for futures that begin at `now`.
  void find_places(TimePoint now, const Backlog& backlog);

  bool is_poisson_ = false;
  std::shared_ptr<const RecordedArrivals> recorded_;
  std::vector<std::size_t> by_pace_;  ///< Gaps of the recording, in the order of the pace ...
  std::vector<double> pace_;          ///< [gap] ... of some before it: their sum.
  std::optional<TimePoint> found_at_;
  double elapsed_ = 0.0;             ///< Of the present gap, over the mean one.
  std::vector<std::size_t> places_;  ///< Gaps that the present one may be.
};

}  // namespace rein
