#include "agent/rivals/poet.hpp"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>

#include "agent/core/checkpoint.hpp"
#include "agent/core/knob_layout.hpp"
#include "agent/core/managed_application.hpp"
#include "agent/rivals/profile_source.hpp"
#include "common/files.hpp"

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
  Poet::begin_episode();
}

void Poet::begin_episode(std::size_t /*stream*/) {
  filter_ = {.base_hz = slowest_ms_ > 0.0 ? 1e3 / slowest_ms_ : 1.0};
  power_ratio_ = 1.0;
  schedule_ = {};
  period_ = 0;
  last_asked_ = problem_.actions.size();
  served_ = busy_s_ = expected_s_ = applied_ = speed_hz_ = speedup_ = goal_hz_ = 0.0;
}

std::optional<double> Poet::speedup(ActionId action) const {
  const auto& service_ms = profile_.entries.at(action).service_ms;
  return service_ms && *service_ms > 0.0 ? std::optional(slowest_ms_ / *service_ms) : std::nullopt;
}

std::vector<Poet::Point> Poet::front(const Situation& now) const {
  std::vector<Point> points;
  double least_power = 0.0;
  for (const ProfileEntry* entry : by_speed_) {
    const bool keeps_use = use_.share(*entry, now) * power_ratio_ <= options_.power_share;
    if (!keeps_use || entry->top1 < now.min_top1.value_or(0.0)) {
      continue;
    }
    const Point point{entry->action, slowest_ms_ / *entry->service_ms, use_.cost(*entry, now)};
    const double power = entry->power_w.value_or(0.0);
    // Of two that cost the same, the one that draws less power is the better one.
    if (points.empty() || std::tie(point.cost, power) < std::tie(points.back().cost, least_power)) {
      points.push_back(point);
      least_power = power;
    }
  }
  return points;
}

Poet::Schedule Poet::plan(double speedup, const Situation& now) const {
  const auto points = front(now);
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

double Poet::next_speedup(double goal_hz) {
  if (speed_hz_ > 0.0) {
    filter_.update(applied_, speed_hz_, options_);
    // With this gain the error is gone after one step, if the base speed is right.
    speedup_ = applied_ + (goal_hz - speed_hz_) / filter_.base_hz;
  } else if (goal_hz_ > 0.0) {
    speedup_ *= goal_hz / goal_hz_;  // Nothing new is known but the goal.
  } else {
    speedup_ = goal_hz / filter_.base_hz;
  }
  goal_hz_ = goal_hz;
  return speedup_;
}

ActionId Poet::act(const View& view) {
  if (period_ == 0) {
    const Situation now = Situation::of(view.task);
    schedule_ = plan(next_speedup(options_.margin * 1e3 / now.time_for_request_ms()), now);
  }
  return period_ < schedule_.periods_in_lower ? schedule_.lower : schedule_.upper;
}

void Poet::observe(const Transition& transition) {
  if (transition.info == nullptr) {
    return;
  }
  const StepInfo& info = *transition.info;
  // What was asked for: where the machine gives less, everything is slower than profiled.
  const ActionId asked = transition.action;
  const ActionId before = std::exchange(last_asked_, asked);
  // What a change itself takes says nothing of the speed.
  const bool changed = before != asked && before < problem_.actions.size();
  const ServiceReport& service = managed_service(info);
  if (const auto applied = speedup(asked); applied && service.served > 0 && !changed) {
    served_ += static_cast<double>(service.served);
    busy_s_ += 1e-3 * service.busy_ms;
    expected_s_ += static_cast<double>(service.served) / *applied;
  }
  const auto& profiled_w = profile_.entries[asked].power_w;
  if (const auto power_w = power_.fresh(info, use_.signal()); !changed && power_w && profiled_w) {
    power_ratio_ += options_.power_rate * (*power_w / *profiled_w - power_ratio_);
  }
  period_ = (period_ + 1) % options_.window;
  if (period_ == 0) {
    applied_ = served_ > 0.0 ? served_ / expected_s_ : 0.0;
    speed_hz_ = busy_s_ > 0.0 ? served_ / busy_s_ : 0.0;
    served_ = busy_s_ = expected_s_ = 0.0;
  }
}

void Poet::save(const std::filesystem::path& file) const {
  auto json = checkpoint_header(kind(), problem_);
  json["filter"] = {filter_.base_hz, filter_.variance};
  json["power_ratio"] = power_ratio_;
  json["schedule"] = {schedule_.lower, schedule_.upper, schedule_.periods_in_lower};
  json["period"] = period_;
  json["last_asked"] = last_asked_;
  json["window"] = {served_, busy_s_, expected_s_, applied_, speed_hz_};
  json["control"] = {speedup_, goal_hz_};
  write_file(file, json.dump(1) + "\n");
}

void Poet::load(const std::filesystem::path& file) {
  const ConfigNode node = open_checkpoint(file, kind(), problem_);
  const auto numbers = [&](const std::string& key, std::size_t count) {
    auto list = node.at(key).numbers(Range::non_negative());
    if (list.size() != count) {
      node.at(key).fail(std::to_string(count) + " numbers");
    }
    return list;
  };
  const auto filter = numbers("filter", 2);
  const auto window = numbers("window", 5);
  const auto control = node.at("control").numbers();
  if (control.size() != 2) {
    node.at("control").fail("2 numbers");
  }
  const auto schedule = node.at("schedule").items();
  if (schedule.size() != 3) {
    node.at("schedule").fail("3 numbers");
  }
  const std::size_t last = problem_.actions.size() - 1;
  const Schedule loaded{load_index(schedule[0], last), load_index(schedule[1], last),
                        load_index(schedule[2], options_.window)};
  const double ratio = node.at("power_ratio").number();
  const std::size_t period = load_index(node.at("period"), options_.window - 1);
  const ActionId last_asked = load_index(node.at("last_asked"), problem_.actions.size());
  node.reject_unknown();
  last_asked_ = last_asked;
  filter_ = {filter[0], filter[1]};
  power_ratio_ = ratio;
  schedule_ = loaded;
  period_ = period;
  served_ = window[0];
  busy_s_ = window[1];
  expected_s_ = window[2];
  applied_ = window[3];
  speed_hz_ = window[4];
  speedup_ = control[0];
  goal_hz_ = control[1];
}

}  // namespace rein
