#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

namespace rein {

/// When requests came somewhere, to be played again at another mean rate. After the last one it
/// goes on with the first.
class RecordedArrivals {
 public:
  /// @param times_s  ascending, at least two, not all the same.
  explicit RecordedArrivals(const std::vector<double>& times_s);
  /// Reads a CSV file whose column `arrival_s` has them; others are left alone. @throws
  /// ConfigError.
  static RecordedArrivals read(const std::filesystem::path& file);

  std::size_t size() const { return gaps_.size(); }
  /// From one arrival to the next, over the mean of all; from the last to the first that mean.
  double gap(std::size_t arrival) const { return gaps_[arrival]; }
  /// The first one so long after the beginning of the recording, or later; the first of all if
  /// there is none. @param time_s  as recorded.
  std::size_t find(double time_s) const;

 private:
  std::vector<double> gaps_;  ///< [size()]
  double mean_gap_s_ = 1.0;
};

}  // namespace rein
