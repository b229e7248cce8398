#include "study/training/sweep_lesson.hpp"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <numeric>

#include "agent/core/managed_application.hpp"
#include "agent/model_based/model_based.hpp"
#include "common/parallel.hpp"

namespace rein {

namespace {

constexpr std::uint64_t kRound = 24;
/// Sets of co-runners that each machine is swept beside, and the chance that there are two.
constexpr std::size_t kConditions = 6;
constexpr double kTwo = 0.3;
/// Requests of a sweep, in terms of the task's rate: so that serving is seen apart from idling.
constexpr double kFew = 0.03;
/// Of the heat that a machine would have: it is nobody's steady state, and none may run away.
constexpr double kHeat = 0.4;
/// Periods with one action in which single requests are compared with their mean.
constexpr std::size_t kRatioPeriods = 60;
/// What the prior's ratios weigh, in requests: enough to begin with, little beside what is seen.
constexpr double kRatioWeight = 150.0;
/// Of the conditions that were tried, so many are kept, each for those around it.
constexpr std::size_t kKept = 96;
constexpr double kKeptVariance = 0.15;

/// The same machine without what hides how it responds: noise, slow sensors, throttling.
SimulatedTask made_plain(SimulatedTask task) {
  Simulation& simulation = *task.board.simulation;
  simulation.noise = {};
  simulation.throttles.clear();
  for (auto& sensor : simulation.sensors) {
    sensor.period_ms = sensor.lag_ms = sensor.resolution = sensor.noise = 0.0;
  }
  for (auto& zone : simulation.zones) {
    for (auto& stage : zone.stages) {
      stage.resistance_k_per_w *= kHeat;
    }
  }
  std::erase_if(simulation.sensors, [](const SimulatedSensor& sensor) {
    return sensor.signal.starts_with("throttle_share");
  });
  task.requests.drop_expired = false;
  task.requests.queue_limit = 1;
  return task;
}

/// The task beside some of the co-runners that were drawn, all the time.
SimulatedTask beside(SimulatedTask task, const Scenario& drawn,
                     const std::vector<std::size_t>& co_runners, double rate_scale) {
  constexpr double kLongS = 1e6;
  // Budgets change nothing here, but say which power is asked for: of phases that never come.
  Scenario scenario = Scenario::alone({}, kLongS);
  for (const auto& phase : task.scenario.phases) {
    ScenarioPhase& never = scenario.phases.emplace_back();
    never.name = phase.name;
    never.duration_s = kLongS;
    never.budgets.power = phase.budgets.power;
    never.budgets.energy = phase.budgets.energy;
  }
  scenario.co_runners = drawn.co_runners;
  for (auto& co_runner : scenario.co_runners) {
    co_runner.contention->off_ms = 0.0;
  }
  ScenarioPhase& phase = scenario.phases.front();
  phase.co_runners = co_runners;
  phase.ambient_c = drawn.phases.front().ambient_c;
  phase.rate_scale = rate_scale;
  task.scenario = std::move(scenario);
  task.duration_s = 0.0;
  return task;
}

std::vector<std::size_t> draw_co_runners(std::size_t count, Random& random) {
  std::vector<std::size_t> chosen = {random.index(count)};
  const std::size_t second = random.index(count);
  if (random.uniform() < kTwo && second != chosen.front()) {
    chosen.push_back(second);
  }
  return chosen;
}

/// How single requests compare with their mean on a machine with nobody else.
std::vector<double> measure_ratios(const SimulatedTask& task, std::uint64_t seed) {
  SimulatedWorld world(task);
  Environment& environment = world.environment();
  environment.reset(seed);
  const Action action = environment.action_space().decode(environment.action_space().size() - 1);
  std::vector<double> ratios;
  for (std::size_t i = 0; i < kRatioPeriods; ++i) {
    const auto& services = managed_service(environment.step(action).info).services_ms;
    ratios.insert(ratios.end(), services.begin(), services.end());
  }
  const double mean =
      std::reduce(ratios.begin(), ratios.end()) / static_cast<double>(ratios.size());
  std::ranges::for_each(ratios, [mean](double& ratio) { ratio /= mean; });
  return ratios;
}

/// Of a machine with nobody else, while half of the time something is served.
double mean_power_w(const Sweep& sweep, const Quantities& quantities, std::size_t power) {
  double sum = 0.0;
  for (ActionId action = 0; action < quantities.actions; ++action) {
    sum += sweep[quantities.idle(power, action)] + 0.5 * sweep[quantities.serving(power, action)];
  }
  return sum / static_cast<double>(quantities.actions);
}

/// @param units_w  [powers]
Sweep with_power_in(const std::vector<double>& units_w, Sweep sweep, const Quantities& quantities) {
  for (std::size_t power = 0; power < quantities.powers; ++power) {
    for (ActionId action = 0; action < quantities.actions; ++action) {
      sweep[quantities.idle(power, action)] /= units_w[power];
      sweep[quantities.serving(power, action)] /= units_w[power];
    }
  }
  return sweep;
}

}  // namespace

std::uint64_t SweepLesson::episodes_at_once() const { return kRound; }

SweepLesson::Swept SweepLesson::sweep_machine(std::uint64_t index) const {
  constexpr std::uint64_t kStream = 0x9e3779b97f4a7c15;
  Random random(seed_ + kStream * (index + 1));
  const SimulatedTask machine = randomise(nominal_[index % nominal_.size()], spread_, random);
  const SimulatedTask plain = made_plain(machine);
  Swept swept;
  const auto sweep_beside = [&](const Scenario& drawn, const std::vector<std::size_t>& co_runners) {
    SimulatedWorld few(beside(plain, drawn, co_runners, kFew));
    SimulatedWorld many(beside(plain, drawn, co_runners, 1.0));
    return sweep(few.environment(), many.environment(), index, swept.periods);
  };
  const Scenario alone = random_scenario({}, machine, 1.0, {}, random);
  swept.alone = sweep_beside(alone, {});
  for (std::size_t i = 0; i < kConditions; ++i) {
    Scenario drawn = random_scenario({}, machine, 1.0, {}, random);
    drawn.phases.front().ambient_c = alone.phases.front().ambient_c;
    swept.contended.push_back(
        sweep_beside(drawn, draw_co_runners(drawn.co_runners.size(), random)));
  }
  swept.ratios = measure_ratios(beside(machine, alone, {}, 0.5), index);
  return swept;
}

ResponseModel::Prior SweepLesson::find_prior(const Quantities& quantities) const {
  std::vector<double> units_w(quantities.powers, 0.0);
  for (std::size_t power = 0; power < units_w.size(); ++power) {
    for (const auto& each : swept_) {
      units_w[power] +=
          mean_power_w(each.alone, quantities, power) / static_cast<double>(swept_.size());
    }
    if (units_w[power] <= 0.0) {
      units_w[power] = 1.0;  // Nothing measures it.
    }
  }
  FactorSearch search;
  std::size_t ratios = 0;
  for (const auto& each : swept_) {
    std::vector<Sweep> contended;
    contended.reserve(each.contended.size());
    for (const auto& sweep : each.contended) {
      contended.push_back(with_power_in(units_w, sweep, quantities));
    }
    search.add(with_power_in(units_w, each.alone, quantities), contended);
    ratios += each.ratios.size();
  }
  ResponseModel::Prior prior;
  prior.factors = search.find(quantities.actions, {});
  prior.power_scales_w.assign(units_w.begin(), units_w.end());
  prior.conditions = search.conditions(prior.factors, kKept);
  prior.condition_variance = kKeptVariance;
  prior.ratio.fade(1e-3);
  for (const auto& each : swept_) {
    for (const double ratio : each.ratios) {
      prior.ratio.add(ratio, kRatioWeight / static_cast<double>(ratios));
    }
  }
  prior.ratio.sum_up();
  return prior;
}

std::optional<std::uint64_t> SweepLesson::teach(Learner& agent, std::uint64_t first,
                                                std::uint64_t count,
                                                const std::function<bool()>& stop,
                                                const std::function<void(double)>& progress) {
  auto& learner = dynamic_cast<ModelBased&>(agent);
  // A training that goes on begins with machines that were swept before it was interrupted.
  const std::size_t begin = std::min<std::size_t>(swept_.size(), first + count);
  const std::size_t fresh = first + count - begin;
  swept_.resize(first + count);
  std::mutex mutex;
  std::size_t done = 0;
  run_parallel(fresh, jobs_, [&](std::size_t i) {
    if (stop()) {
      return;
    }
    swept_[begin + i] = sweep_machine(begin + i);
    const std::lock_guard lock(mutex);
    progress(static_cast<double>(++done) / static_cast<double>(fresh));
  });
  if (done < fresh) {
    swept_.resize(begin);
    return std::nullopt;
  }
  learner.begin_with(find_prior(learner.model().quantities()));
  std::uint64_t periods = 0;
  for (std::uint64_t i = first; i < first + count; ++i) {
    periods += swept_[i].periods;
  }
  return periods;
}

}  // namespace rein
