#include "platform/board/simulation_section.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <filesystem>
#include <string>

#include "common/error.hpp"
#include "platform/simulated/contention.hpp"
#include "support/simulated_board.hpp"

namespace rein {
namespace {

/// The small board with `from` replaced by `to`.
std::string changed(const std::string& from, const std::string& to) {
  std::string text = SmallBoards::cpus();
  DOCTEST_REQUIRE(text.find(from) != text.npos);
  return text.replace(text.find(from), from.size(), to);
}

std::string error_of(const std::string& text) {
  try {
    SmallBoards::parse(text);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "no error";
}

bool contains(const std::string& text, const std::string& part) {
  DOCTEST_CAPTURE(text);
  return text.find(part) != text.npos;
}

DOCTEST_TEST_CASE("simulation: a board file without one has none") {
  const std::string text = SmallBoards::cpus();
  DOCTEST_CHECK_FALSE(
      SmallBoards::parse(text.substr(0, text.find("simulation:"))).simulation.has_value());
  DOCTEST_CHECK(SmallBoards::parse(text).simulation.has_value());
}

DOCTEST_TEST_CASE("simulation: operating points that do not ascend") {
  DOCTEST_CHECK(contains(error_of(changed("[500, 1000]", "[1000, 500]")),
                         "domains.0.opps_mhz: expected numbers in ascending order, each once"));
}

DOCTEST_TEST_CASE("simulation: no voltages") {
  DOCTEST_CHECK(contains(error_of(changed(", opps_v: [0.5, 1]", "")),
                         "simulation.devices.0.domain: expected voltages for the simulation, "
                         "found none: give opps_v to the domain cpu"));
}

DOCTEST_TEST_CASE("simulation: power that falls with frequency") {
  DOCTEST_CHECK(contains(error_of(changed("opps_v: [0.5, 1]", "opps_v: [2, 1]")),
                         "simulation.devices.0: expected power that rises with the frequency of "
                         "cpu, found 9 W at 500 MHz and 4.5 W at 1000 MHz: check opps_v"));
}

DOCTEST_TEST_CASE("simulation: a thermal time constant of 0") {
  DOCTEST_CHECK(contains(
      error_of(changed("time_constant_s: 5", "time_constant_s: 0")),
      "simulation.zones.0.stages.0.time_constant_s: expected a number from 0.001 to 1000000 s, "
      "found '0'"));
}

DOCTEST_TEST_CASE("simulation: names that do not exist are listed") {
  DOCTEST_CHECK(contains(error_of(changed("zone: soc", "zone: sock")),
                         "simulation.devices.0.zone: expected a zone of the simulation (soc), "
                         "found 'sock'"));
  DOCTEST_CHECK(contains(error_of(changed("domain: cpu", "domain: big")),
                         "expected a domain of the board (cpu), found 'big'"));
  DOCTEST_CHECK(contains(
      error_of(changed("signal: power_w.board", "signal: power_w.main")),
      "simulation.sensors.0.signal: expected pressure_cpu_share, pressure_memory_share, "
      "power_w.<rail> (board), temperature_c.<zone> (soc), gpu_load_share, load_share.<device> "
      "(gpu), throttle_share.<device>, cooling_share.<fan>, found 'power_w.main'"));
  DOCTEST_CHECK(
      contains(error_of(changed("signal: power_w.board", "signal: power_w")), "found 'power_w'"));
  DOCTEST_CHECK(contains(error_of(changed("total_power: [board]", "total_power: [main]")),
                         "simulation.rails: expected the rail main of total_power, found board"));
}

DOCTEST_TEST_CASE("simulation: every domain and CPU is needed") {
  DOCTEST_CHECK(contains(
      error_of(changed("places:\n",
                       "  - {name: gpu, devfreq: gpu, opps_mhz: [100], opps_v: [1]}\nplaces:\n")),
      "simulation.devices: expected a device for each domain of the board, found none for gpu"));
  DOCTEST_CHECK(contains(error_of(changed("cpus: \"0-1\"\ndomains", "cpus: \"0-2\"\ndomains")),
                         "simulation.devices: expected each of the CPUs 0-2 in one domain, found "
                         "0-1"));
  DOCTEST_CHECK(
      contains(error_of(changed("name: cpu0, cpus: \"0\"", "name: cpu0, device: gpu, cpus: \"0\"")),
               "simulation.devices: expected a GPU, as the place cpu0 needs one, found none"));
}

DOCTEST_TEST_CASE("simulation: unknown keys and values out of range") {
  DOCTEST_CHECK(contains(error_of(changed("ambient_c: 20", "ambient: 20")), "simulation.ambient"));
  DOCTEST_CHECK(contains(error_of(changed("dynamic_w: 2", "dynamic_w: -2")),
                         "simulation.devices.0.dynamic_w: expected a number from 0 to 1000000 W"));
  DOCTEST_CHECK(contains(error_of(SmallBoards::cpus("  latency_noise: {tail_shape: 0.6}\n")),
                         "simulation.latency_noise.tail_shape"));
}

DOCTEST_TEST_CASE("simulation: an overlap is 1 or more, and a kind of work may have its own") {
  const auto read = [](const std::string& device, const std::string& kind) {
    return SmallBoards::parse(changed("memory_ms: 2}}", "memory_ms: 2" + kind + "}}" + device));
  };
  const auto expected = [](const char* key, const char* found) {
    return fmt::format("{}: expected a number from 1 to 100, found '{}'", key, found);
  };
  DOCTEST_CHECK(read("", "").simulation->devices.front().memory_overlap == 1.0);
  DOCTEST_CHECK(read(", memory_overlap: 3", "").simulation->devices.front().memory_overlap == 3.0);
  DOCTEST_CHECK(
      read("", ", memory_overlap: 2").simulation->devices.front().kinds.front().memory_overlap ==
      2.0);
  DOCTEST_CHECK(contains(error_of(changed("memory_ms: 2}}", "memory_ms: 2}}, memory_overlap: 0.9")),
                         expected("simulation.devices.0.memory_overlap", "0.9")));
  DOCTEST_CHECK(contains(error_of(changed("memory_ms: 2", "memory_ms: 2, memory_overlap: 101")),
                         expected("simulation.devices.0.kinds.cnn.memory_overlap", "101")));
}

DOCTEST_TEST_CASE("simulation: what is written is read back to the same") {
  for (const auto& entry : std::filesystem::directory_iterator(REIN_SOURCE_DIR "/configs/boards")) {
    DOCTEST_CAPTURE(entry.path().string());
    const Board board = Board::from_yaml(ConfigNode::load(entry.path()));
    if (board.simulation) {
      const std::string written = board.simulation->to_yaml();
      const Board again =
          Board::from_yaml(ConfigNode::parse(board.to_yaml() + written, "again.yaml"));
      DOCTEST_CHECK(again.simulation->to_yaml() == written);
      DOCTEST_CHECK(again.simulation->devices.size() == board.simulation->devices.size());
    }
  }
  const std::string text = SmallBoards::cpus(
      "  migration_ms: 3\n  throttling: [{name: a b, zone: soc, domain: cpu, trip_c: 60, "
      "hysteresis_c: 2, step: 2, keeps_voltage: true}]\n");
  const Board board = SmallBoards::parse(text);
  const Board again = SmallBoards::parse(board.to_yaml() + board.simulation->to_yaml());
  DOCTEST_CHECK(again.simulation->throttles.front().name == "a b");
  DOCTEST_CHECK(again.simulation->throttles.front().keeps_voltage);
  DOCTEST_CHECK(again.simulation->throttles.front().step == 2);
  DOCTEST_CHECK(again.simulation->migration_ms == 3.0);
  DOCTEST_CHECK(again.simulation->devices.front().kinds.front().compute_ms == 8.0);
  DOCTEST_CHECK(again.simulation->devices.front().stall_activity == 1.0);
}

DOCTEST_TEST_CASE("contention: a profile takes something") {
  const auto read = [](const std::string& text) {
    return ContentionProfile::from_yaml(ConfigNode::parse(text, "p.yaml"));
  };
  const auto profile = read("{cpu: {big: 1, slowest: 0.5}, gpu: 0.7, on_ms: 30, off_ms: 170}");
  DOCTEST_CHECK(profile.cpu.size() == 2);
  DOCTEST_CHECK(profile.cpu[1].cluster == "slowest");
  DOCTEST_CHECK(profile.gpu == 0.7);
  DOCTEST_CHECK(profile.off_ms == 170.0);
  DOCTEST_CHECK_THROWS_WITH_AS(read("{gpu: 0}"),
                               "p.yaml:1:1: expected one of cpu, gpu and memory above 0, "
                               "found none",
                               ConfigError);
  DOCTEST_CHECK_THROWS_AS(read("{memory: 1.5}"), ConfigError);
  DOCTEST_CHECK_THROWS_AS(read("{gpu: 1, on_ms: 5}"), ConfigError);
  DOCTEST_CHECK_THROWS_AS(read("{gpu: 1, cores: 5}"), ConfigError);
}

}  // namespace
}  // namespace rein
