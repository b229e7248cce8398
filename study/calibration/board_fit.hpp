#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "platform/board/board.hpp"
#include "platform/simulated/contention.hpp"
#include "study/calibration/measurement_table.hpp"

namespace rein {

/// What a board is fitted with.
struct BoardFitOptions {
  /// Whose clocks and places it has; made from the table if empty. Its simulation is not used.
  std::optional<Board> board;
  std::string name = "fitted board";  ///< Of the board that is made.
  /// How far computing and memory overlap, 1 to 100; as it fits best if empty.
  std::optional<double> overlap;
};

/// By how much simulated figures are off, of so many rows.
struct FitError {
  double mean = 0.0;  ///< Of |simulated / measured - 1|; of temperatures [K] the difference ...
  double worst = 0.0;
  std::size_t rows = 0;  ///< ... and 0 if there are none.
};

/// A simulated board that was made like a table of measurements.
struct BoardFit {
  struct Figure {
    std::string name;  ///< `latency of vgg19`
    bool is_temperature = false;
    FitError fitted;
    FitError held_back;
  };
  /// What computing and memory overlap on one device, with the errors of the fitted latencies.
  struct Overlap {
    std::string device;
    double value = 1.0;
    FitError error;
    FitError error_of_sum;  ///< If they do not overlap.
  };

  Board board;
  std::vector<Figure> figures;
  std::vector<Overlap> overlaps;
  std::map<std::string, ContentionProfile> co_runners;
  std::map<std::string, Sensitivity> sensitivities;  ///< By network, if there are co-runners.
  /// What the table does not say, each with what was taken instead.
  std::vector<std::string> notes;

  /// Errors, overlaps and notes, for people.
  std::string describe() const;
  /// A board file. @param source  the table's name, for a comment.
  std::string to_yaml(const std::string& source) const;
};

/// Makes the simulated board that comes nearest to the rows that are not held back: least squares
/// of the logarithms of latency and power, replayed on the simulated board itself.
/// docs/fit-board.md says what is fitted when, and what is taken otherwise.
/// @throws ConfigError for a table that does not tell enough, or does not fit the board.
BoardFit fit_board(const MeasurementTable& table, const BoardFitOptions& options);

}  // namespace rein
