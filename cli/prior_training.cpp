#include "cli/prior_training.hpp"

#include <atomic>
#include <cmath>
#include <vector>

#include "agent/prior.hpp"
#include "cli/evaluation/parallel.hpp"
#include "env/randomised_task.hpp"

namespace rein {

namespace {

/// Requests of a sweep, in terms of the task's rate: so that serving is seen apart from idling.
constexpr double kFew = 0.03;
/// Of the heat that a machine would have: it is nobody's steady state, and none may run away.
constexpr double kHeat = 0.4;
/// Periods with one action in which single requests are compared with their mean.
constexpr std::size_t kRatioPeriods = 60;
constexpr std::size_t kRatioMachines = 24;
/// What the prior's ratios weigh, in requests: enough to begin with, little beside what is seen.
constexpr double kRatioWeight = 150.0;
/// Of the conditions that were tried, so many are kept, each for those around it.
constexpr std::size_t kConditions = 64;
constexpr double kConditionVariance = 0.15;

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

SimulatedTask under(SimulatedTask task, const Scenario& drawn, std::vector<std::size_t> co_runners,
                    double rate_scale) {
  Scenario scenario = Scenario::alone({}, 1e6);
  scenario.co_runners = drawn.co_runners;
  for (auto& co_runner : scenario.co_runners) {
    co_runner.contention->off_ms = 0.0;
  }
  scenario.phases.front().co_runners = std::move(co_runners);
  scenario.phases.front().ambient_c = drawn.phases.front().ambient_c;
  scenario.phases.front().rate_scale = rate_scale;
  task.scenario = std::move(scenario);
  task.duration_s = 0.0;
  return task;
}

Sweep sweep_under(const SimulatedTask& task, const Scenario& drawn,
                  const std::vector<std::size_t>& co_runners, std::uint64_t seed) {
  SimulatedWorld few(under(task, drawn, co_runners, kFew));
  SimulatedWorld many(under(task, drawn, co_runners, 1.0));
  return sweep(few.environment(), many.environment(), seed);
}

struct Swept {
  Sweep alone;
  std::vector<Sweep> contended;
  std::vector<double> ratios;
};

Swept sweep_machine(const SimulatedTask& nominal, const PriorTraining& training,
                    std::size_t index) {
  Random random(training.seed * 1'000'003 + index);
  const SimulatedTask machine = randomise(nominal, {}, random);
  const SimulatedTask plain = made_plain(machine);
  const std::uint64_t seed = training.seed + index;
  Swept swept;
  const Scenario drawn = random_scenario({}, machine.board, 1.0, {}, random);
  swept.alone = sweep_under(plain, drawn, {}, seed);
  for (std::size_t i = 0; i < training.conditions; ++i) {
    Scenario others = random_scenario({}, machine.board, 1.0, {}, random);
    others.phases.front().ambient_c = drawn.phases.front().ambient_c;
    std::vector<std::size_t> co_runners{random.index(others.co_runners.size())};
    if (random.uniform() < 0.3) {
      if (const std::size_t second = random.index(others.co_runners.size());
          second != co_runners.front()) {
        co_runners.push_back(second);
      }
    }
    swept.contended.push_back(sweep_under(plain, others, co_runners, seed));
  }
  if (index < kRatioMachines) {
    SimulatedWorld world(under(machine, drawn, {}, 0.5));
    Environment& environment = world.environment();
    environment.reset(seed);
    const ActionId action = environment.action_space().size() - 1;
    std::vector<double> services;
    for (std::size_t i = 0; i < kRatioPeriods; ++i) {
      const auto& report = environment.step(action).info.applications.front().service;
      services.insert(services.end(), report.services_ms.begin(), report.services_ms.end());
    }
    double sum = 0.0;
    for (const double service : services) {
      sum += service;
    }
    for (const double service : services) {
      swept.ratios.push_back(service * static_cast<double>(services.size()) / sum);
    }
  }
  return swept;
}

double mean_power(const Sweep& sweep, std::size_t actions) {
  double sum = 0.0;
  for (std::size_t i = actions; i < 2 * actions; ++i) {
    sum += sweep[i] + 0.5 * sweep[actions + i];
  }
  return sum / static_cast<double>(actions);
}

void scale_power(Sweep& sweep, std::size_t actions, double scale_w) {
  for (std::size_t i = actions; i < 3 * actions; ++i) {
    sweep[i] /= scale_w;
  }
}

}  // namespace

ResponseModel::Prior learn_prior(const SimulatedTask& nominal, const PriorTraining& training,
                                 const std::function<void(std::size_t)>& progress) {
  const std::size_t actions = SimulatedWorld(nominal).environment().action_space().size();
  std::vector<Swept> swept(training.machines);
  std::atomic<std::size_t> done = 0;
  run_parallel(training.machines, training.jobs, [&](std::size_t i) {
    swept[i] = sweep_machine(nominal, training, i);
    progress(++done);
  });
  // Power in units of what the nominal machine's neighbours draw on average.
  double scale_w = 0.0;
  for (const auto& each : swept) {
    scale_w += mean_power(each.alone, actions) / static_cast<double>(swept.size());
  }
  FactorSearch search;
  std::size_t ratios = 0;
  for (auto& each : swept) {
    scale_power(each.alone, actions, scale_w);
    for (auto& contended : each.contended) {
      scale_power(contended, actions, scale_w);
    }
    search.add(each.alone, each.contended);
    ratios += each.ratios.size();
  }
  ResponseModel::Prior prior;
  prior.factors = search.find({});
  prior.conditions = search.conditions(prior.factors, kConditions);
  prior.condition_variance = kConditionVariance;
  prior.power_scale_w = scale_w;
  prior.ratio.fade(1e-3);
  for (const auto& each : swept) {
    for (const double ratio : each.ratios) {
      prior.ratio.add(ratio, kRatioWeight / static_cast<double>(ratios));
    }
  }
  prior.ratio.sum_up();
  return prior;
}

}  // namespace rein
