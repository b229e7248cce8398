#include "cli/status_line.hpp"

#include <fmt/format.h>

#include <string>

#include "cli/output.hpp"
#include "common/statistics.hpp"

namespace rein {

StatusLine::StatusLine(const Environment& environment, double planned_s)
    : environment_(environment), planned_s_(planned_s), shown_(can_draw()) {}

StatusLine::~StatusLine() {
  if (drawn_) {
    end_drawing();
  }
}

void StatusLine::update(const PeriodRecord& record) {
  const StepInfo& info = record.result.info;
  std::string latency;
  for (std::size_t i = 0; i < info.applications.size(); ++i) {
    const ApplicationInfo& application = info.applications[i];
    requests_ += application.service.requests();
    missed_ += application.service.missed();
    if (application.service.served > 0) {
      latency += fmt::format("{}{:.1f}", latency.empty() ? "" : " ",
                             quantile(application.service.latencies_ms, 0.95));
      if (const auto& budget = info.task.applications[i].latency) {
        latency += fmt::format("/{:g}", budget->deadline_ms);
      }
    }
  }
  const auto now = std::chrono::steady_clock::now();
  if (!shown_ ||
      (drawn_ && !record.result.truncated && now - last_ < std::chrono::milliseconds(200))) {
    return;
  }
  last_ = now;
  drawn_ = true;
  std::string settings;
  const auto& knobs = environment_.action_space().knobs();
  const Action& levels = record.action;
  for (std::size_t i = 0; i < knobs.size(); ++i) {
    settings += (i == 0 ? "" : " ") + knobs[i].levels[levels[i]].label;
  }
  const double misses =
      requests_ > 0 ? 100.0 * static_cast<double>(missed_) / static_cast<double>(requests_) : 0.0;
  draw_line(fmt::format(
      "{:5.1f}/{:.0f} s  {}{}  {}  p95 {} ms  missed {:.2f} %  reward {:+.2f}",
      info.time_s + info.interval_s, planned_s_, info.phase,
      info.co_runners.empty() ? "" : fmt::format(" [{}]", fmt::join(info.co_runners, " ")),
      settings, latency.empty() ? "-" : latency, misses, record.result.reward));
}

}  // namespace rein
