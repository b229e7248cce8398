#pragma once

#include "common/random.hpp"
#include "platform/board/simulation_section.hpp"

namespace rein {

/// By which factor one request takes longer than the next, as LatencyNoise says: drawn for each
/// request, or as probabilities over all of them.
class ServiceNoise {
 public:
  explicit ServiceNoise(const LatencyNoise& noise);

  /// Begins a sequence of requests, from any moment.
  void reset(Random& random);
  /// Of the next request; above 0. Draws nothing if there is no noise.
  double draw(Random& random);

  double mean() const;
  /// The probability that a request has more than `factor`, whenever it comes.
  double exceedance(double factor) const;

 private:
  double tail_exceedance(double factor) const;

  LatencyNoise noise_;
  double chance_of_tail_ = 0.0;  ///< For the request after one that was not in the tail.
  bool is_in_tail_ = false;
};

}  // namespace rein
