#include "platform/simulated/simulated_board.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "common/random.hpp"
#include "support/simulated_board.hpp"

namespace rein {
namespace {

using doctest::Approx;

constexpr Work kHundred{.kind = 0, .mflops = 100.0, .images = 1.0, .sensitivity = {}};

TimePoint at_ms(double milliseconds) { return TimePoint{} + from_milliseconds(milliseconds); }

double now_ms(const SimulatedBoard& board) {
  return to_milliseconds(board.now().time_since_epoch());
}

SimulatedBoard cpu_board(const std::string& more = "") {
  SimulatedBoard board(SmallBoards::parse(SmallBoards::cpus(more)));
  board.set_work(kHundred);
  return board;
}

SimulatedBoard gpu_board() {
  SimulatedBoard board(SmallBoards::parse(SmallBoards::gpu()));
  board.set_work(kHundred);
  board.set_place(1);
  return board;
}

DOCTEST_TEST_CASE("simulated board: launch + computing / frequency / threads + memory") {
  auto board = cpu_board();
  DOCTEST_CHECK(board.latency_s() == Approx(0.011));
  board.set_opp(0, 0);
  DOCTEST_CHECK(board.latency_s() == Approx(0.019));
  board.set_place(1);
  DOCTEST_CHECK(board.latency_s() == Approx(0.001 + 0.008 + 0.002));
  board.set_work({.kind = 0, .mflops = 50.0, .images = 3.0, .sensitivity = {}});
  DOCTEST_CHECK(board.latency_s() == Approx(0.001 + 3 * 0.5 * (0.008 + 0.002)));
}

DOCTEST_TEST_CASE("simulated board: a request takes its time, and energy follows the busy share") {
  auto board = cpu_board();
  board.execute(1.0);
  DOCTEST_CHECK(now_ms(board) == Approx(11.0));
  board.idle_until(at_ms(100.0));
  board.update();
  DOCTEST_CHECK(now_ms(board) == 100.0);
  // 1 W for the board, 0.5 W for the clock, 2 W while it worked.
  DOCTEST_CHECK(board.energy_j() == Approx(0.1 * 1.5 + 0.011 * 2.0));
  DOCTEST_CHECK(board.rail_energy_j(0) == Approx(board.energy_j()));
  DOCTEST_CHECK(board.cpu_ours_s(0) == Approx(0.011));
  DOCTEST_CHECK(board.cpu_ours_s(1) == 0.0);
}

DOCTEST_TEST_CASE("simulated board: noise and what a request pays besides lengthen it") {
  auto board = cpu_board("  migration_ms: 3\n");
  board.execute(2.0, 0.004);
  DOCTEST_CHECK(now_ms(board) == Approx(26.0));
  board.set_place(1);
  board.execute(1.0);
  DOCTEST_CHECK(now_ms(board) == Approx(26.0 + 3.0 + 1.0 + 4.0 + 2.0));
  board.execute(1.0);  // It has moved.
  DOCTEST_CHECK(now_ms(board) == Approx(36.0 + 7.0));
}

DOCTEST_TEST_CASE("simulated board: voltage counts twice in power") {
  auto board = cpu_board();
  board.set_opp(0, 0);
  board.idle_until(at_ms(1000.0));
  board.update();
  DOCTEST_CHECK(board.energy_j() == Approx(1.0 + 0.5 * 0.5 * 0.25));
}

DOCTEST_TEST_CASE("simulated board: a clock under way changes a request in its midst") {
  auto board = gpu_board();
  DOCTEST_CHECK(board.latency_s() == Approx(0.010));
  board.set_opp(1, 0);  // After 1 ms: 18 ms for a whole request.
  board.execute(1.0);
  DOCTEST_CHECK(now_ms(board) == Approx(1.0 + 0.9 * 18.0));
  const double before = now_ms(board);
  board.set_opp(1, 1);  // After 5 ms.
  board.execute(1.0);
  DOCTEST_CHECK(now_ms(board) - before == Approx(5.0 + (1.0 - 5.0 / 18.0) * 10.0));
}

DOCTEST_TEST_CASE("simulated board: asking for the old clock again stops the change") {
  auto board = gpu_board();
  board.set_opp(1, 0);
  board.set_opp(1, 1);
  board.idle_until(at_ms(50.0));
  DOCTEST_CHECK(board.frequency_mhz(1) == 200.0);
}

DOCTEST_TEST_CASE("simulated board: heat goes towards resistance times power") {
  auto board = cpu_board();
  // At rest at the lowest clock: 1 W, and 0.5 W x 0.5 x 0.25.
  DOCTEST_CHECK(board.zone_c(0) == Approx(20.0 + 10.0 * 1.0625));
  const double start_c = board.zone_c(0);
  board.idle_until(at_ms(5000.0));
  board.update();
  const double goal_c = 20.0 + 10.0 * 1.5;
  DOCTEST_CHECK(board.zone_c(0) == Approx(goal_c + (start_c - goal_c) * std::exp(-1.0)));
  DOCTEST_CHECK(board.hottest_c() == board.zone_c(0));
  board.set_ambient(45.0);
  DOCTEST_CHECK(board.zone_c(0) == Approx(25.0 + goal_c + (start_c - goal_c) * std::exp(-1.0)));
}

DOCTEST_TEST_CASE("simulated board: where nothing leaks, heat does not depend on the steps") {
  auto coarse = cpu_board();
  auto fine = cpu_board();
  coarse.idle_until(at_ms(900.0));
  coarse.update();
  for (int i = 1; i <= 900; ++i) {
    fine.idle_until(at_ms(i));
    fine.update();
  }
  DOCTEST_CHECK(coarse.zone_c(0) == Approx(fine.zone_c(0)));
  DOCTEST_CHECK(coarse.energy_j() == Approx(fine.energy_j()));
}

DOCTEST_TEST_CASE("simulated board: a co-runner leaves our CPU alone while another is free") {
  auto board = cpu_board();
  board.start(7, {.cpu = {{"all", 0.5}}});  // One thread on two CPUs.
  DOCTEST_CHECK(board.latency_s() == Approx(0.011));
  board.set_place(1);
  // One of our two CPUs is shared, and holds the other up.
  DOCTEST_CHECK(board.latency_s() == Approx(2.0 * 0.007));
  board.stop(7);
  DOCTEST_CHECK(board.latency_s() == Approx(0.007));
}

DOCTEST_TEST_CASE("simulated board: CPU time is shared out, and never more than there is") {
  auto board = cpu_board();
  board.set_place(1);
  board.start(0, {.cpu = {{"fastest", 1.0}}});
  board.execute(1.0);
  board.idle_until(at_ms(100.0));
  board.update();
  DOCTEST_CHECK(board.cpu_ours_s(0) == Approx(0.007));
  DOCTEST_CHECK(board.cpu_others_s(0) == Approx(0.1 - 0.007));
  // Both CPUs were busy all the time.
  DOCTEST_CHECK(board.energy_j() == Approx(0.1 * (1.0 + 0.5 + 4.0)));
  DOCTEST_CHECK(board.crowded_s() == Approx(0.014));
}

DOCTEST_TEST_CASE("simulated board: sensitivity decides how much a victim suffers") {
  auto board = gpu_board();
  board.start(0, {.gpu = 0.5});
  DOCTEST_CHECK(board.latency_s() == Approx(0.002 + 0.008 * 1.5));
  board.set_work({.kind = 0, .mflops = 100.0, .images = 1.0, .sensitivity = {.gpu = 0.2}});
  DOCTEST_CHECK(board.latency_s() == Approx(0.002 + 0.008 * 1.1));
  board.start(1, {.gpu = 1.0});  // Pressures add up.
  DOCTEST_CHECK(board.latency_s() == Approx(0.002 + 0.008 * 1.3));
}

DOCTEST_TEST_CASE("simulated board: memory that others use makes waiting longer") {
  auto board = cpu_board();
  board.start(0, {.memory = 0.5});
  DOCTEST_CHECK(board.latency_s() == Approx(0.001 + 0.008 + 2.0 * 0.002));
  board.set_work({.kind = 0, .mflops = 100.0, .images = 1.0, .sensitivity = {.memory = 0.0}});
  DOCTEST_CHECK(board.latency_s() == Approx(0.011));
}

/// The board of SmallBoards::cpus() without launches, that draws half as much while it waits for
/// memory: 8 ms of computing overlap 2 ms of memory.
SimulatedBoard overlapping_board(const std::string& overlap) {
  std::string text = SmallBoards::cpus();
  const std::string from = "stall_activity: 1,\n       launch_ms: 1,";
  text.replace(text.find(from), from.size(),
               "stall_activity: 0.5, memory_overlap: " + overlap + ",");
  SimulatedBoard board(SmallBoards::parse(text));
  board.set_work(kHundred);
  return board;
}

/// Of one request from now on [J], at 25 degC and above what the board draws anyway.
double work_energy_j(SimulatedBoard board) {
  constexpr double kIdleW = 1.0 + 0.5;
  board.update();
  const double before_j = board.energy_j();
  const TimePoint begin = board.now();
  board.execute(1.0);
  board.update();
  return board.energy_j() - before_j - kIdleW * to_seconds(board.now() - begin);
}

DOCTEST_TEST_CASE("simulated board: computing and memory overlap as (compute^p + memory^p)^(1/p)") {
  auto board = overlapping_board("2");
  DOCTEST_CHECK(board.latency_s() == Approx(std::hypot(0.008, 0.002)));
  board.set_opp(0, 0);
  DOCTEST_CHECK(board.latency_s() == Approx(std::hypot(0.016, 0.002)));
  board.start(1, {.memory = 0.75});
  DOCTEST_CHECK(board.latency_s() == Approx(std::hypot(0.016, 0.008)));
}

DOCTEST_TEST_CASE("simulated board: an overlap of 1 is the sum and a large one the longer part") {
  auto sum = overlapping_board("1");
  DOCTEST_CHECK(sum.latency_s() == 0.008 + 0.002);
  auto longer = overlapping_board("100");
  DOCTEST_CHECK(longer.latency_s() == Approx(0.008).epsilon(1e-6));
  longer.start(1, {.memory = 0.9});
  DOCTEST_CHECK(longer.latency_s() == Approx(0.020).epsilon(1e-6));
}

DOCTEST_TEST_CASE("simulated board: however much overlaps, no request of 10 us takes no time") {
  for (const char* const overlap : {"1", "3", "30", "100"}) {
    DOCTEST_CAPTURE(overlap);
    auto board = overlapping_board(overlap);
    board.set_work({.kind = 0, .mflops = 0.1, .images = 1.0, .sensitivity = {}});
    DOCTEST_CHECK(board.latency_s() >= 8e-6);
    DOCTEST_CHECK(board.latency_s() <= 10e-6 * (1.0 + 1e-9));
  }
}

DOCTEST_TEST_CASE("simulated board: work is longer with less overlap, a lower clock, less memory") {
  double more_overlap_s = 0.0;
  for (const char* const overlap : {"100", "10", "3", "1.5", "1"}) {
    DOCTEST_CAPTURE(overlap);
    auto board = overlapping_board(overlap);
    const double latency_s = board.latency_s();
    DOCTEST_CHECK(latency_s >= more_overlap_s);
    DOCTEST_CHECK(latency_s >= 0.008);
    DOCTEST_CHECK(latency_s <= 0.010);
    more_overlap_s = latency_s;
    double before_s = latency_s;
    for (const double memory : {0.1, 0.4, 0.8}) {
      board.start(1, {.memory = memory});
      DOCTEST_CHECK(board.latency_s() >= before_s);
      before_s = board.latency_s();
      board.stop(1);
    }
    board.set_opp(0, 0);
    DOCTEST_CHECK(board.latency_s() > latency_s);
  }
}

DOCTEST_TEST_CASE("simulated board: half of an overlapping request is half of both of its parts") {
  auto board = overlapping_board("3");
  const double alone_s = board.latency_s();
  SimulatedBoard other = board;
  other.start(1, {.memory = 0.8});
  const double beside_s = other.latency_s();
  // Memory takes longer than computing in the first and the third quarter of the request.
  board.start(1, {.memory = 0.8, .on_ms = 1e3 * beside_s / 4, .off_ms = 1e3 * alone_s / 4});
  board.execute(1.0);
  DOCTEST_CHECK(beside_s == Approx(std::cbrt(0.008 * 0.008 * 0.008 + 0.01 * 0.01 * 0.01)));
  DOCTEST_CHECK(to_seconds(board.now() - TimePoint{}) ==
                Approx((beside_s + alone_s) / 2).epsilon(1e-6));
}

DOCTEST_TEST_CASE("simulated board: who waits less for memory spends less") {
  // 2 W for 8 ms, and 1 W for what it waits besides.
  double before_j = 1.0;
  for (const char* const overlap : {"1", "1.5", "3", "10", "100"}) {
    DOCTEST_CAPTURE(overlap);
    auto board = overlapping_board(overlap);
    const double energy_j = work_energy_j(board);
    DOCTEST_CHECK(energy_j == Approx(0.016 + 1.0 * (board.latency_s() - 0.008)).epsilon(1e-6));
    DOCTEST_CHECK(energy_j <= before_j * (1.0 + 1e-6));
    DOCTEST_CHECK(energy_j >= 0.016 * (1.0 - 1e-6));
    before_j = energy_j;
  }
}

DOCTEST_TEST_CASE("simulated board: memory works as long for a request that it overlaps") {
  for (const char* const overlap : {"1", "2", "100"}) {
    DOCTEST_CAPTURE(overlap);
    std::string text = SmallBoards::cpus();
    const auto put = [&text](const std::string& before, const std::string& more) {
      text.insert(text.find(before), more);
    };
    put("places:\n", "  - {name: memory, devfreq: m, opps_mhz: [800, 1600], opps_v: [1, 1]}\n");
    put("  rails:", "    - {domain: memory, kind: memory, zone: soc, dynamic_w: 4}\n");
    text.replace(text.find("devices: [cpu]"), 14, "devices: [cpu, memory]");
    text.replace(text.find("launch_ms: 1,"), 13, "memory_overlap: " + std::string(overlap) + ",");
    SimulatedBoard board(SmallBoards::parse(text));
    board.set_work(kHundred);
    // 2 W for as long as it takes, and 4 W for the 2 ms of memory; 4 ms at half of its clock.
    DOCTEST_CHECK(work_energy_j(board) ==
                  Approx(2.0 * board.latency_s() + 4.0 * 0.002).epsilon(1e-6));
    board.set_opp(1, 0);
    DOCTEST_CHECK(work_energy_j(board) ==
                  Approx(2.0 * board.latency_s() + 4.0 * 0.5 * 0.004).epsilon(1e-6));
  }
}

DOCTEST_TEST_CASE("simulated board: a co-runner that pauses slows down part of a request") {
  auto board = cpu_board();
  // Both CPUs are taken for 4 ms, then free for 6 ms.
  board.start(0, {.cpu = {{"all", 1.0}}, .on_ms = 4.0, .off_ms = 6.0});
  board.execute(1.0);
  // 4 ms bring 2 ms' worth, 6 ms bring 6; of the 3 left, 3 take 6 ms of sharing: 4 (2), then 1.
  DOCTEST_CHECK(now_ms(board) == Approx(10.0 + 4.0 + 1.0));
}

DOCTEST_TEST_CASE("simulated board: a quota stops the work until its next period") {
  auto board = cpu_board();
  board.set_quota(0.5);
  board.execute(1.0);  // 5 ms, 5 ms pause, 5 ms, 5 ms pause, 1 ms.
  DOCTEST_CHECK(now_ms(board) == Approx(21.0));
  board.update();
  DOCTEST_CHECK(board.cpu_ours_s(0) == Approx(0.011));
  board.set_quota(2.0);
  board.execute(1.0);
  DOCTEST_CHECK(now_ms(board) == Approx(32.0));
}

DOCTEST_TEST_CASE("simulated board: two threads use a quota up in half the time") {
  auto board = cpu_board();
  board.set_place(1);
  board.set_quota(1.0);
  board.execute(1.0);  // 5 ms of two CPUs, 5 ms pause, 2 ms.
  DOCTEST_CHECK(now_ms(board) == Approx(12.0));
}

const std::string kThrottle =
    "  throttling:\n"
    "    - {name: soc, zone: soc, domain: cpu, trip_c: 30, hysteresis_c: 2, polling_ms: 100";

DOCTEST_TEST_CASE("simulated board: heat takes the clock down and gives it back") {
  auto board = cpu_board(kThrottle + "}\n");
  DOCTEST_REQUIRE(board.zone_c(0) > 30.0);
  board.idle_until(at_ms(100.0));
  board.update();
  DOCTEST_CHECK(board.frequency_mhz(0) == 500.0);
  DOCTEST_CHECK(board.opp(0) == 0);
  DOCTEST_CHECK(board.throttle_share(0) == 1.0);
  board.set_ambient(10.0);  // Far below the trip.
  board.idle_until(at_ms(200.0));
  board.update();
  DOCTEST_CHECK(board.frequency_mhz(0) == 1000.0);
  DOCTEST_CHECK(board.throttle_share(0) == 0.0);
}

DOCTEST_TEST_CASE("simulated board: between trip and hysteresis nothing moves") {
  auto board = cpu_board(kThrottle + "}\n");
  board.idle_until(at_ms(100.0));
  DOCTEST_REQUIRE(board.frequency_mhz(0) == 500.0);
  board.set_ambient(18.5);
  board.idle_until(at_ms(200.0));
  DOCTEST_REQUIRE(board.zone_c(0) > 28.0);
  DOCTEST_REQUIRE(board.zone_c(0) < 30.0);
  DOCTEST_CHECK(board.frequency_mhz(0) == 500.0);
}

DOCTEST_TEST_CASE("simulated board: a gated clock keeps its voltage") {
  const auto energy = [](const std::string& more) {
    auto board = cpu_board(kThrottle + more);
    board.idle_until(at_ms(100.0));
    board.update();
    const double before = board.energy_j();
    board.idle_until(at_ms(200.0));
    board.update();
    return board.energy_j() - before;
  };
  DOCTEST_CHECK(energy("}\n") == Approx(0.1 * (1.0 + 0.5 * 0.5 * 0.25)));
  DOCTEST_CHECK(energy(", keeps_voltage: true}\n") == Approx(0.1 * (1.0 + 0.5 * 0.5)));
}

DOCTEST_TEST_CASE("simulated board: leakage and heat feed each other") {
  const std::string text = SmallBoards::cpus();
  const auto with_leakage = [&text](const std::string& leakage) {
    std::string changed = text;
    const std::string key = "idle_w: 0.5,";
    changed.replace(changed.find(key), key.size(), "idle_w: 0.5, " + leakage);
    return SimulatedBoard(SmallBoards::parse(changed));
  };
  auto board = with_leakage("leakage_w: 1, leakage_per_k: 0.02,");
  // At rest, 0.5 V: T = 20 + 10 (1.0625 + 0.5 exp(0.02 (T - 25))).
  const double celsius = board.zone_c(0);
  DOCTEST_CHECK(celsius ==
                Approx(20.0 + 10.0 * (1.0625 + 0.5 * std::exp(0.02 * (celsius - 25.0)))));
}

DOCTEST_TEST_CASE("simulated board: reset leaves nothing behind") {
  auto used = cpu_board(kThrottle + "}\n");
  used.set_place(1);
  used.set_opp(0, 0);
  used.set_quota(0.5);
  used.set_ambient(60.0);
  used.start(3, {.cpu = {{"all", 1.0}}, .memory = 0.5, .on_ms = 3.0, .off_ms = 4.0});
  for (int i = 0; i < 20; ++i) {
    used.execute(1.3);
  }
  used.reset();
  auto fresh = cpu_board(kThrottle + "}\n");
  for (SimulatedBoard* board : {&used, &fresh}) {
    board->set_work(kHundred);
    for (int i = 0; i < 20; ++i) {
      board->execute(1.1);
    }
    board->update();
  }
  DOCTEST_CHECK(used.now() == fresh.now());
  DOCTEST_CHECK(used.energy_j() == fresh.energy_j());
  DOCTEST_CHECK(used.zone_c(0) == fresh.zone_c(0));
  DOCTEST_CHECK(used.cpu_others_s(1) == 0.0);
}

DOCTEST_TEST_CASE("simulated board: a copy goes its own way") {
  auto board = cpu_board();
  board.start(0, {.cpu = {{"all", 1.0}}, .on_ms = 3.0, .off_ms = 4.0});
  board.execute(1.0);
  SimulatedBoard copy = board;
  copy.set_opp(0, 0);
  copy.execute(1.0);
  board.execute(1.0);
  auto again = cpu_board();
  again.start(0, {.cpu = {{"all", 1.0}}, .on_ms = 3.0, .off_ms = 4.0});
  again.execute(1.0);
  again.execute(1.0);
  DOCTEST_CHECK(board.now() == again.now());
  DOCTEST_CHECK(copy.now() > board.now());
}

DOCTEST_TEST_CASE("simulated board: energy is that of its powers, whatever happens") {
  // A property over many histories: rails add up, power lies between idle and all busy, time and
  // energy never go back.
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Random random(seed);
    auto board = cpu_board(kThrottle + "}\n");
    double last_j = 0.0;
    TimePoint last = board.now();
    std::size_t next_id = 0;
    for (int i = 0; i < 200; ++i) {
      switch (random.index(6)) {
        case 0:
          board.set_opp(0, random.index(2));
          break;
        case 1:
          board.set_place(random.index(2));
          break;
        case 2:
          board.set_quota(0.5 + 0.5 * static_cast<double>(random.index(4)));
          break;
        case 3:
          board.start(next_id++, {.cpu = {{"all", random.uniform() + 0.01}},
                                  .memory = random.uniform(),
                                  .on_ms = 1.0 + 10.0 * random.uniform(),
                                  .off_ms = 0.1 + 10.0 * random.uniform()});
          break;
        case 4:
          if (next_id > 0) {
            board.stop(--next_id);
          }
          break;
        default:
          board.execute(1.0 + random.uniform());
      }
      board.idle_until(board.now() + from_milliseconds(5.0 * random.uniform()));
      board.update();
      DOCTEST_REQUIRE(board.now() >= last);
      const double seconds = to_seconds(board.now() - last);
      const double joules = board.energy_j() - last_j;
      DOCTEST_REQUIRE(joules >= 1.0 * seconds - 1e-9);
      DOCTEST_REQUIRE(joules <= 5.5 * seconds + 1e-9);
      DOCTEST_REQUIRE(board.rail_energy_j(0) == Approx(board.energy_j()));
      DOCTEST_REQUIRE(board.cpu_ours_s(0) + board.cpu_others_s(0) <=
                      to_seconds(board.now().time_since_epoch()) + 1e-9);
      last = board.now();
      last_j = board.energy_j();
    }
  }
}

DOCTEST_TEST_CASE("simulated board: a kind of work that it does not know is named") {
  auto board = cpu_board();
  DOCTEST_CHECK(board.find_kind("cnn") == 0);
  DOCTEST_CHECK(board.can_do(0, 0));
  DOCTEST_CHECK_THROWS_WITH(board.find_kind("fft"),
                            "expected a kind of work that the board simulates (cnn), found 'fft'");
}

DOCTEST_TEST_CASE("simulated board: a request that takes years ends after an hour") {
  auto board = cpu_board();
  board.set_work({.kind = 0, .mflops = 1e12, .images = 1024.0, .sensitivity = {}});
  board.execute(1.0);
  DOCTEST_CHECK(now_ms(board) == 3.6e6);
  board.update();
  DOCTEST_CHECK(std::isfinite(board.energy_j()));
}

DOCTEST_TEST_CASE("simulated board: leakage that heats itself has an end") {
  std::string text = SmallBoards::cpus();
  const std::string power = "idle_w: 0.5,";
  text.replace(text.find(power), power.size(), "idle_w: 0.5, leakage_w: 1000, leakage_per_k: 0.1,");
  SimulatedBoard board(SmallBoards::parse(text));
  board.set_work(kHundred);
  board.idle_until(at_ms(100'000.0));
  board.update();
  DOCTEST_CHECK(std::isfinite(board.hottest_c()));
  DOCTEST_CHECK(std::isfinite(board.energy_j()));
}

}  // namespace
}  // namespace rein
