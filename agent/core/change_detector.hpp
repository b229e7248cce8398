#pragma once

#include <cstdint>

#include "common/archive.hpp"
#include "common/config_node.hpp"

namespace rein {

/// Finds a rise of the mean of a sequence: Page's test (Page 1954), of the deviations from a mean
/// that itself follows slowly, as in Page-Hinkley (Hinkley 1971).
class ChangeDetector {
 public:
  struct Options {
    double tolerance = 0.05;   ///< A rise by less is none.
    double threshold = 5.0;    ///< Of the sum of the rises beyond that; above 0.
    double mean_rate = 0.002;  ///< How fast the mean follows, in (0, 1]; 1 / count before.

    static Options from_yaml(const ConfigNode& node);
  };
  struct State {
    std::uint64_t count = 0;
    double mean = 0.0;
    double sum = 0.0;  ///< Of the rises; never below 0.
  };

  explicit ChangeDetector(const Options& options) : options_(options) {}

  /// Whether the mean has risen. If so it begins anew.
  bool add(double value);

  const State& state() const { return state_; }
  void archive(Archive& archive);

 private:
  Options options_;
  State state_;
};

}  // namespace rein
