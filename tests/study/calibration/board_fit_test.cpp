// Boards whose parameters are known are measured; the fit, which sees the table alone, has to find
// them, or to say what the table does not tell.
#include "study/calibration/board_fit.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "common/error.hpp"
#include "platform/simulated/simulated_board.hpp"
#include "study/calibration/measurement_table.hpp"

namespace rein {
namespace {

using doctest::Approx;

/// A CPU cluster of four, a GPU and a memory with clocks; computing and memory overlap on the GPU.
Board known_board(double overlap) {
  return Board::from_yaml(ConfigNode::parse(
      fmt::format(
          "name: known\n"
          "cpus: \"0-3\"\n"
          "domains:\n"
          "  - {{name: cpu, policy: policy0, cpus: \"0-3\", opps_mhz: [400, 700, 1000, 1300, "
          "1600],\n"
          "     opps_v: [0.8, 0.8, 0.84, 0.92, 1]}}\n"
          "  - {{name: gpu, devfreq: gpu, opps_mhz: [100, 200, 300, 400, 500, 600],\n"
          "     opps_v: [0.8, 0.8, 0.8, 0.8667, 0.9333, 1]}}\n"
          "  - {{name: memory, devfreq: memory, opps_mhz: [800, 1200, 1600], opps_v: [1, 1, 1]}}\n"
          "places:\n"
          "  - {{name: cpu1, cpus: \"3\"}}\n"
          "  - {{name: cpu4, cpus: \"0-3\"}}\n"
          "  - {{name: gpu, device: gpu, cpus: \"0\"}}\n"
          "total_power: [board]\n"
          "simulation:\n"
          "  zones: [{{name: soc, stages: [{{resistance_k_per_w: 0, time_constant_s: 5}}]}}]\n"
          "  devices:\n"
          "    - {{domain: cpu, zone: soc, dynamic_w: 0.8, idle_w: 0.08, thread_exponent: 0.8,\n"
          "       kinds: {{one: {{reference_mflops: 500, compute_ms: 200, memory_ms: 20}},\n"
          "               two: {{reference_mflops: 2000, compute_ms: 900, memory_ms: 60}}}}}}\n"
          "    - {{domain: gpu, kind: gpu, zone: soc, dynamic_w: 6, idle_w: 0.6, memory_overlap: "
          "{},\n"
          "       kinds: {{one: {{reference_mflops: 500, compute_ms: 10, memory_ms: 8, launch_ms: "
          "2}},\n"
          "               two: {{reference_mflops: 2000, compute_ms: 50, memory_ms: 20, launch_ms: "
          "4,\n"
          "                     activity: 0.8}}}}}}\n"
          "    - {{domain: memory, kind: memory, zone: soc, dynamic_w: 1, idle_w: 0.1}}\n"
          "  rails: [{{name: board, devices: [cpu, gpu, memory], base_w: 1.5}}]\n",
          overlap),
      "known.yaml"));
}

struct Setting {
  std::size_t place = 0;
  std::vector<std::size_t> opps;
};

/// What it takes and draws, as a row: network, mflops, device, threads, clocks, latency, power.
std::string measured(const Board& spec, const std::string& kind, const Setting& setting,
                     const ContentionProfile* co_runner = nullptr) {
  SimulatedBoard board(spec);
  for (std::size_t d = 0; d < setting.opps.size(); ++d) {
    board.set_opp(d, setting.opps[d]);
  }
  board.set_place(setting.place);
  const double mflops = kind == "one" ? 500.0 : 2000.0;
  board.set_work(
      {.kind = board.find_kind(kind), .mflops = mflops, .images = 1.0, .sensitivity = {}});
  if (co_runner != nullptr) {
    board.start(1, *co_runner);
  }
  board.update();
  const double before_j = board.energy_j();
  const double latency_s = board.latency_s();
  board.execute(1.0 / latency_s);
  board.update();
  const Place& place = spec.places[setting.place];
  return fmt::format("{},{},{},{},{},{},{},{:.5f},{:.5f},{}\n", kind, mflops,
                     place.device == "gpu" ? "gpu" : "cpu", place.threads,
                     spec.domains[0].opps_mhz[setting.opps[0]],
                     spec.domains[1].opps_mhz[setting.opps[1]],
                     spec.domains[2].opps_mhz[setting.opps[2]], 1e3 * latency_s,
                     board.energy_j() - before_j, co_runner == nullptr ? "" : "neighbour");
}

constexpr const char* kHeader =
    "network,mflops,device,threads,cpu_mhz,gpu_mhz,memory_mhz,latency_ms,power_w,co_runner\n";

/// Every clock of the GPU beside every one of the memory, and of the CPUs on one and on four.
std::string known_table(const Board& board) {
  std::string text = kHeader;
  for (const char* const kind : {"one", "two"}) {
    for (std::size_t gpu = 0; gpu < 6; ++gpu) {
      for (std::size_t memory = 0; memory < 3; ++memory) {
        text += measured(board, kind, {.place = 2, .opps = {4, gpu, memory}});
      }
    }
    for (const std::size_t place : {std::size_t{0}, std::size_t{1}}) {
      for (std::size_t cpu = 0; cpu < 5; ++cpu) {
        text += measured(board, kind, {.place = place, .opps = {cpu, 5, cpu % 3}});
      }
    }
  }
  return text;
}

BoardFit fit(const std::string& text, const BoardFitOptions& options = {}) {
  return fit_board(MeasurementTable::parse(text, "t.csv"), options);
}

std::string error_of(const std::string& text, const BoardFitOptions& options = {}) {
  try {
    fit(text, options);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "no error";
}

const BoardFit::Figure& figure_of(const BoardFit& fit, const std::string& name) {
  const auto found = std::ranges::find(fit.figures, name, &BoardFit::Figure::name);
  DOCTEST_REQUIRE(found != fit.figures.end());
  return *found;
}

double overlap_of(const BoardFit& fit, const std::string& device) {
  const auto found = std::ranges::find(fit.overlaps, device, &BoardFit::Overlap::device);
  DOCTEST_REQUIRE(found != fit.overlaps.end());
  return found->value;
}

const SimulatedDevice& device_of(const BoardFit& fit, const std::string& domain) {
  const auto& devices = fit.board.simulation->devices;
  return *std::ranges::find(devices, domain, &SimulatedDevice::domain);
}

bool tells(const BoardFit& fit, const std::string& part) {
  return std::ranges::any_of(
      fit.notes, [&part](const std::string& note) { return note.find(part) != note.npos; });
}

DOCTEST_TEST_CASE("a board is found again from what was measured on it, held-back rows and all") {
  MeasurementTable table = MeasurementTable::parse(known_table(known_board(3.0)), "t.csv");
  table.hold_back(0.25, 1);
  const BoardFit found = fit_board(table, {});
  DOCTEST_CAPTURE(found.describe());
  DOCTEST_CHECK(overlap_of(found, "gpu") == 3.0);
  for (const char* const name : {"latency of one", "latency of two"}) {
    const auto& latency = figure_of(found, name);
    DOCTEST_CHECK(latency.fitted.worst < 0.01);
    DOCTEST_CHECK(latency.held_back.rows == 7);
    DOCTEST_CHECK(latency.held_back.worst < 0.02);
  }
  DOCTEST_CHECK(figure_of(found, "power").fitted.mean < 0.01);
  DOCTEST_CHECK(figure_of(found, "power").held_back.mean < 0.02);
  const SimulatedDevice& gpu = device_of(found, "gpu");
  DOCTEST_CHECK(gpu.kinds[0].compute_ms == Approx(10.0).epsilon(0.05));
  DOCTEST_CHECK(gpu.kinds[0].memory_ms == Approx(8.0).epsilon(0.05));
  DOCTEST_CHECK(gpu.kinds[1].launch_ms.value_or(0.0) == Approx(4.0).epsilon(0.1));
  DOCTEST_CHECK(device_of(found, "cpu").thread_exponent == Approx(0.8).epsilon(0.02));
}

DOCTEST_TEST_CASE("what does not overlap is fitted without an overlap") {
  const BoardFit found = fit(known_table(known_board(1.0)));
  DOCTEST_CAPTURE(found.describe());
  DOCTEST_CHECK(overlap_of(found, "gpu") == 1.0);
  DOCTEST_CHECK(overlap_of(found, "cpu") == 1.0);
  // And if it is made to overlap, it fits less well.
  const BoardFit forced = fit(known_table(known_board(1.0)), {.overlap = 3.0});
  DOCTEST_CHECK(overlap_of(forced, "gpu") == 3.0);
  DOCTEST_CHECK(figure_of(forced, "latency").fitted.mean >
                2.0 * figure_of(found, "latency").fitted.mean);
}

DOCTEST_TEST_CASE("a fitted board is a board file with the errors that were told") {
  const std::string text = known_table(known_board(3.0));
  const BoardFit found = fit(text);
  const Board again = Board::from_yaml(ConfigNode::parse(found.to_yaml("t.csv"), "b.yaml"));
  DOCTEST_CHECK(again.simulation->to_yaml() == found.board.simulation->to_yaml());
  DOCTEST_CHECK(again.places.size() == 3);
  // A row of the table, played on what was written.
  SimulatedBoard board(again);
  board.set_work(
      {.kind = board.find_kind("two"), .mflops = 2000.0, .images = 1.0, .sensitivity = {}});
  const auto gpu = std::ranges::find(again.places, "gpu", &Place::name) - again.places.begin();
  board.set_place(static_cast<std::size_t>(gpu));
  const double known_ms = 4.0 + std::cbrt(50.0 * 50.0 * 50.0 + 20.0 * 20.0 * 20.0);
  DOCTEST_CHECK(1e3 * board.latency_s() == Approx(known_ms).epsilon(0.01));
}

DOCTEST_TEST_CASE("a co-runner's pressure is found from the rows beside it") {
  const Board board = known_board(3.0);
  const ContentionProfile neighbour{.cpu = {{"cpu", 0.7}}, .gpu = 0.4};
  std::string text = known_table(board);
  for (const char* const kind : {"one", "two"}) {
    for (std::size_t i = 2; i < 5; ++i) {
      text += measured(board, kind, {.place = 2, .opps = {4, i, 2}}, &neighbour);
      text += measured(board, kind, {.place = 1, .opps = {i, 5, 2}}, &neighbour);
    }
  }
  const BoardFit found = fit(text);
  DOCTEST_CAPTURE(found.describe());
  DOCTEST_CHECK(found.co_runners.at("neighbour").gpu == Approx(0.4).epsilon(0.1));
  DOCTEST_CHECK(found.co_runners.at("neighbour").cpu.front().load == Approx(0.7).epsilon(0.05));
  DOCTEST_CHECK(found.sensitivities.at("two").cpu == Approx(1.0).epsilon(0.05));
  DOCTEST_CHECK(figure_of(found, "latency of one beside others").fitted.worst < 0.05);
}

DOCTEST_TEST_CASE("rows are held back by the seed, as many of each network") {
  const auto held_back = [](std::uint64_t seed) {
    MeasurementTable table = MeasurementTable::parse(known_table(known_board(1.0)), "t.csv");
    table.hold_back(0.5, seed);
    std::vector<std::size_t> lines;
    for (const auto& row : table.rows) {
      if (row.is_held_back) {
        lines.push_back(row.line);
      }
    }
    return lines;
  };
  DOCTEST_CHECK(held_back(1).size() == 28);
  DOCTEST_CHECK(held_back(1) == held_back(1));
  DOCTEST_CHECK(held_back(1) != held_back(2));
}

DOCTEST_TEST_CASE("heat comes from temperatures, and what a table does not tell is said") {
  std::string text = "network,gpu_mhz,latency_ms,power_w,temperature_c,ambient_c\n";
  for (const double mhz : {100.0, 200.0, 300.0, 400.0}) {
    const double power_w = 2.0 + 3.0 * mhz / 400.0;
    text += fmt::format("net,{},{},{},{},20\n", mhz, 2.0 + 4000.0 / mhz, power_w,
                        20.0 + 5.0 + 6.0 * power_w);
  }
  const BoardFit found = fit(text);
  DOCTEST_CAPTURE(found.describe());
  const SimulatedZone& zone = found.board.simulation->zones.front();
  DOCTEST_CHECK(zone.stages.front().resistance_k_per_w == Approx(6.0).epsilon(1e-3));
  DOCTEST_CHECK(zone.offset_k == Approx(5.0).epsilon(1e-3));
  DOCTEST_CHECK(tells(found, "launch of net on gpu"));
  DOCTEST_CHECK(tells(found, "mflops: not in the table"));
  DOCTEST_CHECK(tells(found, "time constant of the heat"));
  DOCTEST_CHECK_FALSE(tells(found, "ambient_c"));
}

DOCTEST_TEST_CASE("a table that is wrong is refused with its line and column") {
  const std::string head = "network,gpu_mhz,latency_ms\n";
  DOCTEST_CHECK(error_of("network,gpu_mhz\na,100\n") ==
                "t.csv:1: expected the column latency_ms, found network, gpu_mhz");
  DOCTEST_CHECK(error_of("network,latency_ms\na,1\n") ==
                "t.csv:1: expected a column <domain>_mhz for each clock, as in gpu_mhz, found "
                "network, latency_ms");
  DOCTEST_CHECK(
      error_of("# whose\n# what\n" + head + "a,100,1\na,fast,2\n") ==
      "t.csv:5: column gpu_mhz: expected a number from 0.001 to 1000000 MHz, found 'fast'");
  DOCTEST_CHECK(error_of(head + "a,114750000,1\n") ==
                "t.csv:2: column gpu_mhz: expected a number from 0.001 to 1000000 MHz, found "
                "'114750000'");
  DOCTEST_CHECK(error_of(head + "a,100,1 ms\n") ==
                "t.csv:2: column latency_ms: expected a number from 1e-06 to 3600000 ms, found "
                "'1 ms'");
  DOCTEST_CHECK(
      error_of("network,gpu_hz,latency_s\na,1,1\n")
          .starts_with("t.csv:1: column gpu_hz: expected <domain>_mhz, network, latency_ms, "));
  DOCTEST_CHECK(error_of(head + "a,100,2\na,100,2\na,100,2\n") ==
                "t.csv:2: column gpu_mhz: expected at least two frequencies of gpu that are not "
                "held back, found 100 MHz alone");
  DOCTEST_CHECK(error_of("network,gpu_mhz,latency_ms,held_back\na,100,2,no\na,200,1,maybe\n") ==
                "t.csv:3: column held_back: expected yes, no, true, false, 1, 0 or nothing, found "
                "'maybe'");
  DOCTEST_CHECK(error_of("network,gpu_mhz,memory_mhz,latency_ms\na,100,800,2\na,200,1600,1\n") ==
                "t.csv:2: column network: expected at least 3 rows of a on gpu that are not held "
                "back, found 2");
  DOCTEST_CHECK(error_of(head) == "t.csv: expected at least one row, found none");
  DOCTEST_CHECK(error_of("network,big_mhz,little_mhz,latency_ms\na,100,100,1\n") ==
                "t.csv:2: column device: expected one of big, little, found nothing");
}

DOCTEST_TEST_CASE("a table keeps to the board whose clocks and places it is fitted to") {
  const BoardFitOptions options{.board = known_board(1.0)};
  const std::string text = known_table(known_board(3.0));
  const BoardFit found = fit(text, options);
  DOCTEST_CHECK(found.board.name == "known");
  DOCTEST_CHECK(found.board.places.front().name == "cpu1");
  DOCTEST_CHECK(overlap_of(found, "gpu") == 3.0);
  DOCTEST_CHECK(error_of("network,npu_mhz,latency_ms\na,100,1\n", options) ==
                "t.csv:2: column npu_mhz: expected a clock of the board known (cpu, gpu, memory), "
                "found 'npu'");
  DOCTEST_CHECK(error_of("network,gpu_mhz,latency_ms\na,150,1\n", options) ==
                "t.csv:2: column gpu_mhz: expected a frequency of the board (100, 200, 300, 400, "
                "500, 600 MHz), found 150");
  DOCTEST_CHECK(error_of("network,place,gpu_mhz,latency_ms\na,npu,100,1\n", options) ==
                "t.csv:2: column place: expected a place of the board (cpu1, cpu4, gpu), found "
                "'npu'");
}

}  // namespace
}  // namespace rein
