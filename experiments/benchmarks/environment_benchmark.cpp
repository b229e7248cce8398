// What a step of the environment costs: without a machine (40 signals, every budget), on simulated
// boards, and what it costs to look ahead. One application, ten requests a period.
#include <benchmark/benchmark.h>

#include <string>

#include "env/simulated_world.hpp"
#include "support/still_world.hpp"

namespace rein {
namespace {

/// The environment's own part.
void BM_StillStep(benchmark::State& state) {
  StillWorld world;
  world.environment.reset(1);
  const Action action = world.environment.action_space().decode(5);
  for (auto _ : state) {
    benchmark::DoNotOptimize(world.environment.step(action).reward);
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_StillStep);

/// Another action in every period.
void BM_StillStepOtherAction(benchmark::State& state) {
  StillWorld world;
  world.environment.reset(1);
  const ActionSpace& actions = world.environment.action_space();
  ActionId action = 0;
  Action levels;
  for (auto _ : state) {
    actions.decode(action, levels);
    benchmark::DoNotOptimize(world.environment.step(levels).reward);
    action = action + 1 < actions.size() ? action + 1 : 0;
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_StillStepOtherAction);

const char* const kBoards[] = {"odroid-xu3", "jetson-orin-nx", "pc"};

/// Requests that are served in time at the highest operating points.
SimulatedTask load_task(const char* board) {
  Budgets budgets;
  budgets.latency = LatencyBudget{.deadline_ms = 50.0};
  budgets.power = PowerBudget{.limit_w = 5.0};
  budgets.temperature = TemperatureBudget{.limit_c = 80.0};
  SimulatedTask task{
      .board = Board::from_yaml(
          ConfigNode::load(std::string(REIN_SOURCE_DIR "/configs/boards/") + board + ".yaml")),
      .application = "app",
      .network = {.name = "net",
                  .kind = "cnn",
                  .levels = {{{"0.5", 0.5, 0.7}, 0.5}, {{"1.0", 1.0, 0.8}, 1.0}},
                  .switch_ms = 0.1,
                  .sensitivity = {}},
      .requests = {.rate_hz = 100.0, .batch = 1},
      .scenario = Scenario::alone(budgets, 1e9),
      .objective = {},
      .prices = {},
      .platform = {.application = "app", .places = {}, .frequencies = {}, .bandwidth = true}};
  task.platform.frequencies = task.board.domains;
  return task;
}

/// One action all the time.
void BM_SimulatedStep(benchmark::State& state) {
  SimulatedWorld world(load_task(kBoards[state.range(0)]));
  Environment& environment = world.environment();
  environment.reset(1);
  const Action action = environment.action_space().decode(environment.action_space().size() - 1);
  double requests = 0.0;
  for (auto _ : state) {
    const StepResult& result = environment.step(action);
    requests += static_cast<double>(result.info.applications.front().service.served);
  }
  state.SetLabel(kBoards[state.range(0)]);
  state.SetItemsProcessed(state.iterations());
  state.counters["requests"] = requests / static_cast<double>(state.iterations());
}
BENCHMARK(BM_SimulatedStep)->DenseRange(0, 2);

/// Any action.
void BM_SimulatedStepRandom(benchmark::State& state) {
  SimulatedWorld world(load_task(kBoards[state.range(0)]));
  Environment& environment = world.environment();
  environment.reset(1);
  Random random(1);
  const ActionSpace& actions = environment.action_space();
  Action action;
  for (auto _ : state) {
    actions.decode(random.index(actions.size()), action);
    benchmark::DoNotOptimize(environment.step(action).reward);
  }
  state.SetLabel(kBoards[state.range(0)]);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_SimulatedStepRandom)->DenseRange(0, 2);

/// Looks so many periods ahead.
void BM_Foresee(benchmark::State& state) {
  SimulatedWorld world(load_task(kBoards[state.range(0)]));
  Environment& environment = world.environment();
  environment.reset(1);
  const Action action = environment.action_space().decode(environment.action_space().size() - 1);
  environment.step(action);
  const auto periods = static_cast<std::size_t>(state.range(1));
  for (auto _ : state) {
    benchmark::DoNotOptimize(world.clairvoyant().foresee(action, periods).reward);
  }
  state.SetLabel(kBoards[state.range(0)]);
}
BENCHMARK(BM_Foresee)->ArgsProduct({{0, 1, 2}, {1, 2, 10}});

}  // namespace
}  // namespace rein

BENCHMARK_MAIN();
