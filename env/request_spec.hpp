#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "common/config_node.hpp"

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

/// [RequestSpec::Arrival]
constexpr std::array<std::string_view, 3> kArrivals = {"periodic", "poisson", "closed_loop"};

}  // namespace rein
