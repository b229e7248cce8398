#pragma once

#include <cstddef>
#include <deque>
#include <span>
#include <vector>

namespace rein {

/// How what goes on beside us goes on: programs that work and pause by turns, that come back again
/// and again, or never. A Markov chain of how slow a place is, whose chances are counted as it runs
/// among the periods in which the place was as slow as it is now (kernel regression, Nadaraya
/// 1964).
class ChangeProcess {
 public:
  /// By how much longer requests may take in the coming period than now, as a logarithm.
  struct Jump {
    double log = 0.0;
    double chance = 0.0;  ///< In [0, 1]; what all of them leave is that it stays.
  };

  /// A period passed in a place. @param before, after  how slow it was and is, as logarithms.
  void note(std::size_t place, double before, double after);
  /// What may come in a place that is as slow as this. Valid until the next call.
  std::span<const Jump> jumps_from(std::size_t place, double level);

  void forget() { seen_.clear(); }

 private:
  struct Seen {
    std::size_t place = 0;
    double before = 0.0;
    double after = 0.0;
  };
  std::deque<Seen> seen_;
  std::vector<Jump> jumps_;
};

}  // namespace rein
