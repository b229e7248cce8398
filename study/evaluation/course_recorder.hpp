#pragma once

#include <cstddef>
#include <optional>

#include "env/environment.hpp"
#include "env/period_record.hpp"
#include "platform/quantities.hpp"
#include "study/evaluation/course.hpp"

namespace rein {

/// Sums an episode up in at most 121 points of equal length.
class CourseRecorder {
 public:
  /// @param planned_s  the length that the episode is to have.
  CourseRecorder(const Environment& environment, double planned_s);

  void add(const PeriodRecord& record);
  const report::Course& course() const { return course_; }

 private:
  double point_s_;
  std::optional<std::size_t> power_;  ///< Index of power_w among the signals.
  report::Course course_;
  // Of the last point.
  double served_ = 0.0;
  double accuracy_sum_ = 0.0;
  Folded power_of_point_;
};

}  // namespace rein
