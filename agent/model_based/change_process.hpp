#pragma once

#include <cstddef>
#include <deque>
#include <span>
#include <vector>

namespace rein {

/// How what goes on beside us goes on: programs that work and pause by turns, that come back again
/// and again, or never. A Markov chain of how slow they make an action, whose chances are counted
/// as it runs among the periods in which they made it as slow as now (kernel regression: Nadaraya
/// 1964).
class ChangeProcess {
 public:
  /// By how much longer requests may take in the coming period than now, as a logarithm.
  struct Jump {
    double log = 0.0;
    double chance = 0.0;  ///< In [0, 1]; what all of them leave is that it stays.
  };

  /// A period passed. @param conditions  what went on in it: as many numbers each time.
  void note(std::span<const double> conditions);
  /// What may come. @param slows  how slow each of the numbers makes the action, as a logarithm
  /// for 1.
  std::vector<Jump> jumps(std::span<const double> slows) const;

  void forget() { periods_.clear(); }

 private:
  std::deque<std::vector<double>> periods_;
};

}  // namespace rein
