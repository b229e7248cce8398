#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "models/engine.hpp"
#include "platform/place.hpp"

namespace rein {

/// Does what requests ask for and lets the time for it pass: with a network on this machine, or
/// with a model of one on a simulated board. Used from one thread.
class RequestWorker {
 public:
  virtual ~RequestWorker() = default;

  /// Of the network, in ascending order of width; at least one; fixed.
  virtual const std::vector<NetworkLevel>& levels() const = 0;

  /// What does it, for people; empty for a model of one.
  virtual std::string description() const { return {}; }

  /// Why it cannot serve at places on a device, or no longer can; nothing if it can. Cheap.
  virtual std::optional<std::string> obstacle(const std::string& /*device*/) const {
    return std::nullopt;
  }

  /// From the next request on. @throws std::out_of_range if level >= levels().size().
  virtual void set_level(std::size_t level) = 0;

  /// Told whenever the place has changed: where requests are served from the next one on, on how
  /// many threads. The platform has moved the threads that there are. Where its device has an
  /// obstacle, the CPU serves.
  virtual void set_place(const Place& place) = 0;

  /// Before an episode: what is random starts from `seed`, and what is slow for the first time is
  /// done. @param places  those that set_place() will be given.
  virtual void prepare(std::uint64_t seed, const std::vector<Place>& places) = 0;

  /// Classifies so many images as one request. Blocks until done.
  /// @param time_left  until the request's deadline; below 0 if that has passed.
  /// @return how many were classified rightly.
  virtual std::size_t serve(std::size_t images, Duration time_left) = 0;
};

}  // namespace rein
