#include "cli/simulated_run.hpp"

#include "agent/best_static.hpp"
#include "cli/interrupt.hpp"
#include "cli/machine_info.hpp"
#include "common/error.hpp"

namespace rein {

SimulatedTask task_of(const RunConfig& config) {
  const ApplicationConfig& application = config.applications.front();
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
    task.platform.frequencies = config.frequencies;
  }
  return task;
}

ActionId find_best_static(const SimulatedTask& task, std::uint64_t seed) {
  SimulatedWorld world(task);
  const auto scores =
      StaticSearch(world.environment(), task.objective.kind, stop_requested).run(seed);
  if (scores.empty()) {
    throw Error("best_static: interrupted before it was found");
  }
  return scores.front().action;
}

void run_simulated(const RunConfig& config, const RunOptions& options) {
  const SimulatedTask task = task_of(config);
  SimulatedWorld world(task);
  const Foresight foresight{.clairvoyant = &world.clairvoyant(), .find_best_static = [&] {
                              return find_best_static(task, config.seed);
                            }};
  play_episode(
      config, options,
      {world.environment(), world.clock(), foresight, simulation_info({config.board.name})});
}

}  // namespace rein
