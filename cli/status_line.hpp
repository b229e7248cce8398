#pragma once

#include <chrono>

#include "env/environment.hpp"
#include "env/period_record.hpp"

namespace rein {

/// How a run stands, in one line on standard error that is drawn over and over; on a terminal only,
/// at most five times a second.
class StatusLine {
 public:
  /// `environment` must outlive this.
  StatusLine(const Environment& environment, double planned_s);
  ~StatusLine();  ///< Ends the line.
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;

  void update(const PeriodRecord& record);

 private:
  const Environment& environment_;
  double planned_s_;
  bool shown_;
  bool drawn_ = false;
  std::uint64_t requests_ = 0;
  std::uint64_t missed_ = 0;
  std::chrono::steady_clock::time_point last_{};
};

}  // namespace rein
