#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "common/clock.hpp"

namespace rein {

/// A request that waits.
struct Request {
  TimePoint arrival;
  Duration deadline{};  ///< After the arrival; Duration::max() if it is never late.

  /// Below 0 if the deadline has passed. @pre now >= arrival.
  Duration time_left(TimePoint now) const { return deadline - (now - arrival); }
};

/// Requests in the order of their arrival. Keeps its memory, so that a steady flow takes none.
class RequestQueue {
 public:
  bool empty() const { return first_ == requests_.size(); }
  std::size_t size() const { return requests_.size() - first_; }

  void clear() {
    requests_.clear();
    first_ = 0;
  }
  void push(const Request& request) {
    if (first_ > size()) {  // As many steps forward as were taken since the last time.
      requests_.erase(requests_.begin(), requests_.begin() + static_cast<std::ptrdiff_t>(first_));
      first_ = 0;
    }
    requests_.push_back(request);
  }
  /// The oldest. @pre !empty().
  const Request& front() const { return requests_[first_]; }
  /// Takes the oldest. @pre !empty().
  Request pop() { return requests_[first_++]; }
  /// Takes out those that are late at `now`, and returns how many.
  std::size_t drop_late(TimePoint now) {
    const auto begin = requests_.begin() + static_cast<std::ptrdiff_t>(first_);
    const auto late = std::remove_if(begin, requests_.end(), [now](const Request& request) {
      return request.time_left(now) < Duration::zero();
    });
    const auto count = static_cast<std::size_t>(requests_.end() - late);
    requests_.erase(late, requests_.end());
    return count;
  }

 private:
  std::vector<Request> requests_;  ///< From first_ on.
  std::size_t first_ = 0;
};

}  // namespace rein
