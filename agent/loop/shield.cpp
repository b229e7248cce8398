#include "agent/loop/shield.hpp"

#include <algorithm>
#include <utility>

#include "agent/core/knob_layout.hpp"

namespace rein {

namespace {

/// Weight of the newest period in an action's mean power.
constexpr double kNewestWeight = 0.5;

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
bool is_no_cheaper(const Action& one, const Action& other, const std::vector<Knob>& knobs) {
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

void Shield::expect(const Task& task) { now_ = Situation::of(task); }

Overruled Shield::emergency() const {
  if (state_.hold_left > 0) {
    return state_.reason;
  }
  const bool is_too_hot = now_.temperature_limit_c && state_.hottest_c &&
                          *state_.hottest_c >= *now_.temperature_limit_c;
  return is_too_hot ? Overruled::kTemperature : Overruled::kNot;
}

bool Shield::allows(const Action& action) const {
  return emergency() == Overruled::kNot ? mask(action) == Overruled::kNot : action == safe_action();
}

bool Shield::allows_all() const {
  return emergency() == Overruled::kNot && !masks_heat() &&
         !(limits_power() &&
           std::ranges::any_of(state_.seen,
                               [bound_w = power_bound_w(*now_.power_limit_w)](const Seen& seen) {
                                 return seen.power_w > bound_w;
                               }));
}

Shield::Verdict Shield::check(const Action& wanted) const {
  if (const Overruled reason = emergency(); reason != Overruled::kNot) {
    return {safe_action(), reason};
  }
  const Overruled reason = mask(wanted);
  return {reason == Overruled::kNot ? wanted : nearest_permitted(wanted), reason};
}

void Shield::observe(const PeriodRecord& record) {
  const StepInfo& info = record.result.info;
  ++state_.period;
  state_.in_force = action_in_force(record);
  state_.hottest_c.reset();
  for (const std::size_t zone : zones_) {
    if (const auto value = info.reading(zone)) {
      state_.hottest_c = std::max(state_.hottest_c.value_or(*value), *value);
    }
  }
  follow(ruling_power(info.task));
  state_.power_w = power_.fresh(info, state_.signal);

  see();
  count_troubles(info);
  follow_stretch(info);
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

void Shield::see() {
  std::erase_if(state_.seen, [&](const Seen& seen) {
    return seen.period + options_.memory_periods <= state_.period;
  });
  if (!state_.power_w) {
    return;
  }
  const auto found = std::ranges::find(state_.seen, state_.in_force, &Seen::action);
  if (found == state_.seen.end()) {
    state_.seen.push_back(
        {.action = state_.in_force, .power_w = *state_.power_w, .period = state_.period});
  } else {
    found->power_w += kNewestWeight * (*state_.power_w - found->power_w);
    found->period = state_.period;
  }
}

void Shield::follow_stretch(const StepInfo& info) {
  const Action& action = state_.in_force;
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

Overruled Shield::find_trouble(const StepInfo& info) const {
  if (std::max(state_.without_power, state_.without_temperature) >= options_.sensor_periods) {
    return Overruled::kSensors;
  }
  for (std::size_t i = 0; i < state_.refusals.size(); ++i) {
    // Of a knob that the machine no longer tries, the last refusal stands for ever.
    const bool is_new = state_.refusals[i] == options_.actuation_periods;
    const bool lasts = state_.refusals[i] > options_.actuation_periods && !info.granted[i].left_out;
    if (is_new || lasts) {
      return Overruled::kActuation;
    }
  }
  return state_.exceeded >= options_.budget_periods ? Overruled::kBudgets : Overruled::kNot;
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
  const Overruled trouble = state_.hold_left == 0 ? find_trouble(info) : Overruled::kNot;
  if (trouble != Overruled::kNot) {
    state_.reason = trouble;
    state_.hold_left = state_.next_hold;
    state_.next_hold = std::min(2 * state_.next_hold, options_.longest_hold_periods);
  }
}

bool Shield::drew_over(const Action& action, double power_w) const {
  const auto& knobs = problem_.actions.knobs();
  // Those over it first: they are few, and most actions are beyond none of them.
  const Seen* newest = nullptr;
  for (const Seen& seen : state_.seen) {
    if (seen.power_w > power_w && (newest == nullptr || seen.period > newest->period) &&
        is_no_cheaper(action, seen.action, knobs)) {
      newest = &seen;
    }
  }
  return newest != nullptr && std::ranges::none_of(state_.seen, [&](const Seen& seen) {
           return seen.power_w <= power_w && seen.period > newest->period &&
                  is_no_cheaper(seen.action, action, knobs);
         });
}

bool Shield::draws_more_than_in_force(const Action& action) const {
  const bool is_above =
      action != state_.in_force && is_no_cheaper(action, state_.in_force, problem_.actions.knobs());
  return is_above || (state_.power_w && drew_over(action, power_bound_w(*state_.power_w)));
}

bool Shield::masks_heat() const {
  return now_.temperature_limit_c && state_.hottest_c &&
         *state_.hottest_c > *now_.temperature_limit_c - options_.guard_k;
}

Overruled Shield::mask(const Action& action) const {
  if (masks_heat() && draws_more_than_in_force(action)) {
    return Overruled::kTemperature;
  }
  return limits_power() && drew_over(action, power_bound_w(*now_.power_limit_w)) ? Overruled::kPower
                                                                                 : Overruled::kNot;
}

Action Shield::nearest_permitted(const Action& wanted) const {
  const auto& knobs = problem_.actions.knobs();
  Action levels = wanted;
  // All knobs of this effect by turns, one level at a time.
  const auto lower = [&](Knob::Effect effect) {
    for (bool is_lower = true; is_lower;) {
      is_lower = false;
      for (std::size_t i = 0; i < knobs.size(); ++i) {
        if (knobs[i].effect() == effect && levels[i] > 0) {
          --levels[i];
          is_lower = true;
          if (mask(levels) == Overruled::kNot) {
            return true;
          }
        }
      }
    }
    return false;
  };
  return lower(Knob::Effect::kFaster) || lower(Knob::Effect::kCostlier) ? levels : safe_action();
}

Action Shield::safe_action() const {
  const auto is_within = [&](const SafeConfiguration& safe) {
    return !limits_power() || (safe.power_w <= *now_.power_limit_w &&
                               !drew_over(safe.action, power_bound_w(*now_.power_limit_w)));
  };
  if (state_.safe && is_within(*state_.safe)) {
    return state_.safe->action;
  }
  Action lowest = state_.in_force;
  for (std::size_t i = 0; i < lowest.size(); ++i) {
    if (problem_.actions.knobs()[i].effect() != Knob::Effect::kUnordered) {
      lowest[i] = 0;
    }
  }
  return lowest;
}

std::unique_ptr<Shield> make_shield(const std::optional<Shield::Options>& options,
                                    const Environment& environment) {
  return options ? std::make_unique<Shield>(*options, problem_of(environment)) : nullptr;
}

}  // namespace rein
