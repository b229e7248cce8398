#include "study/run/simulated_run.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "agent/oracle/best_static.hpp"
#include "common/stop.hpp"
#include "study/run/machine_info.hpp"

namespace rein {

SimulatedTask task_of(const RunConfig& config) {
  const ApplicationConfig& application = config.application();
  SimulatedTask task{.board = config.board,
                     .application = application.name,
                     .network = *application.simulated,
                     .requests = application.requests,
                     .scenario = config.scenario,
                     .objective = config.objective,
                     .prices = config.prices,
                     .platform = {.application = application.name,
                                  .places = application.places,
                                  .frequencies = {},
                                  .bandwidth = config.use_bandwidth},
                     .period = config.period,
                     .duration_s = config.duration_s};
  if (config.use_frequency) {
    std::ranges::copy_if(config.frequencies, std::back_inserter(task.platform.frequencies),
                         &DomainSpec::control);
  }
  return task;
}

Action find_best_static(const SimulatedTask& task, std::uint64_t seed) {
  SimulatedWorld world(task);
  const auto scores = StaticSearch(world.environment(), task.objective, stop_requested).run(seed);
  if (scores.empty()) {
    throw Interrupted("interrupted before best_static was found");
  }
  return world.environment().action_space().decode(scores.front().action);
}

ModelProfile::ModelProfile(SimulatedTask task, const Budgets& budgets) : task_(std::move(task)) {
  constexpr double kAsLongAsItTakes = 1e9;
  task_.scenario = Scenario::alone(budgets, kAsLongAsItTakes);
  task_.duration_s = kAsLongAsItTakes;
}

const Profile& ModelProfile::get() {
  std::call_once(measured_, [this] {
    SimulatedWorld world(task_);
    profile_ = Profile::measure(world.environment(), /*seed=*/1, /*settle=*/2, /*periods=*/20,
                                stop_requested);
    if (profile_.entries.size() < world.environment().action_space().size()) {
      throw Interrupted("interrupted before the profile was measured");
    }
  });
  return profile_;
}

void in_simulation(const RunConfig& config, const std::function<void(const Stage&)>& play) {
  const SimulatedTask task = task_of(config);
  SimulatedWorld world(task);
  ModelProfile profile(task, config.budgets);
  const Foresight foresight{.clairvoyant = &world.clairvoyant(),
                            .find_best_static = [&] { return find_best_static(task, config.seed); },
                            .measure_profile = [&] { return profile.get(); }};
  play({world.environment(), world.clock(), foresight, simulation_info({config.board.name})});
}

}  // namespace rein
