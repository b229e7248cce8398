#include "common/clock.hpp"

#include <ctime>

namespace rein {

TimePoint SteadyClock::now() const {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return TimePoint{std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec)};
}

void SteadyClock::sleep_until(TimePoint moment) {
  const auto since_origin = moment.time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since_origin);
  const timespec time{.tv_sec = seconds.count(), .tv_nsec = (since_origin - seconds).count()};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nullptr);
}

std::uint64_t PeriodTimer::advance(TimePoint now) {
  std::uint64_t passed = 0;
  if (now > end_) {
    passed = static_cast<std::uint64_t>((now - end_) / period_);
  }
  end_ += period_ * static_cast<std::int64_t>(passed + 1);
  skipped_ += passed;
  return passed;
}

}  // namespace rein
