// Episodes on a small simulated board, with all that a board can have: the traces to the last bit.
#include <doctest/doctest.h>

#include <cstdlib>
#include <sstream>
#include <thread>
#include <vector>

#include "agent/loop/control_loop.hpp"
#include "agent/make_agent.hpp"
#include "common/files.hpp"
#include "env/trace_writer.hpp"
#include "support/simulated_world.hpp"

namespace rein {
namespace {

SimulatedTask golden_task() {
  SimulatedTask task = SmallTask::make(
      "name: golden\n"
      "co_runners:\n"
      "  all: {contention: {cpu: {all: 1}, memory: 0.3}}\n"
      "  bursts: {contention: {cpu: {fastest: 0.5}, on_ms: 30, off_ms: 55}}\n"
      "chain: {duration_s: 6}\n"
      "phases:\n"
      "  - {name: alone, duration_s: 1}\n"
      "  - {name: shared, duration_s: 1, co_runners: [all, bursts]}\n"
      "  - {name: hot, duration_s: 1, ambient_c: 35, relative: {rate: 1.5, deadline: 0.8}}\n",
      "  latency_noise: {sigma: 0.03, tail_share: 0.05, tail_scale: 0.3, tail_shape: 0.1,\n"
      "                  tail_persistence: 0.5}\n"
      "  migration_ms: 2\n"
      "  throttling:\n"
      "    - {name: soc, zone: soc, domain: cpu, trip_c: 60, hysteresis_c: 2}\n");
  task.requests.arrival = RequestSpec::Arrival::kPoisson;
  task.requests.rate_hz = 40.0;
  return task;
}

std::string play(SimulatedWorld& world, std::uint64_t seed) {
  Environment& environment = world.environment();
  const Problem problem = problem_of(environment);
  Random random(seed);
  const auto agent = make_agent(ConfigNode::parse("{kind: q_learning}", "run"), problem, random);
  std::ostringstream text;
  TraceWriter trace(environment, text);
  ControlLoop(environment, *agent, random, world.clock(),
              {.sinks = {[&](const PeriodRecord& record) { trace.write(record); }},
               .with_probability = true})
      .run(seed, [] { return false; });
  return text.str();
}

DOCTEST_TEST_CASE("the golden trace of a simulated board has not changed") {
  // tests/golden/update.sh writes it anew; look at the difference before you commit it.
  SimulatedWorld world(golden_task());
  const std::string trace = play(world, 42);
  const std::string file = REIN_SOURCE_DIR "/tests/golden/simulated_board.csv";
  if (std::getenv("REIN_UPDATE_GOLDEN") != nullptr) {
    write_file(file, trace);
  }
  DOCTEST_CHECK(trace == read_file(file));
}

DOCTEST_TEST_CASE("a simulated episode does not depend on those before it, nor on threads") {
  const SimulatedTask task = golden_task();
  SimulatedWorld used(task);
  const std::string first = play(used, 1);
  DOCTEST_CHECK(play(used, 2) != first);
  DOCTEST_CHECK(play(used, 1) == first);

  std::vector<std::string> traces(4);
  {
    std::vector<std::jthread> threads;
    for (auto& trace : traces) {
      threads.emplace_back([&task, &trace] {
        SimulatedWorld world(task);
        trace = play(world, 1);
      });
    }
  }
  for (const auto& trace : traces) {
    DOCTEST_CHECK(trace == first);
  }
}

}  // namespace
}  // namespace rein
