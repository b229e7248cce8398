#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>

namespace rein {

/// Seeded random numbers that are the same on every compiler and machine.
///
/// The engine is the Mersenne Twister of the standard; the distributions are ours, since the
/// standard leaves theirs to the library. Passed in by reference wherever something is random.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  /// Uniform in [0, 1), a multiple of 2^-53.
  double uniform();
  /// Uniform in {0, ..., n - 1}. @pre n > 0.
  std::size_t index(std::size_t n);
  /// Shaped like a normal variable of mean 0 and standard deviation 1, but never beyond 3.5: the
  /// sum of four uniform ones (Irwin 1927, Hall 1927). For noise that has to be cheap.
  double bell();
  /// Exponentially distributed with the given mean. @pre mean > 0.
  double exponential(double mean);

  /// The complete state as text, and back.
  std::string save() const;
  /// @throws Error if `state` is not what save() wrote.
  void load(const std::string& state);

 private:
  std::mt19937_64 engine_;
};

}  // namespace rein
