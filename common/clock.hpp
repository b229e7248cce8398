#pragma once

#include <chrono>
#include <cstdint>

namespace rein {

using Duration = std::chrono::nanoseconds;

/// A moment of a Clock, counted from an origin that only that clock knows.
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, Duration>;

constexpr double to_seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}
constexpr double to_milliseconds(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}
/// To the nanosecond below. What is longer than a hundred years becomes that, so that no time
/// overflows; what is no number becomes 0.
constexpr Duration from_seconds(double seconds) {
  constexpr double kLongestS = 100.0 * 365.25 * 86'400.0;
  if (!(seconds >= -kLongestS && seconds <= kLongestS)) {
    seconds = seconds > 0.0 ? kLongestS : seconds < 0.0 ? -kLongestS : 0.0;
  }
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}
constexpr Duration from_milliseconds(double milliseconds) {
  return from_seconds(milliseconds / 1e3);
}

/// The only source of time and sleep. Never steps backwards. Used from one thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimePoint now() const = 0;
  /// Blocks until `moment`; returns at once if that has passed. A signal may end it early.
  virtual void sleep_until(TimePoint moment) = 0;
};

/// CLOCK_MONOTONIC: a change of the date does not stretch a period.
class SteadyClock final : public Clock {
 public:
  TimePoint now() const override;
  void sleep_until(TimePoint moment) override;
};

/// Time that passes only when told to, or when somebody sleeps. For tests and simulation.
class ManualClock final : public Clock {
 public:
  TimePoint now() const override { return now_; }
  void sleep_until(TimePoint moment) override { now_ = moment > now_ ? moment : now_; }
  void advance(Duration duration) { now_ += duration; }

 private:
  TimePoint now_{};
};

/// Divides time into periods of equal length on a fixed grid.
///
/// Work that overruns its period makes the next one shorter; whole periods that have passed are
/// skipped and counted, so that periods never come in a burst.
class PeriodTimer {
 public:
  /// @pre period > 0.
  PeriodTimer(TimePoint start, Duration period) : end_(start + period), period_(period) {}

  /// The end of the present period.
  TimePoint end() const { return end_; }

  /// Begins the period that contains `now`, or the next one if the present has not ended yet.
  /// Returns how many whole periods were skipped.
  std::uint64_t advance(TimePoint now);

  std::uint64_t skipped() const { return skipped_; }

 private:
  TimePoint end_;
  Duration period_;
  std::uint64_t skipped_ = 0;
};

}  // namespace rein
