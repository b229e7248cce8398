#include "env/worth.hpp"

#include <algorithm>
#include <array>

namespace rein {

namespace {

double clamp01(double value) { return std::clamp(value, 0.0, 1.0); }

double normalised_accuracy(double accuracy, double lowest, double highest) {
  return highest > lowest ? (accuracy - lowest) / (highest - lowest) : 1.0;
}

double served(const PeriodFacts& facts) {
  double served = 0.0;
  for (const auto& application : facts.applications) {
    served += application.served;
  }
  return served;
}

/// The energy of a request, if power is known and any was served.
std::optional<double> energy_per_request_mj(const PeriodFacts& facts, PowerSignal signal) {
  const double requests = served(facts);
  const auto& power_w = facts.power(signal);
  if (!power_w || requests == 0.0) {
    return std::nullopt;
  }
  return *power_w * facts.interval_s * 1e3 / requests;
}

// What a kind is judged by. Those that take an index are asked for an application's.

std::optional<double> miss_limit(const Task& task, std::size_t application) {
  const auto& latency = task.applications[application].latency;
  return latency ? std::optional(latency->miss_rate) : std::nullopt;
}
std::optional<double> miss_share(const PeriodFacts& facts, const Task&, std::size_t application) {
  const ApplicationFacts& of = facts.applications[application];
  return of.requests > 0.0 ? std::optional(of.missed / of.requests) : std::nullopt;
}
double miss_scale(const PeriodFacts&, double limit, std::size_t) {
  return limit < 1.0 ? 1.0 - limit : 1.0;  // A limit of 1 can't be broken; any scale will do.
}

std::optional<double> accuracy_limit(const Task& task, std::size_t application) {
  const auto& accuracy = task.applications[application].accuracy;
  return accuracy ? std::optional(accuracy->min_top1) : std::nullopt;
}
std::optional<double> accuracy(const PeriodFacts& facts, const Task&, std::size_t application) {
  return facts.applications[application].accuracy_top1;
}
double accuracy_scale(const PeriodFacts& facts, double, std::size_t application) {
  constexpr double kNoRange = 1e-12;  // Of a network with one level: whatever lacks is all.
  const ApplicationFacts& of = facts.applications[application];
  return std::max(kNoRange, of.accuracy_highest - of.accuracy_lowest);
}
std::optional<double> accuracy_window_s(const Task& task, std::size_t application) {
  return task.applications[application].accuracy->window_s;
}
BudgetRule::Part accuracy_part(const PeriodFacts& facts, const Task&, std::size_t application) {
  const ApplicationFacts& of = facts.applications[application];
  return {of.accuracy_top1 * of.served, of.served};
}

std::optional<double> power_limit(const Task& task, std::size_t) {
  return task.power ? std::optional(task.power->limit_w) : std::nullopt;
}
std::optional<double> power(const PeriodFacts& facts, const Task& task, std::size_t) {
  return facts.power(task.power->signal);
}
double own_scale(const PeriodFacts&, double limit, std::size_t) { return limit; }
std::optional<double> power_window_s(const Task& task, std::size_t) { return task.power->window_s; }
BudgetRule::Part power_part(const PeriodFacts& facts, const Task& task, std::size_t) {
  const auto& power_w = facts.power(task.power->signal);
  return {power_w.value_or(0.0) * facts.interval_s, power_w ? facts.interval_s : 0.0};
}

/// In mJ a request; of a battery in W: what it leaves for each second.
std::optional<double> energy_limit(const Task& task, std::size_t) {
  if (!task.energy) {
    return std::nullopt;
  }
  return task.energy->limit_mj ? *task.energy->limit_mj : task.battery_allowance_w.value_or(0.0);
}
std::optional<double> energy(const PeriodFacts& facts, const Task& task, std::size_t) {
  return task.energy->limit_mj ? energy_per_request_mj(facts, task.energy->signal)
                               : facts.power(task.energy->signal);
}
std::optional<double> energy_window_s(const Task& task, std::size_t) {
  return task.energy->limit_mj ? std::optional(task.energy->window_s) : std::nullopt;
}
BudgetRule::Part energy_part(const PeriodFacts& facts, const Task& task, std::size_t) {
  const auto& power_w = facts.power(task.energy->signal);
  return {power_w.value_or(0.0) * facts.interval_s * 1e3, power_w ? served(facts) : 0.0};
}

std::optional<double> temperature_limit(const Task& task, std::size_t) {
  return task.temperature ? std::optional(task.temperature->limit_c) : std::nullopt;
}
std::optional<double> temperature(const PeriodFacts& facts, const Task&, std::size_t) {
  return facts.measured(BudgetId::Kind::kTemperature);
}
double ten_kelvin(const PeriodFacts&, double, std::size_t) { return 10.0; }

using enum BudgetId::Kind;

constexpr std::array<BudgetRule, kNumBudgets> kRules = {{
    {.kind = kLatency,
     .is_applications = true,
     .is_floor = false,
     .limit = miss_limit,
     .value = miss_share,
     .scale = miss_scale,
     .window_s = nullptr,
     .part = nullptr},
    {.kind = kAccuracy,
     .is_applications = true,
     .is_floor = true,
     .limit = accuracy_limit,
     .value = accuracy,
     .scale = accuracy_scale,
     .window_s = accuracy_window_s,
     .part = accuracy_part},
    {.kind = kPower,
     .is_applications = false,
     .is_floor = false,
     .limit = power_limit,
     .value = power,
     .scale = own_scale,
     .window_s = power_window_s,
     .part = power_part,
     .column = {.name = "power_limit_w",
                .unit = "W",
                .what = "the power budget in force",
                .put = [](Task& task,
                          double limit) { task.power = PowerBudget{.limit_w = limit}; }}},
    {.kind = kEnergy,
     .is_applications = false,
     .is_floor = false,
     .limit = energy_limit,
     .value = energy,
     .scale = own_scale,
     .window_s = energy_window_s,
     .part = energy_part,
     .column = {.name = "energy_limit",
                .unit = "mJ, W with a battery",
                .what = "the energy budget in force: of a request; of a battery what it leaves for "
                        "each second of the rest of its horizon",
                .put = [](Task& task, double limit) { task.energy.emplace().limit_mj = limit; }}},
    {.kind = kTemperature,
     .is_applications = false,
     .is_floor = false,
     .limit = temperature_limit,
     .value = temperature,
     .scale = ten_kelvin,
     .window_s = nullptr,
     .part = nullptr,
     .is_measured_by = [](const SignalDescription& signal) { return signal.is_heat; },
     .measured = "the processor's heat",
     .column = {.name = "temperature_limit_c",
                .unit = "degC",
                .what = "the temperature budget in force",
                .put =
                    [](Task& task, double limit) {
                      task.temperature = TemperatureBudget{.limit_c = limit};
                    }}},
}};

/// Calls `visit` with each budget that is set.
template <typename Visit>
void for_each_budget(const Task& task, Visit visit) {
  for (std::size_t i = 0; i < task.applications.size(); ++i) {
    for (const auto& rule : kRules) {
      if (const auto limit = rule.is_applications ? rule.limit(task, i) : std::nullopt) {
        visit(BudgetInForce{&rule, i, *limit});
      }
    }
  }
  for (const auto& rule : kRules) {
    if (const auto limit = rule.is_applications ? std::nullopt : rule.limit(task, 0)) {
      visit(BudgetInForce{&rule, 0, *limit});
    }
  }
}

void set_name(std::string& name, const BudgetInForce& budget, const Task& task) {
  name = budget.rule->name();
  if (budget.rule->is_applications) {
    name += "." + task.applications[budget.application].name;
  }
}

}  // namespace

std::span<const BudgetRule> budget_rules() { return kRules; }

const BudgetRule& rule_of(BudgetId::Kind kind) {
  return *std::ranges::find(kRules, kind, &BudgetRule::kind);
}

const BudgetRule* rule_of_term(std::string_view name) {
  const auto found = std::ranges::find_if(kRules, [&](const BudgetRule& rule) {
    const std::string_view own = rule.name();
    return name == own || (rule.is_applications && name.substr(0, own.size() + 1).ends_with('.') &&
                           name.starts_with(own));
  });
  return found == kRules.end() ? nullptr : &*found;
}

double BudgetInForce::excess(const PeriodFacts& facts, double value) const {
  if (is_used_up()) {
    return 1.0;
  }
  const double beyond = rule->is_floor ? limit - value : value - limit;
  return beyond / rule->scale(facts, limit, application);
}

void find_budgets(const Task& task, std::vector<BudgetInForce>& budgets) {
  budgets.clear();
  for_each_budget(task, [&](const BudgetInForce& budget) { budgets.push_back(budget); });
}

void worth(const PeriodFacts& facts, const Task& task, Worth& result) {
  if (result.terms.empty()) {
    result.terms.push_back({"objective", 0.0});
  }
  result.terms.front().value = clamp01(objective_value(facts, task));
  result.sum = result.terms.front().value;
  std::size_t size = 0;
  for_each_budget(task, [&](const BudgetInForce& budget) {
    if (size == result.checks.size()) {
      result.checks.emplace_back();
      result.terms.emplace_back();
    }
    BudgetCheck& check = result.checks[size];
    RewardTerm& term = result.terms[++size];
    if (check.id != budget.id() || check.name.empty()) {
      check.id = budget.id();
      set_name(check.name, budget, task);
      term.name = check.name;
    }
    check.limit = budget.limit;
    check.value = budget.rule->value(facts, task, budget.application);
    check.excess =
        check.value || budget.is_used_up() ? budget.excess(facts, check.value.value_or(0.0)) : 0.0;
    check.violation = clamp01(check.excess);
    term.value = -task.prices[budget.rule->kind] * check.violation;
    result.sum += term.value;
  });
  result.checks.resize(size);
  result.terms.resize(size + 1);
}

double objective_value(const PeriodFacts& facts, const Task& task) {
  const Objective& objective = task.objective;
  if (objective.asks_for_power()) {
    const auto value = objective.kind == Objective::Kind::kMinPower
                           ? facts.power(objective.signal)
                           : energy_per_request_mj(facts, objective.signal);
    return value ? 1.0 - *value / objective.reference : 0.0;
  }
  double sum = 0.0;
  for (std::size_t i = 0; i < facts.applications.size(); ++i) {
    const ApplicationFacts& application = facts.applications[i];
    if (objective.kind == Objective::Kind::kMaxAccuracy) {
      sum += clamp01(normalised_accuracy(application.accuracy_top1, application.accuracy_lowest,
                                         application.accuracy_highest));
      continue;
    }
    // Where nothing at all is asked for there is no application in the task either.
    const auto& latency =
        i < task.applications.size() ? task.applications[i].latency : std::nullopt;
    if (application.latency_mean_ms && latency) {
      sum += clamp01(1.0 - *application.latency_mean_ms / latency->deadline_ms);
    }
  }
  return facts.applications.empty() ? 0.0 : sum / static_cast<double>(facts.applications.size());
}

double worth_bound(const Objective& objective, double accuracy_top1, double accuracy_lowest,
                   double accuracy_highest) {
  return objective.kind == Objective::Kind::kMaxAccuracy
             ? clamp01(normalised_accuracy(accuracy_top1, accuracy_lowest, accuracy_highest))
             : 1.0;
}

}  // namespace rein
