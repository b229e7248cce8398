#include "env/simulated_world.hpp"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "common/error.hpp"
#include "env/forecaster.hpp"
#include "env/scenario_player.hpp"
#include "env/serving_environment.hpp"
#include "env/simulated_clock.hpp"
#include "env/simulated_co_runner.hpp"
#include "env/simulated_worker.hpp"
#include "platform/simulated/simulated_board.hpp"

namespace rein {

namespace {

std::vector<std::unique_ptr<CoRunner>> make_co_runners(const Scenario& scenario,
                                                       SimulatedBoard& board) {
  std::vector<std::unique_ptr<CoRunner>> co_runners;
  for (const auto& spec : scenario.co_runners) {
    if (!spec.contention) {
      throw Error(fmt::format(
          "co-runner {}: expected a contention, which can be simulated, found a command alone",
          spec.name));
    }
    co_runners.push_back(
        std::make_unique<SimulatedCoRunner>(board, co_runners.size(), *spec.contention));
  }
  return co_runners;
}

const Board& with_simulation(const Board& board) {
  if (!board.simulation) {
    throw Error(fmt::format("board {}: expected a simulation, found none", board.name));
  }
  return board;
}

/// @return `platform`.
const SimulatedPlatform& with_work_everywhere(const SimulatedPlatform& platform,
                                              const SimulatedTask& task,
                                              const SimulatedBoard& board) {
  const std::size_t kind = board.find_kind(task.network.kind);
  for (const std::size_t place : platform.places()) {
    if (!board.can_do(kind, place)) {
      throw Error(fmt::format(
          "place {}: expected one whose device does the kind of work '{}' of {}, found none in the "
          "simulation of {}",
          task.board.places[place].name, task.network.kind, task.network.name, task.board.name));
    }
  }
  return platform;
}

}  // namespace

struct SimulatedWorld::Parts {
  explicit Parts(const SimulatedTask& task)
      : board(with_simulation(task.board)),
        platform(task.board, board, task.platform),
        clock(board),
        worker(board, task.network, task.requests.batch, task.board.simulation->noise),
        player(task.scenario, make_co_runners(task.scenario, board),
               [this](std::optional<double> celsius) { board.set_ambient(celsius); }),
        environment(platform, worker, task.application, task.requests, player, clock,
                    {.period = task.period,
                     .duration_s = task.duration_s,
                     .objective = task.objective,
                     .prices = task.prices}),
        forecaster({board, with_work_everywhere(platform, task, board), worker, environment},
                   task.network, task.requests, task.board) {}

  SimulatedBoard board;
  SimulatedPlatform platform;
  SimulatedClock clock;
  SimulatedWorker worker;
  ScenarioPlayer player;
  ServingEnvironment environment;
  Forecaster forecaster;
};

SimulatedWorld::SimulatedWorld(const SimulatedTask& task) : parts_(std::make_unique<Parts>(task)) {}

SimulatedWorld::~SimulatedWorld() = default;

Environment& SimulatedWorld::environment() { return parts_->environment; }

Clairvoyant& SimulatedWorld::clairvoyant() { return parts_->forecaster; }

const Clock& SimulatedWorld::clock() const { return parts_->clock; }

}  // namespace rein
