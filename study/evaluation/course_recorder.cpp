#include "study/evaluation/course_recorder.hpp"

#include <algorithm>
#include <cmath>

#include "agent/loop/run_summary.hpp"

namespace rein {

namespace {

constexpr double kPoints = 120.0;

/// As many digits as can be seen in a plot.
double rounded(double value) { return std::round(value * 1e4) / 1e4; }

Folded power_over_time() { return Folded(quantity_of("power_w").over_time); }

}  // namespace

CourseRecorder::CourseRecorder(const Environment& environment, double planned_s)
    : point_s_(planned_s / kPoints),
      power_(find_signal(environment.signals(), "power_w")),
      power_of_point_(power_over_time()) {}

void CourseRecorder::add(const PeriodRecord& record) {
  const StepInfo& info = record.result.info;
  if (course_.empty() || info.time_s >= course_.back().time_s + point_s_) {
    course_.push_back({.time_s = rounded(info.time_s)});
    served_ = accuracy_sum_ = 0.0;
    power_of_point_ = power_over_time();
  }
  report::CoursePoint& point = course_.back();
  for (const auto& application : info.applications) {
    const ServiceReport& service = application.service;
    served_ += static_cast<double>(service.served);
    accuracy_sum_ += service.accuracy_sum;
    for (const double latency_ms : service.latencies_ms) {
      point.latency_ms = rounded(std::max(latency_ms, point.latency_ms.value_or(0.0)));
    }
  }
  for (const auto& application : info.task.applications) {
    if (application.latency) {
      point.deadline_ms = rounded(application.latency->deadline_ms);
    }
  }
  if (info.task.power) {
    point.power_limit_w = rounded(info.task.power->limit_w);
  }
  if (served_ > 0.0) {
    point.top1 = rounded(accuracy_sum_ / served_);
  }
  if (const auto power_w = power_ ? info.signals[*power_] : std::nullopt) {
    power_of_point_.add(*power_w, info.interval_s);
    point.power_w = rounded(power_of_point_.value().value_or(*power_w));
  }
}

}  // namespace rein
