#include "env/simulated_worker.hpp"

#include <doctest/doctest.h>

#include "common/error.hpp"
#include "env/simulated_clock.hpp"
#include "env/simulated_co_runner.hpp"
#include "support/simulated_world.hpp"

namespace rein {
namespace {

struct Machine {
  Duration time_of_request() {
    const TimePoint before = simulated.now();
    worker.serve(1, Duration::max());
    return simulated.now() - before;
  }
  Board board = SmallBoards::parse(SmallBoards::cpus());
  SimulatedBoard simulated{board};
  SimulatedNetwork network = [] {
    SimulatedNetwork result = SmallTask::network();
    result.switch_ms = 3.0;
    return result;
  }();
  SimulatedWorker worker{simulated, network, 1, board.simulation->noise};
};

DOCTEST_TEST_CASE("a simulated request takes what the board says, and longer at a new level") {
  Machine machine;
  machine.worker.prepare(1, {});
  machine.worker.set_level(1);
  DOCTEST_CHECK(machine.time_of_request() == from_milliseconds(11.0));  // The first is not new.
  machine.worker.set_level(0);
  DOCTEST_CHECK(machine.time_of_request() == from_milliseconds(9.0));
  DOCTEST_CHECK(machine.time_of_request() == from_milliseconds(6.0));
  machine.worker.set_level(0);
  DOCTEST_CHECK(machine.time_of_request() == from_milliseconds(6.0));
  machine.worker.prepare(1, {});
  machine.worker.set_level(1);
  DOCTEST_CHECK(machine.time_of_request() == from_milliseconds(11.0));
  DOCTEST_CHECK_THROWS_AS(machine.worker.set_level(2), std::out_of_range);
}

DOCTEST_TEST_CASE("a simulated network is right as often as its level's accuracy says") {
  Machine machine;
  machine.worker.prepare(1, {});
  machine.worker.set_level(1);
  std::size_t right = 0;
  for (int i = 0; i < 10'000; ++i) {
    const std::size_t of_three = machine.worker.serve(3, Duration::max());
    DOCTEST_REQUIRE(of_three >= 2);
    DOCTEST_REQUIRE(of_three <= 3);
    right += of_three;
  }
  DOCTEST_CHECK(static_cast<double>(right) / 30'000 == doctest::Approx(0.8).epsilon(0.01));
}

DOCTEST_TEST_CASE("a batch is as many images' worth of work") {
  Machine machine;
  SimulatedWorker worker(machine.simulated, machine.network, 4, {});
  worker.set_level(1);
  worker.serve(4, Duration::max());
  DOCTEST_CHECK(machine.simulated.now().time_since_epoch() == from_milliseconds(41.0));
}

DOCTEST_TEST_CASE("a network of a kind that the board does not know is refused") {
  Machine machine;
  machine.network.kind = "transformer";
  DOCTEST_CHECK_THROWS_WITH_AS(SimulatedWorker(machine.simulated, machine.network, 1, {}),
                               "expected a kind of work that the board simulates (cnn), found "
                               "'transformer'",
                               Error);
}

DOCTEST_TEST_CASE("a simulated clock passes the board's time, and never back") {
  Machine machine;
  SimulatedClock clock(machine.simulated);
  clock.sleep_until(TimePoint(std::chrono::milliseconds(7)));
  DOCTEST_CHECK(machine.simulated.now() == TimePoint(std::chrono::milliseconds(7)));
  clock.sleep_until(TimePoint(std::chrono::milliseconds(3)));
  DOCTEST_CHECK(clock.now() == TimePoint(std::chrono::milliseconds(7)));
}

DOCTEST_TEST_CASE("a simulated co-runner slows requests down while it runs") {
  Machine machine;
  machine.worker.set_level(1);
  SimulatedCoRunner co_runner(machine.simulated, 0, {.cpu = {{.cluster = "all", .load = 1.0}}});
  co_runner.start();
  co_runner.start();
  DOCTEST_CHECK(co_runner.running());
  DOCTEST_CHECK(machine.time_of_request() == from_milliseconds(22.0));
  co_runner.stop();
  co_runner.stop();
  DOCTEST_CHECK_FALSE(co_runner.running());
  DOCTEST_CHECK(machine.time_of_request() == from_milliseconds(11.0));
}

}  // namespace
}  // namespace rein
