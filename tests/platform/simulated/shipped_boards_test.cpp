// The boards that are shipped with a simulation: what an agent sees of them must not tell it that
// they are simulated.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "platform/board/board.hpp"
#include "platform/sensors/linux_sensors.hpp"
#include "platform/simulated/simulated_platform.hpp"
#include "support/board_tree.hpp"

namespace rein {
namespace {

using Strings = std::vector<std::string>;

Board load(const std::string& name) {
  return Board::from_yaml(
      ConfigNode::load(std::string(REIN_SOURCE_DIR "/configs/boards/") + name + ".yaml"));
}

/// The signals that become features of an observation, in their order; but for the CPUs', of which
/// a tree shows fewer than a machine that one runs on.
Strings features(const std::vector<Signal>& signals) {
  Strings names;
  for (const auto& signal : signals) {
    const bool is_feature = signal.name.find("_share") != signal.name.npos || signal.is_heat;
    if (is_feature && !signal.name.starts_with("cpu_")) {
      names.push_back(signal.name);
    }
  }
  return names;
}

Strings powers(const std::vector<Signal>& signals) {
  Strings names;
  for (const auto& signal : signals) {
    if (signal.name.starts_with("power_w")) {
      names.push_back(signal.name);
    }
  }
  std::ranges::sort(names);
  return names;
}

std::string joined(const Strings& names) { return fmt::format("{}", fmt::join(names, " ")); }

SimulatedPlatformOptions all_knobs(const Board& board) {
  return {.application = "app", .places = {}, .frequencies = board.domains, .bandwidth = true};
}

DOCTEST_TEST_CASE("simulated boards: the agent sees what it would see on the real one") {
  for (const char* name :
       {"odroid-xu3", "jetson-nano", "jetson-xavier-nx", "jetson-orin-nx", "raspberry-pi-4"}) {
    DOCTEST_CAPTURE(name);
    const Board board = load(name);
    DOCTEST_REQUIRE(board.simulation.has_value());
    const test::BoardTree tree(name);
    const LinuxSensors sensors(board, tree.root());
    SimulatedBoard simulated(board);
    const SimulatedPlatform platform(board, simulated, all_knobs(board));
    DOCTEST_CHECK(joined(features(platform.signals())) == joined(features(sensors.signals())));
    DOCTEST_CHECK(joined(powers(platform.signals())) == joined(powers(sensors.signals())));
  }
}

DOCTEST_TEST_CASE(
    "simulated boards: a board file's choice of temperatures holds for the model too") {
  Board board = load("jetson-nano");
  const auto heat = [&board] {
    SimulatedBoard simulated(board);
    const SimulatedPlatform platform(board, simulated, all_knobs(board));
    Strings names;
    for (const auto& signal : platform.signals()) {
      if (signal.is_heat) {
        names.push_back(signal.name);
      }
    }
    return names;
  };
  const auto hottest_c = [&board] { return SimulatedBoard(board).hottest_c(); };
  DOCTEST_CHECK(heat().size() == 5);
  // At rest it is the one with an offset.
  const double with_ao_c = hottest_c();
  board.temperature = {.zones = {}, .ignore = {"AO*"}};
  DOCTEST_CHECK(heat().size() == 4);
  DOCTEST_CHECK(hottest_c() < with_ao_c);
  board.temperature = {.zones = {"CPU-therm"}, .ignore = {}};
  DOCTEST_CHECK(heat() == Strings{"temperature_c.CPU-therm"});
}

DOCTEST_TEST_CASE("simulated boards: the network can run in every place, at a plausible power") {
  for (const char* name : {"odroid-xu3", "jetson-nano", "jetson-xavier-nx", "jetson-orin-nx",
                           "raspberry-pi-4", "pc"}) {
    DOCTEST_CAPTURE(name);
    const Board board = load(name);
    DOCTEST_REQUIRE(board.simulation.has_value());
    SimulatedBoard simulated(board);
    const std::size_t cnn = simulated.find_kind("cnn");
    for (std::size_t place = 0; place < board.places.size(); ++place) {
      DOCTEST_CAPTURE(board.places[place].name);
      DOCTEST_REQUIRE(simulated.can_do(cnn, place));
      double last_latency_s = 0.0;
      // From the highest clocks to the lowest: slower, and never more power.
      for (const bool highest : {true, false}) {
        simulated.reset();
        simulated.set_place(place);
        simulated.set_work({.kind = cnn, .mflops = 150.0, .images = 1.0, .sensitivity = {}});
        for (std::size_t d = 0; d < board.domains.size(); ++d) {
          simulated.set_opp(d, highest ? board.domains[d].opps_mhz.size() - 1 : 0);
        }
        simulated.idle_until(simulated.now() + from_seconds(1.0));
        DOCTEST_CHECK(simulated.latency_s() > last_latency_s);
        DOCTEST_CHECK(simulated.latency_s() > 1e-4);
        DOCTEST_CHECK(simulated.latency_s() < 60.0);
        last_latency_s = simulated.latency_s();
      }
    }
  }
}

DOCTEST_TEST_CASE(
    "simulated boards: with everything busy each domain draws more at a higher clock") {
  for (const char* name : {"odroid-xu3", "jetson-nano", "jetson-xavier-nx", "jetson-orin-nx",
                           "raspberry-pi-4", "pc"}) {
    const Board board = load(name);
    SimulatedBoard simulated(board);
    for (std::size_t d = 0; d < board.domains.size(); ++d) {
      double last_w = 0.0;
      for (std::size_t opp = 0; opp < board.domains[d].opps_mhz.size(); ++opp) {
        DOCTEST_CAPTURE(name);
        DOCTEST_CAPTURE(board.domains[d].name);
        DOCTEST_CAPTURE(board.domains[d].opps_mhz[opp]);
        simulated.reset();
        simulated.start(0, {.cpu = {{"all", 1.0}}, .gpu = 1.0, .memory = 1.0});
        for (std::size_t other = 0; other < board.domains.size(); ++other) {
          simulated.set_opp(other, other == d ? opp : 0);
        }
        // Clocks come into force within this time, and nothing has become hot.
        simulated.idle_until(simulated.now() + from_milliseconds(50));
        simulated.update();
        const double before_j = simulated.energy_j();
        simulated.idle_until(simulated.now() + from_milliseconds(40));
        simulated.update();
        const double watts = (simulated.energy_j() - before_j) / 0.04;
        DOCTEST_CHECK(watts >= last_w);
        DOCTEST_CHECK(watts < 60.0);
        last_w = watts;
      }
    }
  }
}

}  // namespace
}  // namespace rein
