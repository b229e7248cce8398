#include "platform/simulated/simulated_platform.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "common/error.hpp"
#include "support/simulated_board.hpp"

namespace rein {
namespace {

using doctest::Approx;

struct SmallMachine {
  explicit SmallMachine(const std::string& text = SmallBoards::cpus(),
                        const std::vector<double>& mhz = {500.0, 1000.0})
      : board(SmallBoards::parse(text)),
        simulated(board),
        platform(board, simulated, options(mhz)) {
    simulated.set_work({.kind = 0, .mflops = 100.0, .images = 1.0, .sensitivity = {}});
  }

  static SimulatedPlatformOptions options(const std::vector<double>& mhz) {
    SimulatedPlatformOptions options{.application = "app"};
    if (!mhz.empty()) {
      options.frequencies.push_back({.name = "cpu", .opps_mhz = mhz});
    }
    return options;
  }

  Reading read(const std::string& name) const {
    const auto& signals = platform.signals();
    const auto found = std::ranges::find(signals, name, &Signal::name);
    DOCTEST_REQUIRE(found != signals.end());
    return telemetry->readings[static_cast<std::size_t>(found - signals.begin())];
  }
  void sample_at(double milliseconds) {
    simulated.idle_until(TimePoint{} + from_milliseconds(milliseconds));
    telemetry = &platform.sample();
  }

