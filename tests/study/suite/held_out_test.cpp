// Worlds of the suite `held-out`: that they are what the grammar says, for many seeds.
#include "study/suite/held_out.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

#include "common/files.hpp"
#include "study/run/run_config.hpp"
#include "study/run/simulated_run.hpp"
#include "study/suite/configurations.hpp"
#include "study/suite/drawn_board.hpp"
#include "study/suite/grammar.hpp"
#include "support/temporary_folder.hpp"

namespace rein {
namespace {

/// Writes a world as `rein evaluate` does, and reads it as that does.
RunConfig read(const suite::DrawnWorld& world, const TemporaryFolder& folder) {
  const auto file = folder.path() / (world.name + ".yaml");
  write_file(file, world.run);
  if (!world.recording.empty()) {
    write_file(folder.path() / world.recording_file(), world.recording);
  }
  return RunConfig::load(file, {});
}

/// A few worlds of several seeds, drawn once for all tests.
const std::vector<suite::DrawnWorld>& some_worlds() {
  static const std::vector<suite::DrawnWorld> worlds = [] {
    std::vector<suite::DrawnWorld> drawn;
    for (const std::uint64_t seed : {1, 2, 3, 4}) {
      for (std::size_t i = 0; i < suite::kKinds.size(); ++i) {
        drawn.push_back(suite::draw_held_out(seed, i));
      }
    }
    return drawn;
  }();
  return worlds;
}

DOCTEST_TEST_CASE("a seed and an index are the same world byte by byte, and others another") {
  const auto& worlds = some_worlds();
  const auto again = suite::draw_held_out(2, 3);
  const auto& first = worlds[suite::kKinds.size() + 3];
  DOCTEST_CHECK(first.run == again.run);
  DOCTEST_CHECK(first.recording == again.recording);
  DOCTEST_CHECK(first.kind == again.kind);
  std::set<std::string> runs;
  for (const auto& world : worlds) {
    // Without the comment that names seed and index.
    runs.insert(world.run.substr(world.run.find("domains:")));
  }
  DOCTEST_CHECK(runs.size() == worlds.size());
}

DOCTEST_TEST_CASE("every kind appears as often, in another order for every seed") {
  const auto& worlds = some_worlds();
  std::map<std::string, std::size_t> count;
  std::set<std::string> orders;
  for (std::size_t begin = 0; begin < worlds.size(); begin += suite::kKinds.size()) {
    std::string order;
    for (std::size_t i = 0; i < suite::kKinds.size(); ++i) {
      ++count[worlds[begin + i].kind];
      order += worlds[begin + i].kind + " ";
    }
    orders.insert(order);
  }
  const auto kinds = suite::held_out_kinds();
  DOCTEST_CHECK(count.size() == kinds.size());
  for (const auto& kind : kinds) {
    DOCTEST_CAPTURE(kind);
    DOCTEST_CHECK(count[kind] == 4);
  }
  DOCTEST_CHECK(orders.size() == 4);
}

DOCTEST_TEST_CASE("every drawn world is one that the ordinary readers take, with a choice in it") {
  const TemporaryFolder folder;
  for (const auto& world : some_worlds()) {
    DOCTEST_CAPTURE(world.run.substr(0, 100));
    const RunConfig config = read(world, folder);
    DOCTEST_CHECK(config.scenario.name == world.kind);
    DOCTEST_CHECK(config.duration_s >= 20.0);
    DOCTEST_CHECK(config.duration_s <= suite::kLongestS + 1e-6);
    DOCTEST_CHECK(config.budgets.latency.has_value());
    SimulatedWorld simulated(task_of(config));
    const std::size_t actions = simulated.environment().action_space().size();
    DOCTEST_CHECK(actions >= suite::kFewestConfigurations);
    DOCTEST_CHECK(actions <= suite::kMostConfigurations);
  }
}

DOCTEST_TEST_CASE("a world has what its kind says") {
  const TemporaryFolder folder;
  for (const auto& world : some_worlds()) {
    const RunConfig config = read(world, folder);
    const RequestSpec& requests = config.application().requests;
    const Budgets& budgets = config.budgets;
    DOCTEST_CAPTURE(world.run.substr(0, 100));
    if (world.kind == "periodic") {
      DOCTEST_CHECK(requests.arrival == RequestSpec::Arrival::kPeriodic);
    } else if (world.kind == "poisson") {
      DOCTEST_CHECK(requests.arrival == RequestSpec::Arrival::kPoisson);
    } else if (world.kind == "bursty") {
      DOCTEST_REQUIRE(requests.arrival == RequestSpec::Arrival::kRecorded);
      DOCTEST_CHECK(requests.recording.arrivals->size() >= suite::kRecordedArrivals - 1);
    } else if (world.kind == "closed-loop") {
      DOCTEST_CHECK(requests.arrival == RequestSpec::Arrival::kClosedLoop);
    } else if (world.kind == "overload") {
      double most = 0.0;
      for (const auto& phase : config.scenario.phases) {
        most = std::max(most, phase.rate_scale);
      }
      DOCTEST_CHECK(most >= 1.5);
      DOCTEST_CHECK(most <= 3.0);
    } else if (world.kind == "heat") {
      DOCTEST_CHECK(budgets.temperature.has_value());
    } else if (world.kind == "energy") {
      DOCTEST_CHECK(budgets.energy.has_value());
    } else if (world.kind == "small-limits") {
      DOCTEST_CHECK(budgets.latency->deadline_ms < 2.0);
      DOCTEST_REQUIRE(budgets.power.has_value());
      DOCTEST_CHECK(budgets.power->limit_w < 2.0);
    } else if (world.kind == "conflict") {
      DOCTEST_CHECK(budgets.accuracy.has_value());
    } else if (world.kind == "alternating") {
      DOCTEST_REQUIRE(config.scenario.co_runners.size() == 1);
      DOCTEST_CHECK(config.scenario.co_runners[0].contention->off_ms >= 50.0);
      DOCTEST_CHECK(config.scenario.co_runners[0].contention->on_ms <= 5000.0);
    } else {
      DOCTEST_REQUIRE(world.kind == "slow-board");
      // A period is hardly more than a request or two.
      if (requests.arrival != RequestSpec::Arrival::kClosedLoop) {
        DOCTEST_CHECK(to_seconds(config.period) * requests.rate_hz < 3.0);
      }
    }
  }
}

/// Of each action in the world with its own budgets: how often the one was broken that was most.
std::vector<double> worst_rates(const RunConfig& config) {
  const SimulatedTask task = task_of(config);
  SimulatedWorld world(task);
  Environment& environment = world.environment();
  std::vector<double> rates;
  for (ActionId action = 0; action < environment.action_space().size(); ++action) {
    rates.push_back(suite::worst_rate(environment, action));
  }
  return rates;
}

DOCTEST_TEST_CASE("in most worlds limits bind, and some configuration keeps all of them") {
  const TemporaryFolder folder;
  std::size_t worlds = 0;
  std::size_t kept = 0;
  std::size_t binding = 0;
  for (const auto& world : some_worlds()) {
    if (world.kind == "conflict") {
      continue;  // Whose limits cannot all be kept.
    }
    const auto rates = worst_rates(read(world, folder));
    const auto keep = std::ranges::count_if(rates, [](double rate) { return rate < 0.01; });
    ++worlds;
    kept += keep > 0 ? 1 : 0;
    binding += 2 * keep <= std::ssize(rates) ? 1 : 0;
  }
  DOCTEST_CAPTURE(worlds);
  DOCTEST_CHECK(10 * kept >= 8 * worlds);
  DOCTEST_CHECK(10 * binding >= 7 * worlds);
}

DOCTEST_TEST_CASE("what conflicts cannot all be kept by any configuration") {
  const TemporaryFolder folder;
  for (const auto& world : some_worlds()) {
    if (world.kind == "conflict") {
      DOCTEST_CAPTURE(world.run.substr(0, 100));
      DOCTEST_CHECK(std::ranges::min(worst_rates(read(world, folder))) > 0.0);
    }
  }
}

DOCTEST_TEST_CASE("a board that is drawn keeps its shape, and devices of one make stay alike") {
  Random random(5);
  const std::string yaml = read_file(REIN_SOURCE_DIR "/configs/boards/jetson-xavier-nx.yaml");
  const Board shipped = Board::from_yaml(ConfigNode::parse(yaml, "shipped"));
  const Board drawn = suite::DrawnBoard(yaml, "test", random).board();
  const auto& devices = drawn.simulation->devices;
  DOCTEST_REQUIRE(devices.size() == shipped.simulation->devices.size());
  DOCTEST_CHECK(devices[0].dynamic_w != shipped.simulation->devices[0].dynamic_w);
  DOCTEST_CHECK(devices[0].dynamic_w == devices[1].dynamic_w);
  DOCTEST_CHECK(devices[0].kinds[0].compute_ms == devices[1].kinds[0].compute_ms);
  DOCTEST_CHECK(drawn.places.size() == shipped.places.size());
}

DOCTEST_TEST_CASE("a slower board takes as much longer, and more power gets no hotter") {
  Random random(5);
  const std::string yaml = read_file(REIN_SOURCE_DIR "/configs/boards/jetson-nano.yaml");
  suite::DrawnBoard board(yaml, "test", random);
  const auto before = *board.board().simulation;
  board.slow_down(4.0);
  board.scale_power(10.0);
  const auto after = *board.board().simulation;
  DOCTEST_CHECK(after.devices[0].kinds[0].compute_ms ==
                doctest::Approx(4.0 * before.devices[0].kinds[0].compute_ms).epsilon(1e-3));
  DOCTEST_CHECK(after.devices[0].dynamic_w ==
                doctest::Approx(10.0 * before.devices[0].dynamic_w).epsilon(1e-3));
  DOCTEST_CHECK(after.zones[0].stages[0].resistance_k_per_w ==
                doctest::Approx(0.1 * before.zones[0].stages[0].resistance_k_per_w).epsilon(1e-3));
}

DOCTEST_TEST_CASE(
    "a pattern of keys finds them in mappings and lists, and none that is not there") {
  const auto node =
      ConfigNode::parse("{a: [{b: {x: {c: 1}, y: {c: 2, d: 3}}}, {b: {z: {d: 4}}}]}", "test");
  using Keys = std::vector<std::string>;
  DOCTEST_CHECK(suite::find_keys(node, "a.*.b.*.c") == Keys{"a.0.b.x.c", "a.0.b.y.c"});
  DOCTEST_CHECK(suite::find_keys(node, "a.*.b.*.d") == Keys{"a.0.b.y.d", "a.1.b.z.d"});
  DOCTEST_CHECK(suite::find_keys(node, "b.*").empty());
}

}  // namespace
}  // namespace rein
