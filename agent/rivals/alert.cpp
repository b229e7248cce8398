#include "agent/rivals/alert.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <tuple>
#include <utility>

#include "agent/core/checkpoint.hpp"
#include "agent/core/knob_layout.hpp"
#include "agent/core/managed_application.hpp"
#include "agent/rivals/profile_source.hpp"
#include "common/files.hpp"

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

nlohmann::ordered_json to_json(const AdaptiveFilter::State& state) {
  return {state.mean, state.variance, state.gain, state.noise, state.correction};
}

AdaptiveFilter::State load_filter(const ConfigNode& node) {
  const auto numbers = node.numbers();
  if (numbers.size() != 5) {
    node.fail("five numbers");
  }
  return {numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]};
}

}  // namespace

void AdaptiveFilter::reset() { state_ = {.gain = options_.gain, .noise = options_.process_noise}; }

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
      slowdown_(options.slowdown),
      power_ratio_(options.power),
      last_asked_(problem_.actions.size()),
      power_(problem_.signals),
      use_(problem_.task) {}

void Alert::begin_episode(std::size_t /*stream*/) {
  slowdown_.reset();
  power_ratio_.reset();
  last_asked_ = problem_.actions.size();
}

double Alert::chance(double service_ms, double time_ms) const {
  const auto& factor = slowdown_.state();
  const double deviation_ms = std::sqrt(factor.variance) * service_ms;
  // The normal distribution function.
  return 0.5 * std::erfc((factor.mean * service_ms - time_ms) / (std::sqrt(2.0) * deviation_ms));
}

ActionId Alert::choose(const Situation& now) const {
  const double time_ms = now.time_for_request_ms();
  const double wanted = std::max(kLeastChance, 1.0 - now.miss_rate);
  const double ratio = power_ratio_.state().mean;
  // What is compared is what is lacking of each constraint, the most important one first.
  using Rank = std::tuple<double, double, double, double, double>;
  std::optional<Rank> best;
  ActionId chosen = problem_.actions.size() - 1;
  for (const auto& entry : profile_.entries) {
    if (!entry.service_ms) {
      continue;
    }
    const double late = wanted - chance(*entry.service_ms, time_ms);
    const double overuse = use_.share(entry, now) * ratio / options_.power_share - 1.0;
    const Rank rank{std::max(0.0, late), std::max(0.0, now.min_top1.value_or(0.0) - entry.top1),
                    std::max(0.0, overuse), use_.cost(entry, now), entry.power_w.value_or(0.0)};
    if (!best || rank < *best) {
      best = rank;
      chosen = entry.action;
    }
  }
  return chosen;
}

ActionId Alert::act(const View& view) { return choose(Situation::of(view.task)); }

void Alert::observe(const Transition& transition) {
  if (transition.info == nullptr) {
    return;
  }
  const StepInfo& info = *transition.info;
  // What was asked for: where the machine gives less, everything is slower than profiled.
  const ActionId asked = transition.action;
  const ActionId before = std::exchange(last_asked_, asked);
  if (before != asked && before < problem_.actions.size()) {
    return;  // What the change itself takes says nothing of the slow-down.
  }
  const auto& entry = profile_.entries[asked];
  const ServiceReport& service = managed_service(info);
  if (service.served > 0 && entry.service_ms) {
    slowdown_.update(service.busy_ms / static_cast<double>(service.served) / *entry.service_ms);
  }
  if (const auto power_w = power_.fresh(info, use_.signal()); power_w && entry.power_w) {
    power_ratio_.update(*power_w / *entry.power_w);
  }
}

void Alert::save(const std::filesystem::path& file) const {
  auto json = checkpoint_header(kind(), problem_);
  json["slowdown"] = to_json(slowdown_.state());
  json["power"] = to_json(power_ratio_.state());
  json["last_asked"] = last_asked_;
  write_file(file, json.dump(1) + "\n");
}

void Alert::load(const std::filesystem::path& file) {
  const ConfigNode node = open_checkpoint(file, kind(), problem_);
  const auto slowdown = load_filter(node.at("slowdown"));
  const auto power = load_filter(node.at("power"));
  const auto last_asked = load_index(node.at("last_asked"), problem_.actions.size());
  node.reject_unknown();
  slowdown_.restore(slowdown);
  power_ratio_.restore(power);
  last_asked_ = last_asked;
}

}  // namespace rein
