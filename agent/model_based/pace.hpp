#pragma once

#include <cstddef>

namespace rein {

/// How many more requests come just now than in the mean: bursts last. What was counted lately is
/// believed as far as counts are known to differ by more than chance (credibility: Bühlmann 1967):
/// of regular and of Poisson arrivals not at all.
class Pace {
 public:
  /// @param expected  as many would have arrived in the period in the mean.
  void note(double arrived, double expected, double interval_s);
  /// Requests that come in the coming period over those in the mean; above 0.
  double factor() const;

 private:
  // Of the time since the last block ended ...
  double arrived_ = 0.0;
  double expected_ = 0.0;
  double time_s_ = 0.0;
  // ... and of all blocks: squared differences, and what they would be by chance.
  double squares_ = kBlocks;
  double chance_ = kBlocks;
  // Lately.
  double lately_ = 0.0;
  double lately_expected_ = 0.0;

  static constexpr double kBlocks = 10.0;  ///< By chance, before anything was counted.
};

}  // namespace rein
