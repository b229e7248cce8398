#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>

#include "common/config_node.hpp"
#include "env/recorded_arrivals.hpp"

namespace rein {

/// A recording of arrivals, and where an episode begins in it.
struct Recording {
  std::shared_ptr<const RecordedArrivals> arrivals;
  std::filesystem::path file;
  std::optional<double> from_s;  ///< In the recording's time; where the seed says, if empty.
};

/// How requests arrive, and what one is.
struct RequestSpec {
  enum class Arrival { kPeriodic, kPoisson, kClosedLoop, kRecorded };
  Arrival arrival = Arrival::kPeriodic;
  Recording recording = {};     ///< For kRecorded.
  double rate_hz = 10.0;        ///< Above 0. Not used by a closed loop.
  std::size_t batch = 8;        ///< Images in a request, at least 1.
  std::size_t queue_limit = 8;  ///< Requests that may wait; one that finds more waiting is dropped.
  /// Whether a request whose deadline has passed before it was begun is dropped, or served late.
  bool drop_expired = false;

  static RequestSpec from_yaml(const ConfigNode& node);
  /// Reads the keys that say how requests arrive.
  void read_arrival(const ConfigNode& node);
};

/// [RequestSpec::Arrival]
constexpr std::array<std::string_view, 4> kArrivals = {"periodic", "poisson", "closed_loop",
                                                       "recorded"};

}  // namespace rein
