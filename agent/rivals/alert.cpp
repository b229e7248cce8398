#include "agent/rivals/alert.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "agent/core/knob_layout.hpp"
#include "agent/core/managed_application.hpp"
#include "agent/rivals/profile_source.hpp"

namespace rein {

namespace {

/// Where no deadline says how many may miss, requests only have to be served as fast as they come.
constexpr double kLeastChance = 0.5;

AdaptiveFilter::Options read_filter(const ConfigNode& node, const std::string& key,
                                    AdaptiveFilter::Options options) {
  if (node.has(key)) {
    const ConfigNode filter = node.at(key);
    options.gain = filter.number_or("gain", options.gain, Range::share());
    options.measurement_noise =
        filter.number_or("measurement_noise", options.measurement_noise, Range::positive());
    options.process_noise =
        filter.number_or("process_noise", options.process_noise, Range::positive());
    options.memory = filter.number_or("memory", options.memory, Range::share());
    filter.reject_unknown();
  }
  return options;
}

}  // namespace

void AdaptiveFilter::update(double observed) {
  State& now = state_;
  now.noise = std::max(
      options_.process_noise,
      options_.memory * now.noise + (1.0 - options_.memory) * now.correction * now.correction);
  now.variance = (1.0 - now.gain) * now.variance + now.noise;
  now.gain = now.variance / (now.variance + options_.measurement_noise);
  now.correction = now.gain * (observed - now.mean);
  now.mean += now.correction;
}

Alert::Options Alert::Options::from_yaml(const ConfigNode& node) {
  Options options;
  options.slowdown = read_filter(node, "slowdown", options.slowdown);
  options.power = read_filter(node, "power", options.power);
  options.power_share = node.number_or("power_share", options.power_share,
                                       {.min = 0.0, .max = 1.0, .min_excluded = true});
  return options;
}

Alert::Alert(const Options& options, Profile profile, Problem problem)
    : options_(options),
      profile_(std::move(profile)),
      problem_(std::move(problem)),
      power_(problem_.signals),
      use_(problem_.task) {}

std::unique_ptr<Session> Alert::begin_episode(Random& random) const {
  return std::make_unique<Now>(random, options_);
}

double Alert::chance(double service_ms, double time_ms, const AdaptiveFilter& slowdown) {
  const auto& factor = slowdown.state();
  const double deviation_ms = std::sqrt(factor.variance) * service_ms;
  // The normal distribution function.
  return 0.5 * std::erfc((factor.mean * service_ms - time_ms) / (std::sqrt(2.0) * deviation_ms));
}

ActionId Alert::choose(const Situation& asked, const Now& now) const {
  const double time_ms = asked.time_for_request_ms();
  const double wanted = std::max(kLeastChance, 1.0 - asked.miss_rate);
  const double ratio = now.power_ratio.state().mean;
  // What is compared is what is lacking of each constraint, the most important one first.
  using Rank = std::tuple<double, double, double, double, double>;
  std::optional<Rank> best;
  ActionId chosen = problem_.actions.size() - 1;
  for (const auto& entry : profile_.entries) {
    if (!entry.service_ms) {
      continue;
    }
    const double late = wanted - chance(*entry.service_ms, time_ms, now.slowdown);
    const double overuse = use_.share(entry, asked) * ratio / options_.power_share - 1.0;
    const Rank rank{std::max(0.0, late), std::max(0.0, asked.min_top1.value_or(0.0) - entry.top1),
                    std::max(0.0, overuse), use_.cost(entry, asked), entry.power_w.value_or(0.0)};
    if (!best || rank < *best) {
      best = rank;
      chosen = entry.action;
    }
  }
  return chosen;
}

Decision Alert::decide(const View& view, Session& session) const {
  auto& now = session.as<Now>();
  if (view.last != nullptr) {
    follow(*view.last, now);
  }
  return {.action = problem_.actions.decode(choose(Situation::of(view.task), now))};
}

void Alert::follow(const PeriodRecord& record, Now& now) const {
  const StepInfo& info = record.result.info;
  // What was asked for: where the machine gives less, everything is slower than profiled.
  const Action before = std::exchange(now.last_asked, record.action);
  if (info.applications.empty() || (!before.empty() && before != record.action)) {
    return;  // What the change itself takes says nothing of the slow-down.
  }
  const auto& entry = profile_.entries[problem_.actions.encode(record.action)];
  const ServiceReport& service = managed_service(info);
  if (service.served > 0 && entry.service_ms > 0.0) {
    now.slowdown.update(service.busy_ms / static_cast<double>(service.served) / *entry.service_ms);
  }
  if (const auto power_w = power_.fresh(info, use_.signal()); power_w && entry.power_w > 0.0) {
    now.power_ratio.update(*power_w / *entry.power_w);
  }
}

}  // namespace rein