  Board board;
  SimulatedBoard simulated;
  SimulatedPlatform platform;
  const Telemetry* telemetry = nullptr;
};

/// The same with one sensor of that kind.
std::string with_sensor(const std::string& sensor) {
  std::string text = SmallBoards::cpus();
  const std::string key = "    - {signal: power_w.board}\n";
  text.replace(text.find(key), key.size(), "    - {signal: power_w.board, " + sensor + "}\n");
  return text;
}

DOCTEST_TEST_CASE("simulated platform: controls and signals as on the real machine") {
  const SmallMachine machine;
  std::vector<std::string> controls;
  for (const auto& control : machine.platform.controls()) {
    controls.push_back(control.name);
  }
  DOCTEST_CHECK(controls ==
                std::vector<std::string>{"mapping.app", "frequency.cpu", "bandwidth.cpu"});
  DOCTEST_CHECK(machine.platform.controls()[1].levels[0].label == "500MHz");
  DOCTEST_CHECK(machine.platform.controls()[2].levels[0].label == "0.5cpu");
  DOCTEST_CHECK(machine.platform.controls()[0].levels[1].value == 2.0);
  std::vector<std::string> signals;
  for (const auto& signal : machine.platform.signals()) {
    signals.push_back(signal.name);
    DOCTEST_CHECK_FALSE(signal.unit.empty());
  }
  DOCTEST_CHECK(signals == std::vector<std::string>{
                               "cpu_ours_share.cpu0", "cpu_ours_share.cpu1",
                               "cpu_others_share.cpu0", "cpu_others_share.cpu1",
                               "cpu_steal_share.cpu0", "cpu_steal_share.cpu1", "frequency_mhz.cpu",
                               "power_w.board", "temperature_c.soc", "power_w", "power_ours_w"});
}

DOCTEST_TEST_CASE("simulated platform: what is applied is in force, and read back") {
  SmallMachine machine;
  machine.platform.apply({1, 0, 1});
  DOCTEST_CHECK(machine.simulated.frequency_mhz(0) == 500.0);
  const auto& grants = machine.platform.grants();
  DOCTEST_CHECK(grants[0].level == 1);
  DOCTEST_CHECK(grants[0].value == 2.0);
  DOCTEST_CHECK(grants[1].value == 500.0);
  DOCTEST_CHECK(grants[2].value == 1.0);
  DOCTEST_CHECK_THROWS_AS(machine.platform.apply({1, 0}), std::out_of_range);
  DOCTEST_CHECK_THROWS_AS(machine.platform.apply({2, 0, 0}), std::out_of_range);
}

DOCTEST_TEST_CASE("simulated platform: heat gives less than asked for, and the grant says so") {
  SmallMachine machine(SmallBoards::cpus(
      "  throttling: [{name: soc, zone: soc, domain: cpu, trip_c: 30, hysteresis_c: 2}]\n"));
  machine.platform.apply({0, 1, 2});
  machine.sample_at(150.0);
  const auto& grants = machine.platform.grants();
  DOCTEST_CHECK(grants[1].value == 500.0);
  DOCTEST_CHECK(grants[1].level == 0);
  DOCTEST_CHECK_FALSE(grants[1].refused);
}

DOCTEST_TEST_CASE("simulated platform: a knob may have some of the operating points") {
  SmallMachine machine(SmallBoards::cpus(), {1000.0});
  DOCTEST_CHECK(machine.platform.controls()[1].levels.size() == 1);
  machine.platform.apply({0, 0, 2});
  DOCTEST_CHECK(machine.simulated.frequency_mhz(0) == 1000.0);
  DOCTEST_CHECK_THROWS_WITH_AS(
      SmallMachine(SmallBoards::cpus(), {700.0}),
      "frequency.cpu: expected operating points of the board (500, 1000 MHz), found 700", Error);
}

DOCTEST_TEST_CASE("simulated platform: samples cover the time since the one before") {
  SmallMachine machine;
  machine.platform.apply({0, 1, 2});
  machine.simulated.start(0, {.cpu = {{"all", 0.5}}});
  machine.simulated.execute(1.0);
  machine.sample_at(100.0);
  DOCTEST_CHECK(to_milliseconds(machine.telemetry->interval) == 100.0);
  DOCTEST_CHECK(machine.read("cpu_ours_share.cpu0").value == Approx(0.11));
  DOCTEST_CHECK(machine.read("cpu_others_share.cpu1").value == Approx(0.11 * 1.0 + 0.89 * 0.5));
  DOCTEST_CHECK(machine.read("power_w").value == machine.read("power_w.board").value);
  DOCTEST_CHECK(machine.read("power_ours_w").value == Approx(0.22));
  const double first_w = machine.read("power_w").value;
  machine.sample_at(200.0);
  DOCTEST_CHECK(machine.read("cpu_ours_share.cpu0").value == 0.0);
  DOCTEST_CHECK(machine.read("power_w").value < first_w);
  DOCTEST_CHECK(machine.read("frequency_mhz.cpu").value == 1000.0);
}

DOCTEST_TEST_CASE("simulated platform: of no time at all nothing is known") {
  SmallMachine machine;
  machine.sample_at(0.0);
  DOCTEST_CHECK_FALSE(machine.read("power_w").valid);
  DOCTEST_CHECK_FALSE(machine.read("cpu_ours_share.cpu0").valid);
  DOCTEST_CHECK(machine.read("temperature_c.soc").valid);
}

DOCTEST_TEST_CASE("simulated platform: a slow sensor keeps its value, and tells its age") {
  SmallMachine machine(with_sensor("period_ms: 250"));
  machine.sample_at(100.0);
  const double first_w = machine.read("power_w.board").value;
  machine.simulated.execute(1.0);
  machine.sample_at(200.0);
  DOCTEST_CHECK(machine.read("power_w.board").value == first_w);
  DOCTEST_CHECK(machine.read("power_w.board").stale);
  DOCTEST_CHECK(to_milliseconds(machine.read("power_w.board").age) == Approx(200.0));
  DOCTEST_CHECK(machine.read("power_w").stale);
  machine.simulated.execute(1.0);
  machine.sample_at(300.0);
  DOCTEST_CHECK(machine.read("power_w.board").value > first_w);
  DOCTEST_CHECK_FALSE(machine.read("power_w.board").stale);
}

DOCTEST_TEST_CASE("simulated platform: a sensor that nobody can read never has a value") {
  SmallMachine machine(with_sensor("silent: true"));
  machine.sample_at(100.0);
  DOCTEST_CHECK_FALSE(machine.read("power_w.board").valid);
  DOCTEST_CHECK_FALSE(machine.read("power_w").valid);
}

DOCTEST_TEST_CASE("simulated platform: a sensor with a lag follows slowly") {
  SmallMachine machine(with_sensor("lag_ms: 100"));
  machine.sample_at(100.0);
  DOCTEST_CHECK(machine.read("power_w.board").value == Approx(1.5));
  machine.platform.apply({0, 0, 2});
  machine.sample_at(200.0);
  DOCTEST_CHECK(machine.read("power_w.board").value ==
                Approx(1.125 - 0.0625 + (1.5 - 1.0625) * std::exp(-1.0)));
}

DOCTEST_TEST_CASE("simulated platform: resolution and noise") {
  SmallMachine coarse(with_sensor("resolution: 0.4"));
  coarse.sample_at(100.0);
  DOCTEST_CHECK(coarse.read("power_w.board").value == Approx(1.6));

  SmallMachine noisy(with_sensor("noise: 0.05"));
  double sum = 0.0;
  double squares = 0.0;
  constexpr int kCount = 4000;
  for (int i = 1; i <= kCount; ++i) {
    noisy.sample_at(i);
    const double error = noisy.read("power_w.board").value - 1.5;
    sum += error;
    squares += error * error;
  }
  DOCTEST_CHECK(std::abs(sum / kCount) < 0.004);
  DOCTEST_CHECK(std::sqrt(squares / kCount) == Approx(0.05).epsilon(0.05));
}

DOCTEST_TEST_CASE(
    "simulated platform: reset leaves nothing behind, and the seed decides the noise") {
  const auto record = [](SmallMachine& machine, std::uint64_t seed) {
    machine.platform.reset(seed);
    std::vector<double> values;
    for (int i = 1; i <= 20; ++i) {
      machine.platform.apply({static_cast<std::size_t>(i % 2), static_cast<std::size_t>(i % 2), 2});
      machine.simulated.execute(1.0);
      machine.sample_at(100.0 * i);
      for (const auto& reading : machine.telemetry->readings) {
        values.push_back(reading.value);
      }
    }
    return values;
  };
  SmallMachine machine(with_sensor("noise: 0.1, period_ms: 130, lag_ms: 40"));
  const auto first = record(machine, 5);
  machine.simulated.start(0, {.cpu = {{"all", 1.0}}});
  DOCTEST_CHECK(record(machine, 5) == first);
  DOCTEST_CHECK(record(machine, 6) != first);
  SmallMachine fresh(with_sensor("noise: 0.1, period_ms: 130, lag_ms: 40"));
  DOCTEST_CHECK(record(fresh, 5) == first);
}

DOCTEST_TEST_CASE("simulated platform: without a power sensor the board's model stands in") {
  std::string text = SmallBoards::cpus();
  const std::string key = "total_power: [board]\n";
  text.erase(text.find(key), key.size());
  text += "  total: [board]\n";
  SmallMachine machine(text);
  machine.platform.apply({0, 1, 2});
  machine.simulated.execute(1.0);
  machine.sample_at(100.0);
  DOCTEST_CHECK(machine.read("power_w").value == Approx(1.0 + 2.0 * 0.11));
  DOCTEST_CHECK(machine.platform.signals().back().estimated);
}

DOCTEST_TEST_CASE("simulated platform: the GPU's load") {
  const Board board = SmallBoards::parse(SmallBoards::gpu());
  SimulatedBoard simulated(board);
  SimulatedPlatform platform(board, simulated, {});
  simulated.set_work({.kind = 0, .mflops = 100.0, .images = 1.0, .sensitivity = {}});
  platform.apply({1});
  simulated.execute(1.0);
  simulated.idle_until(TimePoint{} + from_milliseconds(100.0));
  const auto& telemetry = platform.sample();
  DOCTEST_CHECK(platform.signals().back().name == "gpu_load_share");
  DOCTEST_CHECK(telemetry.readings.back().value == Approx(0.08));
}

}  // namespace
}  // namespace rein
