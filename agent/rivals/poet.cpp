#include "agent/rivals/poet.hpp"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include "agent/core/knob_layout.hpp"
#include "agent/core/managed_application.hpp"
#include "agent/rivals/profile_source.hpp"

namespace rein {

Poet::Options Poet::Options::from_yaml(const ConfigNode& node) {
  const Range above_zero_share{.min = 0.0, .max = 1.0, .min_excluded = true};
  Options options;
  options.process_noise = node.number_or("process_noise", options.process_noise, Range::positive());
  options.measurement_noise =
      node.number_or("measurement_noise", options.measurement_noise, Range::positive());
  options.margin = node.number_or("margin", options.margin, {.min = 1.0, .max = 10.0});
  options.window = static_cast<std::size_t>(node.integer_or(
      "window_periods", static_cast<std::int64_t>(options.window), {.min = 1.0, .max = 1000.0}));
  options.power_rate = node.number_or("power_rate", options.power_rate, above_zero_share);
  options.power_share = node.number_or("power_share", options.power_share, above_zero_share);
  return options;
}

void Poet::Filter::update(double speedup, double speed_hz, const Options& options) {
  variance += options.process_noise;
  const double gain =
      variance * speedup / (speedup * variance * speedup + options.measurement_noise);
  base_hz += gain * (speed_hz - speedup * base_hz);
  variance *= 1.0 - gain * speedup;
}

Poet::Poet(Options options, Profile profile, Problem problem)
    : options_(options),
      profile_(std::move(profile)),
      problem_(std::move(problem)),
      power_(problem_.signals),
      use_(problem_.task) {
  for (const auto& entry : profile_.entries) {
    if (entry.service_ms && *entry.service_ms > 0.0) {
      by_speed_.push_back(&entry);
      slowest_ms_ = std::max(slowest_ms_, *entry.service_ms);
    }
  }
  std::ranges::stable_sort(by_speed_, {},
                           [](const ProfileEntry* entry) { return *entry->service_ms; });
}

std::unique_ptr<Session> Poet::begin_episode(Random& random) const {
  auto now = std::make_unique<Now>(random);
  now->filter.base_hz = slowest_ms_ > 0.0 ? 1e3 / slowest_ms_ : 1.0;
  return now;
}

std::optional<double> Poet::speedup(ActionId action) const {
  const auto& service_ms = profile_.entries.at(action).service_ms;
  return service_ms && *service_ms > 0.0 ? std::optional(slowest_ms_ / *service_ms) : std::nullopt;
}

std::vector<Poet::Point> Poet::front(const Situation& asked, double power_ratio) const {
  std::vector<Point> points;
  double least_power = 0.0;
  for (const ProfileEntry* entry : by_speed_) {
    const bool keeps_use = use_.share(*entry, asked) * power_ratio <= options_.power_share;
    if (!keeps_use || entry->top1 < asked.min_top1.value_or(0.0)) {
      continue;
    }
    const Point point{entry->action, slowest_ms_ / *entry->service_ms, use_.cost(*entry, asked)};
    const double power = entry->power_w.value_or(0.0);
    // Of two that cost the same, the one that draws less power is the better one.
    if (points.empty() || std::tie(point.cost, power) < std::tie(points.back().cost, least_power)) {
      points.push_back(point);
      least_power = power;
    }
  }
  return points;
}

Poet::Schedule Poet::plan(double speedup, const Situation& asked, double power_ratio) const {
  const auto points = front(asked, power_ratio);
  if (points.empty()) {
    const ActionId fastest =
        by_speed_.empty() ? problem_.actions.size() - 1 : by_speed_.front()->action;
    return {fastest, fastest, 0};
  }
  Schedule best{points.front().action, points.front().action, 0};
  double least = std::numeric_limits<double>::infinity();
  for (const auto& upper : points) {
    if (upper.speedup < speedup) {
      break;
    }
    for (const auto& lower : points) {
      if (lower.speedup > speedup && &lower != &upper) {
        continue;
      }
      const double difference = upper.speedup - lower.speedup;
      const double share =
          difference > 0.0 ? std::min(1.0, (upper.speedup - speedup) / difference) : 0.0;
      const auto periods = static_cast<std::size_t>(share * static_cast<double>(options_.window));
      const double in_lower = static_cast<double>(periods) / static_cast<double>(options_.window);
      const double cost = in_lower * lower.cost + (1.0 - in_lower) * upper.cost;
      // The front's order leaves the slower, cheaper of equals.
      if (cost <= least) {
        least = cost;
        best = {lower.action, upper.action, periods};
      }
    }
  }
  return best;
}

double Poet::next_speedup(double goal_hz, Now& now) const {
  if (now.speed_hz > 0.0) {
    now.filter.update(now.applied, now.speed_hz, options_);
    // With this gain the error is gone after one step, if the base speed is right.
    now.speedup = now.applied + (goal_hz - now.speed_hz) / now.filter.base_hz;
  } else if (now.goal_hz > 0.0) {
    now.speedup *= goal_hz / now.goal_hz;  // Nothing new is known but the goal.
  } else {
    now.speedup = goal_hz / now.filter.base_hz;
  }
  now.goal_hz = goal_hz;
  return now.speedup;
}

Decision Poet::decide(const View& view, Session& session) const {
  auto& now = session.as<Now>();
  if (view.last != nullptr) {
    follow(*view.last, now);
  }
  if (now.period == 0) {
    const Situation asked = Situation::of(view.task);
    const double goal_hz = options_.margin * 1e3 / asked.time_for_request_ms();
    now.schedule = plan(next_speedup(goal_hz, now), asked, now.power_ratio);
  }
  return {.action = problem_.actions.decode(now.period < now.schedule.periods_in_lower
                                                ? now.schedule.lower
                                                : now.schedule.upper)};
}

void Poet::follow(const PeriodRecord& record, Now& now) const {
  const StepInfo& info = record.result.info;
  if (info.applications.empty()) {
    return;
  }
  // What was asked for: where the machine gives less, everything is slower than profiled.
  const ActionId asked = problem_.actions.encode(record.action);
  const Action before = std::exchange(now.last_asked, record.action);
  // What a change itself takes says nothing of the speed.
  const bool changed = !before.empty() && before != record.action;
  const ServiceReport& service = managed_service(info);
  if (const auto applied = speedup(asked); applied && service.served > 0 && !changed) {
    now.served += static_cast<double>(service.served);
    now.busy_s += 1e-3 * service.busy_ms;
    now.expected_s += static_cast<double>(service.served) / *applied;
  }
  const auto& profiled_w = profile_.entries[asked].power_w;
  if (const auto power_w = power_.fresh(info, use_.signal());
      !changed && power_w && profiled_w > 0.0) {
    now.power_ratio += options_.power_rate * (*power_w / *profiled_w - now.power_ratio);
  }
  now.period = (now.period + 1) % options_.window;
  if (now.period == 0) {
    now.applied = now.served > 0.0 ? now.served / now.expected_s : 0.0;
    now.speed_hz = now.busy_s > 0.0 ? now.served / now.busy_s : 0.0;
    now.served = now.busy_s = now.expected_s = 0.0;
  }
}

}  // namespace rein
