#include "study/evaluation/course_recorder.hpp"

#include <algorithm>
#include <cmath>

#include "agent/loop/run_summary.hpp"

namespace rein {

namespace {

constexpr double kPoints = 120.0;

/// As many digits as can be seen in a plot.
double rounded(double value) { return std::round(value * 1e4) / 1e4; }

}  // namespace

CourseRecorder::CourseRecorder(const Environment& environment, double planned_s)
    : point_s_(planned_s / kPoints), power_(find_signal(environment.signals(), "power_w")) {}

void CourseRecorder::add(const PeriodRecord& record) {
  const StepInfo& info = record.result.info;
  if (course_.empty() || info.time_s >= course_.back().time_s + point_s_) {
    course_.push_back({.time_s = rounded(info.time_s)});
    served_ = accuracy_sum_ = power_s_ = energy_j_ = 0.0;
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
    power_s_ += info.interval_s;
    energy_j_ += *power_w * info.interval_s;
    point.power_w = rounded(energy_j_ / power_s_);
  }
}

}  // namespace rein
