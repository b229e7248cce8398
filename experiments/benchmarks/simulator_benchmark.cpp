// What a step of the simulated board costs, and each part of it. One application, ten requests a
// period, all signals of the board.
#include <benchmark/benchmark.h>

#include <string>

#include "platform/board/board.hpp"
#include "platform/simulated/simulated_board.hpp"
#include "platform/simulated/simulated_platform.hpp"

namespace rein {
namespace {

constexpr int kRequests = 10;
const Duration kPeriod = from_milliseconds(100);

Board load_board(const char* name) {
  return Board::from_yaml(
      ConfigNode::load(std::string(REIN_SOURCE_DIR "/configs/boards/") + name + ".yaml"));
}

struct Machine {
  /// Ten requests take about half of a period, whatever the clocks.
  static constexpr double kRequestS = 0.005;

  explicit Machine(const char* name)
      : board(load_board(name)), simulated(board), platform(board, simulated, options(board)) {
    reset();
  }

  static SimulatedPlatformOptions options(const Board& board) {
    return {.application = "app", .places = {}, .frequencies = board.domains, .bandwidth = true};
  }

  void reset() {
    platform.reset(1);
    const std::size_t kind = simulated.find_kind("cnn");
    platform.apply(highest());
    simulated.set_work({.kind = kind, .mflops = 1.0, .images = 1.0, .sensitivity = {}});
    request_factor = kRequestS / simulated.latency_s();
    end = simulated.now();
  }

  Configuration highest() const {
    Configuration configuration;
    for (const auto& control : platform.controls()) {
      configuration.push_back(control.levels.size() - 1);
    }
    return configuration;
  }

  void requests() {
    const Duration gap = kPeriod / kRequests;
    for (int i = 0; i < kRequests; ++i) {
      simulated.idle_until(end + i * gap);
      simulated.execute(request_factor);
    }
    end += kPeriod;
    simulated.idle_until(end);
  }

  Board board;
  SimulatedBoard simulated;
  SimulatedPlatform platform;
  double request_factor = 1.0;
  TimePoint end{};
};

const char* const kBoards[] = {"odroid-xu3", "jetson-orin-nx", "pc"};

/// Everything that the platform does in one period: apply, ten requests, sample, read back.
void BM_Period(benchmark::State& state) {
  Machine machine(kBoards[state.range(0)]);
  const Configuration configuration = machine.highest();
  for (auto _ : state) {
    machine.platform.apply(configuration);
    machine.requests();
    benchmark::DoNotOptimize(machine.platform.sample());
    benchmark::DoNotOptimize(machine.platform.grants());
  }
  state.SetLabel(std::string(kBoards[state.range(0)]) + ", " +
                 std::to_string(machine.platform.signals().size()) + " signals");
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_Period)->DenseRange(0, 2);

/// The same with every knob changed in every period.
void BM_PeriodAllChange(benchmark::State& state) {
  Machine machine(kBoards[state.range(0)]);
  const Configuration high = machine.highest();
  const Configuration low(high.size(), 0);
  bool is_high = false;
  for (auto _ : state) {
    machine.platform.apply(is_high ? high : low);
    is_high = !is_high;
    machine.request_factor = Machine::kRequestS / machine.simulated.latency_s();
    machine.requests();
    benchmark::DoNotOptimize(machine.platform.sample());
    benchmark::DoNotOptimize(machine.platform.grants());
  }
  state.SetLabel(kBoards[state.range(0)]);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_PeriodAllChange)->DenseRange(0, 2);

void BM_TenRequests(benchmark::State& state) {
  Machine machine(kBoards[state.range(0)]);
  for (auto _ : state) {
    machine.requests();
  }
  state.SetLabel(kBoards[state.range(0)]);
}
BENCHMARK(BM_TenRequests)->DenseRange(0, 2);

/// Power, energy and heat, once.
void BM_Reckoning(benchmark::State& state) {
  Machine machine(kBoards[state.range(0)]);
  for (auto _ : state) {
    machine.end += kPeriod;
    machine.simulated.idle_until(machine.end);
    machine.simulated.update();
  }
  state.SetLabel(kBoards[state.range(0)]);
}
BENCHMARK(BM_Reckoning)->DenseRange(0, 2);

/// All sensors, once.
void BM_Sample(benchmark::State& state) {
  Machine machine(kBoards[state.range(0)]);
  for (auto _ : state) {
    machine.end += kPeriod;
    machine.simulated.idle_until(machine.end);
    benchmark::DoNotOptimize(machine.platform.sample());
  }
  state.SetLabel(kBoards[state.range(0)]);
}
BENCHMARK(BM_Sample)->DenseRange(0, 2);

/// What a look ahead begins with.
void BM_Copy(benchmark::State& state) {
  Machine machine(kBoards[state.range(0)]);
  SimulatedBoard copy = machine.simulated;
  for (auto _ : state) {
    copy = machine.simulated;
    benchmark::DoNotOptimize(copy);
  }
  state.SetLabel(kBoards[state.range(0)]);
}
BENCHMARK(BM_Copy)->DenseRange(0, 2);

/// A period after a run of that many before it: does not depend on it.
void BM_PeriodLateInARun(benchmark::State& state) {
  Machine machine("odroid-xu3");
  const Configuration configuration = machine.highest();
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    machine.platform.apply(configuration);
    machine.requests();
    machine.platform.sample();
  }
  for (auto _ : state) {
    machine.platform.apply(configuration);
    machine.requests();
    benchmark::DoNotOptimize(machine.platform.sample());
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_PeriodLateInARun)->Arg(0)->Arg(1000)->Arg(1'000'000);

}  // namespace
}  // namespace rein

BENCHMARK_MAIN();
