#include "agent/loop/shield.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "agent/core/knob_layout.hpp"

namespace rein {

namespace {

/// Weight of the newest period in an action's mean power.
constexpr double kNewestWeight = 0.5;

std::optional<double> value_of(const StepInfo& info, std::size_t signal) {
  return signal < info.signals.size() ? info.signals[signal] : std::nullopt;
}

bool has_budget(const StepInfo& info, BudgetId::Kind kind) {
  return std::ranges::any_of(info.budgets,
                             [&](const BudgetStatus& status) { return status.id.kind == kind; });
}

/// Hard is what can do damage. A latency budget is not: the safe configuration, which is slow,
/// would not help it.
bool exceeds_hard_limit(const StepInfo& info) {
  return std::ranges::any_of(info.budgets, [](const BudgetStatus& status) {
    return status.exceeded && (status.id.kind == BudgetId::Kind::kPower ||
                               status.id.kind == BudgetId::Kind::kTemperature);
  });
}

/// Whether the first cannot draw less than the second: in the same place, and no lower in any knob
/// that has an order.
bool is_no_cheaper(const std::vector<std::size_t>& one, const std::vector<std::size_t>& other,
                   const std::vector<Knob>& knobs) {
  for (std::size_t i = 0; i < knobs.size(); ++i) {
    const bool is_unordered = knobs[i].effect() == Knob::Effect::kUnordered;
    if (is_unordered ? one[i] != other[i] : one[i] < other[i]) {
      return false;
    }
  }
  return true;
}

}  // namespace

Shield::Options Shield::Options::from_yaml(const ConfigNode& node) {
  Options options;
  const auto periods = [&](const char* key, std::uint64_t fallback) {
    return static_cast<std::uint64_t>(
        node.integer_or(key, static_cast<std::int64_t>(fallback), {.min = 1.0, .max = 1e6}));
  };
  options.memory_periods = periods("memory_periods", options.memory_periods);
  options.tolerance = node.number_or("tolerance", options.tolerance, Range::non_negative());
  options.guard_k = node.number_or("guard_k", options.guard_k, Range::non_negative());
  options.sensor_periods = periods("sensor_periods", options.sensor_periods);
  options.actuation_periods = periods("actuation_periods", options.actuation_periods);
  options.budget_periods = periods("budget_periods", options.budget_periods);
  options.stretch_periods = periods("stretch_periods", options.stretch_periods);
  options.hold_periods = periods("hold_periods", options.hold_periods);
  options.longest_hold_periods = periods("longest_hold_periods", options.longest_hold_periods);
  options.good_periods = periods("good_periods", options.good_periods);
  if (options.longest_hold_periods < options.hold_periods) {
    node.reject("expected longest_hold_periods not to be less than hold_periods");
  }
  node.reject_unknown();
  return options;
}

ShieldSetting ShieldSetting::from_yaml(const ConfigNode& node) {
  if (node.is_mapping()) {
    return {.wanted = true, .options = Shield::Options::from_yaml(node)};
  }
  return {.wanted = node.boolean(), .options = {}};
}

std::string to_string(Shield::Reason reason) {
  constexpr std::array<const char*, Shield::kNumReasons> kNames = {
      "", "power", "temperature", "sensors", "actuation", "budgets"};
  return kNames.at(static_cast<std::size_t>(reason));
}

Shield::Shield(const Options& options, Problem problem)
    : options_(options), problem_(std::move(problem)), power_(problem_.signals) {
  for (std::size_t i = 0; i < problem_.signals.size(); ++i) {
    if (problem_.signals[i].is_heat) {
      zones_.push_back(i);
    }
  }
  begin_episode();
}

void Shield::begin_episode() {
  const std::size_t knobs = problem_.actions.knobs().size();
  state_ = {};
  state_.in_force.assign(knobs, 0);
  state_.refusals.assign(knobs, 0);
  state_.next_hold = options_.hold_periods;
}

Shield::Verdict Shield::check(ActionId wanted, const Task& task) const {
  const Situation now = Situation::of(task);
  if (state_.hold_left > 0) {
    return {safe_action(now), state_.reason};
  }
  if (now.temperature_limit_c && state_.hottest_c &&
      *state_.hottest_c >= *now.temperature_limit_c) {
    return {safe_action(now), Reason::kTemperature};
  }
  const Reason reason = mask(problem_.actions.decode(wanted), now);
  return {reason == Reason::kNone ? wanted : nearest_permitted(wanted, now), reason};
}

void Shield::observe(const Transition& transition) {
  if (transition.info == nullptr) {
    return;
  }
  const StepInfo& info = *transition.info;
  const ActionId action = action_in_force(transition, problem_.actions);
  ++state_.period;
  problem_.actions.decode(action, state_.in_force);
  state_.hottest_c.reset();
  for (const std::size_t zone : zones_) {
    if (const auto value = value_of(info, zone)) {
      state_.hottest_c = std::max(state_.hottest_c.value_or(*value), *value);
    }
  }
  follow(ruling_power(info.task));
  state_.power_w = power_.fresh(info, state_.signal);

  see(action);
  count_troubles(info);
  follow_stretch(action, info);
  take_over_or_let_go(info);
}

void Shield::follow(PowerSignal signal) {
  if (signal != state_.signal) {
    state_.signal = signal;
    state_.seen.clear();
    state_.stretch = {};
    state_.safe.reset();
  }
}

void Shield::see(ActionId action) {
  std::erase_if(state_.seen, [&](const Seen& seen) {
    return seen.period + options_.memory_periods <= state_.period;
  });
  if (!state_.power_w) {
    return;
  }
  const auto found = std::ranges::find(state_.seen, action, &Seen::action);
  if (found == state_.seen.end()) {
    state_.seen.push_back({.action = action,
                           .levels = state_.in_force,
                           .power_w = *state_.power_w,
                           .period = state_.period});
  } else {
    found->power_w += kNewestWeight * (*state_.power_w - found->power_w);
    found->period = state_.period;
  }
}

void Shield::follow_stretch(ActionId action, const StepInfo& info) {
  const bool is_known =
      (state_.power_w || !power_.has(state_.signal)) && state_.without_temperature == 0;
  const bool is_kept = is_known && std::ranges::none_of(info.budgets, &BudgetStatus::exceeded);
  Stretch& stretch = state_.stretch;
  if (!is_kept || action != stretch.action) {
    stretch = {.action = action};
  }
  if (!is_kept) {
    return;
  }
  ++stretch.periods;
  stretch.power_sum_w += state_.power_w.value_or(0.0);
  if (stretch.periods < options_.stretch_periods) {
    return;
  }
  const double power_w = stretch.power_sum_w / static_cast<double>(stretch.periods);
  if (!state_.safe || action == state_.safe->action || power_w <= state_.safe->power_w) {
    state_.safe = {.action = action, .power_w = power_w};
  }
  stretch = {.action = action};
}

void Shield::count_troubles(const StepInfo& info) {
  const auto count = [](std::uint64_t& counter, bool again) { counter = again ? counter + 1 : 0; };
  // What a machine never had has not failed.
  count(state_.without_power, power_.has(state_.signal) &&
                                  has_budget(info, BudgetId::Kind::kPower) &&
                                  !power_.value(info, state_.signal));
  count(state_.without_temperature,
        !zones_.empty() && has_budget(info, BudgetId::Kind::kTemperature) && !state_.hottest_c);
  for (std::size_t i = 0; i < state_.refusals.size(); ++i) {
    count(state_.refusals[i], i < info.granted.size() && info.granted[i].refused);
  }
  count(state_.exceeded, state_.hold_left == 0 && exceeds_hard_limit(info));
}

Shield::Reason Shield::find_trouble(const StepInfo& info) const {
  if (std::max(state_.without_power, state_.without_temperature) >= options_.sensor_periods) {
    return Reason::kSensors;
  }
  for (std::size_t i = 0; i < state_.refusals.size(); ++i) {
    // Of a knob that the machine no longer tries, the last refusal stands for ever.
    const bool is_new = state_.refusals[i] == options_.actuation_periods;
    const bool lasts = state_.refusals[i] > options_.actuation_periods && !info.granted[i].left_out;
    if (is_new || lasts) {
      return Reason::kActuation;
    }
  }
  return state_.exceeded >= options_.budget_periods ? Reason::kBudgets : Reason::kNone;
}

void Shield::take_over_or_let_go(const StepInfo& info) {
  const bool is_good = state_.hold_left == 0 && state_.exceeded == 0 && state_.without_power == 0 &&
                       state_.without_temperature == 0 &&
                       std::ranges::count(state_.refusals, 0U) ==
                           static_cast<std::ptrdiff_t>(state_.refusals.size());
  state_.good = is_good ? state_.good + 1 : 0;
  if (state_.good >= options_.good_periods) {
    state_.next_hold = options_.hold_periods;
  }
  state_.hold_left -= state_.hold_left > 0 ? 1 : 0;
  const Reason trouble = state_.hold_left == 0 ? find_trouble(info) : Reason::kNone;
  if (trouble != Reason::kNone) {
    state_.reason = trouble;
    state_.hold_left = state_.next_hold;
    state_.next_hold = std::min(2 * state_.next_hold, options_.longest_hold_periods);
  }
}

bool Shield::drew_over(const Levels& levels, double power_w) const {
  const auto& knobs = problem_.actions.knobs();
  const Seen* newest = nullptr;
  for (const Seen& seen : state_.seen) {
    const bool tells = seen.power_w > power_w ? is_no_cheaper(levels, seen.levels, knobs)
                                              : is_no_cheaper(seen.levels, levels, knobs);
    if (tells && (newest == nullptr || seen.period > newest->period)) {
      newest = &seen;
    }
  }
  return newest != nullptr && newest->power_w > power_w;
}

bool Shield::draws_more_than_in_force(const Levels& levels) const {
  const bool is_above =
      levels != state_.in_force && is_no_cheaper(levels, state_.in_force, problem_.actions.knobs());
  return is_above || (state_.power_w && drew_over(levels, power_bound_w(*state_.power_w)));
}

Shield::Reason Shield::mask(const Levels& levels, const Situation& now) const {
  if (now.temperature_limit_c && state_.hottest_c &&
      *state_.hottest_c > *now.temperature_limit_c - options_.guard_k &&
      draws_more_than_in_force(levels)) {
    return Reason::kTemperature;
  }
  return limits_power(now) && drew_over(levels, power_bound_w(*now.power_limit_w)) ? Reason::kPower
                                                                                   : Reason::kNone;
}

ActionId Shield::nearest_permitted(ActionId wanted, const Situation& now) const {
  const auto& knobs = problem_.actions.knobs();
  Levels levels = problem_.actions.decode(wanted);
  // All knobs of this effect by turns, one level at a time.
  const auto lower = [&](Knob::Effect effect) {
    for (bool is_lower = true; is_lower;) {
      is_lower = false;
      for (std::size_t i = 0; i < knobs.size(); ++i) {
        if (knobs[i].effect() == effect && levels[i] > 0) {
          --levels[i];
          is_lower = true;
          if (mask(levels, now) == Reason::kNone) {
            return true;
          }
        }
      }
    }
    return false;
  };
  return lower(Knob::Effect::kFaster) || lower(Knob::Effect::kCostlier)
             ? problem_.actions.encode(levels)
             : safe_action(now);
}

ActionId Shield::safe_action(const Situation& now) const {
  const auto is_within = [&](const SafeConfiguration& safe) {
    return !limits_power(now) ||
           (safe.power_w <= *now.power_limit_w &&
            !drew_over(problem_.actions.decode(safe.action), power_bound_w(*now.power_limit_w)));
  };
  if (state_.safe && is_within(*state_.safe)) {
    return state_.safe->action;
  }
  Levels lowest = state_.in_force;
  for (std::size_t i = 0; i < lowest.size(); ++i) {
    if (problem_.actions.knobs()[i].effect() != Knob::Effect::kUnordered) {
      lowest[i] = 0;
    }
  }
  return problem_.actions.encode(lowest);
}

std::unique_ptr<Shield> make_shield(const std::optional<Shield::Options>& options,
                                    const Environment& environment) {
  return options ? std::make_unique<Shield>(*options, problem_of(environment)) : nullptr;
}

}  // namespace rein
