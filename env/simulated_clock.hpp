#pragma once

#include "common/clock.hpp"
#include "platform/simulated/simulated_board.hpp"

namespace rein {

/// The time of a simulated board, which idles while somebody sleeps.
class SimulatedClock final : public Clock {
 public:
  /// `board` must outlive the clock.
  explicit SimulatedClock(SimulatedBoard& board) : board_(board) {}
  TimePoint now() const override { return board_.now(); }
  void sleep_until(TimePoint moment) override { board_.idle_until(moment); }

 private:
  SimulatedBoard& board_;
};

}  // namespace rein
