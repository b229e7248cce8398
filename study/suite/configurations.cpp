#include "study/suite/configurations.hpp"

#include "agent/core/power_reader.hpp"
#include "agent/loop/budget_tally.hpp"
#include "agent/loop/run_summary.hpp"

namespace rein::suite {

namespace {

/// Keeps the action for a whole episode. @param see  is told of every period.
template <typename See>
void keep(Environment& environment, ActionId action, const See& see) {
  environment.reset(1);
  const Action levels = environment.action_space().decode(action);
  for (bool ended = false; !ended;) {
    const StepResult& result = environment.step(levels);
    see(result);
    ended = result.terminated || result.truncated;
  }
}

ConfigurationFigures play(Environment& environment, const PowerReader& power, ActionId action) {
  Statistics statistics;
  BudgetTally tally;
  keep(environment, action, [&](const StepResult& result) {
    statistics.add(result, power.value(result.info, PowerSignal::kMachine),
                   power.value(result.info, PowerSignal::kOurs));
    tally.add(result.info);
  });
  ConfigurationFigures figures{.requests = static_cast<double>(statistics.requests()),
                               .energy_j = statistics.energy_j().value_or(0.0)};
  for (const auto& [name, entry] : tally.entries()) {
    const double worst = entry.worst.value_or(0.0);
    if (name.starts_with("latency")) {
      figures.late_share = entry.violation_rate.value_or(1.0);
    } else if (name.starts_with("accuracy")) {
      figures.top1 = worst;
    } else if (name.starts_with("power")) {
      figures.power_w = worst;
    } else if (name.starts_with("energy")) {
      figures.energy_mj = worst;
    } else {
      figures.hottest_c = worst;
    }
  }
  return figures;
}

}  // namespace

std::vector<ConfigurationFigures> figures_of_all(const SimulatedTask& task) {
  SimulatedWorld world(task);
  Environment& environment = world.environment();
  const PowerReader power(environment.signals());
  std::vector<ConfigurationFigures> all;
  for (ActionId action = 0; action < environment.action_space().size(); ++action) {
    all.push_back(play(environment, power, action));
  }
  return all;
}

double worst_rate(Environment& environment, ActionId action) {
  BudgetTally tally;
  keep(environment, action, [&](const StepResult& result) { tally.add(result.info); });
  return tally.worst_rate();
}

}  // namespace rein::suite
