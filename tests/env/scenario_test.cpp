#include "env/scenario.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "common/error.hpp"
#include "common/files.hpp"
#include "support/allocation_count.hpp"
#include "support/fake_world.hpp"
#include "support/temporary_folder.hpp"

namespace rein {
namespace {

Scenario read(const std::string& text, double time_scale = 1.0) {
  return Scenario::from_yaml(ConfigNode::parse(text, "s"), FakeWorld::budgets(), time_scale);
}

/// All stretches in their order.
std::vector<ScenarioStretch> draw(const Scenario& scenario, Random& random) {
  std::vector<ScenarioStretch> stretches = {scenario.first_stretch(random)};
  while (const auto next = scenario.next_stretch(stretches.back(), random)) {
    stretches.push_back(*next);
  }
  return stretches;
}

void check_message(const std::string& text, const std::string& message) {
  DOCTEST_CHECK_THROWS_WITH_AS(read(text), message.c_str(), ConfigError);
}

DOCTEST_TEST_CASE("a scenario is a row of phases with the run's budgets and the phase's changes") {
  const Scenario scenario = read(FakeWorld::kScenario, 0.5);
  DOCTEST_CHECK(scenario.duration_s() == 4.0);
  DOCTEST_CHECK(scenario.phases[2].co_runners == std::vector<std::size_t>{0, 1});
  DOCTEST_CHECK(scenario.co_runners[1].cpus == std::vector<int>{1});
  DOCTEST_CHECK(scenario.phases[0].budgets.latency->deadline_ms == 12.0);
  DOCTEST_CHECK(scenario.phases[3].budgets.latency->deadline_ms == 5.0);
  DOCTEST_CHECK(scenario.phases[3].budgets.latency->miss_rate == 0.05);
}

DOCTEST_TEST_CASE("the phase is found by time, the last one after the end") {
  FakeWorld world;
  world.player.reset(1);
  DOCTEST_CHECK(world.player.advance(0.0).name == "alone");
  DOCTEST_CHECK(world.player.advance(1.999).name == "alone");
  DOCTEST_CHECK(world.player.advance(2.0).name == "one");
  DOCTEST_CHECK(world.player.advance(1e9).name == "tight");
}

DOCTEST_TEST_CASE("a co-runner is a command, a profile of contention, or both") {
  const Scenario scenario = read(
      "name: x\nco_runners:\n"
      "  command: {command: [ls]}\n"
      "  profile: {contention: {cpu: {fastest: 1}}}\n"
      "  both: {command: [ls, -l], cpus: \"1\", contention: {gpu: 0.5}}\n"
      "phases: [{name: a, duration_s: 1}]\n");
  DOCTEST_CHECK_FALSE(scenario.co_runners[0].contention.has_value());
  DOCTEST_CHECK(scenario.co_runners[1].command.empty());
  DOCTEST_CHECK(scenario.co_runners[1].contention->cpu.front().load == 1.0);
  DOCTEST_CHECK(scenario.co_runners[2].command.size() == 2);
  DOCTEST_CHECK(scenario.co_runners[2].contention->gpu == 0.5);
  check_message("name: x\nco_runners:\n  b: {}\nphases: [{name: a, duration_s: 1}]\n",
                "s:3:6: co_runners.b: expected a command, a contention, or both, found neither");
}

DOCTEST_TEST_CASE("a phase has what is relative to the run's, so that it fits every board") {
  const Scenario scenario = read(
      "name: x\nphases:\n"
      "  - {name: a, duration_s: 4, ambient_c: 35}\n"
      "  - {name: b, duration_s: 6, relative: {rate: 2, deadline: 0.5, power: 0.75, battery: "
      "0.4}}\n",
      0.5);
  DOCTEST_CHECK(scenario.phases[0].ambient_c == 35.0);
  DOCTEST_CHECK(scenario.phases[0].rate_scale == 1.0);
  DOCTEST_CHECK_FALSE(scenario.phases[0].budgets.energy.has_value());
  const ScenarioPhase& phase = scenario.phases[1];
  DOCTEST_CHECK_FALSE(phase.ambient_c.has_value());
  DOCTEST_CHECK(phase.rate_scale == 2.0);
  DOCTEST_CHECK_FALSE(phase.rate_hz.has_value());
  DOCTEST_CHECK(phase.budgets.latency->deadline_ms == 6.0);
  DOCTEST_CHECK(phase.budgets.latency->miss_rate == 0.05);
  DOCTEST_CHECK(phase.budgets.power->limit_w == 3.0);
  DOCTEST_CHECK(phase.budgets.power->window_s == 0.5);
  // 0.4 of the run's 4 W, for the 5 s that the scenario has when it is scaled.
  DOCTEST_CHECK(*phase.budgets.energy->total_j == doctest::Approx(0.4 * 4.0 * 5.0));
  DOCTEST_CHECK(phase.budgets.energy->horizon_s == 5.0);
}

DOCTEST_TEST_CASE("what is relative is refused where it has nothing to relate to, or a rival") {
  const auto phase = [](const std::string& rest) {
    return "name: x\nphases:\n- {name: a, duration_s: 1, " + rest + "}\n";
  };
  check_message(phase("rate_hz: 5, relative: {rate: 2}"),
                "s:3:57: phases.0.relative.rate: expected either this or rate_hz, found both");
  check_message(phase("budgets: {latency: {deadline_ms: 5}}, relative: {deadline: 2}"),
                "s:3:87: phases.0.relative.deadline: expected either this or "
                "budgets.latency.deadline_ms, found both");
  check_message(phase("budgets: {power: {limit_w: 5}}, relative: {power: 2}"),
                "s:3:78: phases.0.relative.power: expected either this or budgets.power.limit_w, "
                "found both");
  check_message(phase("budgets: {energy: {limit_mj: 5}}, relative: {battery: 2}"),
                "s:3:82: phases.0.relative.battery: expected either this or budgets.energy, found "
                "both");
  check_message(
      phase("relative: {rate: 0}"),
      "s:3:45: phases.0.relative.rate: expected a number from 1e-06 to 1000000, found '0'");
  check_message(phase("relative: {rates: 1}"),
                "s:3:39: phases.0.relative.rates: expected one of battery, deadline, power, rate, "
                "found the unknown key 'rates'");
  check_message(phase("relative: {}"),
                "s:3:38: phases.0.relative: expected one of rate, deadline, power, battery, found "
                "none");
  // The rest of a budget may be given beside what is relative.
  DOCTEST_CHECK(read(phase("budgets: {latency: {miss_rate: 0.2}}, relative: {deadline: 2}"))
                    .phases[0]
                    .budgets.latency->miss_rate == 0.2);

  const auto read_without_budgets = [&](const std::string& rest) {
    return Scenario::from_yaml(ConfigNode::parse(phase(rest), "s"), Budgets{});
  };
  DOCTEST_CHECK_THROWS_WITH_AS(read_without_budgets("relative: {deadline: 2}"),
                               "s:3:49: phases.0.relative.deadline: expected a latency budget of "
                               "the run, found none",
                               ConfigError);
  DOCTEST_CHECK_THROWS_WITH_AS(read_without_budgets("relative: {power: 2}"),
                               "s:3:46: phases.0.relative.power: expected a power budget of the "
                               "run, found none",
                               ConfigError);
  DOCTEST_CHECK_THROWS_WITH_AS(read_without_budgets("relative: {battery: 2}"),
                               "s:3:48: phases.0.relative.battery: expected a power budget of the "
                               "run, found none",
                               ConfigError);
}

const std::string kChain =
    "name: x\n"
    "chain: {duration_s: 1000, start_s: 10, end_s: 900, next: {a: {b: 3, c: 1}}}\n"
    "phases:\n"
    "  - {name: a, duration_s: 1}\n"
    "  - {name: b, duration_s: 2}\n"
    "  - {name: c, duration_s: 4}\n";

DOCTEST_TEST_CASE("a chain's phases follow each other at random, as often and long as it says") {
  const Scenario scenario = read(kChain);
  DOCTEST_CHECK(scenario.duration_s() == 1000.0);
  struct Visits {
    int count = 0;
    double time_s = 0.0;
  };
  std::map<std::size_t, Visits> visits;
  std::map<std::size_t, int> after_first;
  Random random(1);
  for (int episode = 0; episode < 50; ++episode) {
    const auto stretches = draw(scenario, random);
    DOCTEST_REQUIRE(stretches.front().phase == 0);
    DOCTEST_REQUIRE(stretches.front().end_s >= 10.0);
    DOCTEST_REQUIRE(stretches.back().phase == 0);
    DOCTEST_REQUIRE(stretches.back().end_s == 1000.0);
    DOCTEST_REQUIRE(stretches.at(stretches.size() - 2).end_s == 900.0);
    for (std::size_t i = 1; i + 2 < stretches.size(); ++i) {
      const double length_s = stretches[i].end_s - stretches[i - 1].end_s;
      DOCTEST_REQUIRE(length_s >= ScenarioChain::kShortestS - 1e-9);
      DOCTEST_REQUIRE(stretches[i].phase != stretches[i - 1].phase);
      ++visits[stretches[i].phase].count;
      visits[stretches[i].phase].time_s += length_s;
      if (stretches[i - 1].phase == 0) {
        ++after_first[stretches[i].phase];
      }
    }
  }
  // The mean of max(0.2, X) for an exponential X with mean m is 0.2 + m exp(-0.2 / m).
  for (const auto& [phase, mean_s] : {std::pair{0, 1.0}, {1, 2.0}, {2, 4.0}}) {
    const Visits& seen = visits[static_cast<std::size_t>(phase)];
    DOCTEST_CHECK(seen.time_s / seen.count ==
                  doctest::Approx(0.2 + mean_s * std::exp(-0.2 / mean_s)).epsilon(0.03));
  }
  DOCTEST_CHECK(static_cast<double>(after_first[1]) / after_first[2] ==
                doctest::Approx(3.0).epsilon(0.05));
}

DOCTEST_TEST_CASE("all stretches of a chain were kept in memory, however long the run") {
  ScenarioPlayer player(
      read("name: x\n"
           "chain: {duration_s: 190000}\n"
           "phases: [{name: a, duration_s: 0.001}, {name: b, duration_s: 0.001}]\n"),
      {});
  const auto allocated = allocation_count();
  player.reset(1);
  std::size_t changes = 0;
  const ScenarioPhase* last = nullptr;
  for (int i = 0; i < 950'000; ++i) {
    const ScenarioPhase* now = &player.advance(0.2 * i);
    changes += now != last ? 1 : 0;
    last = now;
  }
  DOCTEST_CHECK(changes > 900'000);
  DOCTEST_CHECK(allocation_count() == allocated);
  // Time that goes back finds the same again.
  const ScenarioPhase* now = &player.advance(1000.0);
  player.reset(1);
  DOCTEST_CHECK(now == &player.advance(1000.0));
}

DOCTEST_TEST_CASE("a chain is drawn from the seed, and its times are scaled") {
  ScenarioPlayer player(read(kChain, 0.1), {});
  const auto names = [&](std::uint64_t seed) {
    player.reset(seed);
    std::vector<std::string> result;
    for (int i = 0; i < 1000; ++i) {
      result.push_back(player.advance(0.1 * i).name);
    }
    return result;
  };
  const auto record = names(1);
  DOCTEST_CHECK(names(2) != record);
  DOCTEST_CHECK(names(1) == record);
  DOCTEST_CHECK(std::all_of(record.begin(), record.begin() + 10,
                            [](const std::string& name) { return name == "a"; }));
  DOCTEST_CHECK(std::all_of(record.begin() + 901, record.end(),
                            [](const std::string& name) { return name == "a"; }));
  DOCTEST_CHECK(std::ranges::count(record, "b") > 0);
}

DOCTEST_TEST_CASE("mistakes in a chain are named") {
  const auto chain = [](const std::string& text) {
    return "name: x\nphases:\n- {name: a, duration_s: 1}\n- {name: b, duration_s: 1}\nchain: {" +
           text + "}\n";
  };
  check_message(chain("start_s: 1"), "s:5:8: chain.duration_s: expected this key, found nothing");
  check_message(chain("duration_s: 0"),
                "s:5:21: chain.duration_s: expected a number from 1e-06 to 100000000 s, found '0'");
  check_message(chain("duration_s: 9, start_s: 5, end_s: 5"),
                "s:5:43: chain.end_s: expected an end after the start at 5 s, found one at 5 s");
  check_message(chain("duration_s: 9, start_s: 10"),
                "s:5:33: chain.start_s: expected an end after the start at 10 s, found one at 9 s");
  check_message(chain("duration_s: 9, end_s: 10"),
                "s:5:31: chain.end_s: expected at most the chain's duration of 9 s, found 10");
  check_message(chain("duration_s: 9, next: {d: {a: 1}}"),
                "s:5:34: chain.next.d: expected one of the phases a, b, found 'd'");
  check_message(chain("duration_s: 9, next: {a: {d: 1}}"),
                "s:5:38: chain.next.a.d: expected one of the phases a, b, found 'd'");
  check_message(chain("duration_s: 9, next: {a: {b: 0}}"),
                "s:5:34: chain.next.a: expected a weight above 0, found none");
  check_message(chain("duration_s: 9, next: {a: {b: -1}}"),
                "s:5:38: chain.next.a.b: expected a number from 0 to 1000000, found '-1'");
  check_message(chain("duration_s: 9, seed: 1"),
                "s:5:24: chain.seed: expected one of duration_s, end_s, next, start_s, found the "
                "unknown key 'seed'");
  check_message("name: x\nchain: {duration_s: 9}\nphases: [{name: a, duration_s: 1}]\n",
                "s:3:9: phases: expected at least two phases for a chain, found a list");
  check_message(
      "name: x\nchain: {duration_s: 9}\n"
      "phases: [{name: a, duration_s: 1}, {name: a, duration_s: 1}]\n",
      "s:3:43: phases.1.name: expected a name that no other phase of the chain has, found 'a'");
}

DOCTEST_TEST_CASE("the player tells the ambient temperature of each phase when it begins") {
  std::vector<std::optional<double>> told;
  ScenarioPlayer player(read("name: x\nphases:\n"
                             "  - {name: a, duration_s: 1}\n"
                             "  - {name: b, duration_s: 1, ambient_c: -5}\n"
                             "  - {name: c, duration_s: 1}\n"),
                        {}, [&](std::optional<double> celsius) { told.push_back(celsius); });
  player.reset(1);
  for (const double time_s : {0.0, 0.5, 1.0, 1.5, 2.0}) {
    player.advance(time_s);
  }
  DOCTEST_CHECK(told == std::vector<std::optional<double>>{std::nullopt, -5.0, std::nullopt});
}

DOCTEST_TEST_CASE("mistakes in a scenario are named") {
  check_message("name: x\n", "s:1:1: phases: expected this key, found nothing");
  check_message("name: x\nphases: []\n",
                "s:2:9: phases: expected at least one phase, found a list");
  check_message(
      "name: x\nphases:\n- {name: a, duration_s: -1}\n",
      "s:3:25: phases.0.duration_s: expected a number from 1e-06 to 100000000 s, found '-1'");
  check_message("name: x\nphases:\n- {name: a, duration_s: 1, co_runners: [b]}\n",
                "s:3:41: phases.0.co_runners.0: expected a name from co_runners, which is empty, "
                "found 'b'");
  check_message("name: x\nco_runners:\n  b: {command: []}\nphases: []\n",
                "s:3:16: co_runners.b.command: expected a list of an executable and its arguments, "
                "found a list");
  check_message("name: x\nco_runners:\n  b: {command: [ls], cpus: two}\nphases: []\n",
                "s:3:28: co_runners.b.cpus: expected CPU numbers such as \"0\" or \"0-1,3\", found "
                "'two'");
  check_message(
      "name: x\nco_runners:\n  b: {command: [ls], nice: 3}\nphases: []\n",
      "s:3:22: co_runners.b.nice: expected one of command, contention, cpus, user, found the "
      "unknown key 'nice'");
}

DOCTEST_TEST_CASE("commands are not taken from a file that others can write") {
  const TemporaryFolder folder;
  const auto file = folder.path() / "s.yaml";
  write_file(file, FakeWorld::kScenario);
  DOCTEST_REQUIRE(chmod(file.c_str(), 0644) == 0);
  DOCTEST_CHECK_NOTHROW(require_own_file(ConfigNode::load(file)));
  DOCTEST_REQUIRE(chmod(file.c_str(), 0666) == 0);
  DOCTEST_CHECK_THROWS_WITH_AS(
      require_own_file(ConfigNode::load(file)),
      (file.string() + ": its co-runner commands are not run: expected a file that others cannot "
                       "write, found mode 666")
          .c_str(),
      ConfigError);
}

DOCTEST_TEST_CASE("commands are not taken from another user's file") {
  if (geteuid() != 0) {
    DOCTEST_MESSAGE("SKIPPED: only root can give a file away");
    return;
  }
  const TemporaryFolder folder;
  const auto file = folder.path() / "s.yaml";
  write_file(file, FakeWorld::kScenario);
  DOCTEST_REQUIRE(chown(file.c_str(), 12345, 12345) == 0);
  DOCTEST_CHECK_THROWS_AS(require_own_file(ConfigNode::load(file)), ConfigError);
}

DOCTEST_TEST_CASE("the player starts and ends co-runners as phases change, and leaves none") {
  FakeMachine machine;
  {
    const Scenario scenario = read(FakeWorld::kScenario);
    std::vector<std::unique_ptr<CoRunner>> co_runners;
    auto first = std::make_unique<FakeCoRunner>(machine, std::vector<int>{0});
    FakeCoRunner& watched = *first;
    co_runners.push_back(std::move(first));
    co_runners.push_back(std::make_unique<FakeCoRunner>(machine, std::vector<int>{1}));
    ScenarioPlayer player(scenario, std::move(co_runners));
    player.reset(1);
    DOCTEST_CHECK(player.running().empty());
    player.advance(2.5);
    player.advance(2.6);
    DOCTEST_CHECK(player.running() == std::vector<std::string>{"first"});
    DOCTEST_CHECK(watched.starts == 1);
    player.advance(4.5);
    DOCTEST_CHECK(machine.contended == std::array{true, true});
    player.advance(6.5);
    DOCTEST_CHECK(machine.contended == std::array{false, false});
    player.advance(4.5);
    watched.trouble_text = "exit status 2";
    DOCTEST_CHECK(player.new_troubles() ==
                  std::vector<std::string>{"co-runner first: exit status 2"});
    DOCTEST_CHECK(player.new_troubles().empty());
  }
  DOCTEST_CHECK(machine.contended == std::array{false, false});
}

DOCTEST_TEST_CASE("a chain of billions of changes was drawn at once") {
  check_message(
      "name: c\nchain: {duration_s: 1e8}\nphases: [{name: a, duration_s: 1}, {name: b, duration_s: "
      "9}]\n",
      "s:2:21: chain.duration_s: expected at most 1000000 changes of phase, found 100000000 of 1 "
      "s: give longer phases or a shorter chain");
  DOCTEST_CHECK_NOTHROW(
      read("name: c\nchain: {duration_s: 1e6}\nphases: [{name: a, duration_s: 2}, {name: b, "
           "duration_s: 9}]\n"));
}

DOCTEST_TEST_CASE("phases that are each in range were longer than the clock together") {
  const std::string two =
      "name: s\nphases: [{name: a, duration_s: 6e7}, {name: b, duration_s: 6e7}]\n";
  DOCTEST_CHECK_THROWS_AS(read(two), ConfigError);
  DOCTEST_CHECK_NOTHROW(read(two, 0.5));
  DOCTEST_CHECK_THROWS_AS(read("name: s\nphases: [{name: a, duration_s: 60}]\n", 1e7), ConfigError);
}

DOCTEST_TEST_CASE("a factor in range made a deadline out of range") {
  check_message("name: s\nphases: [{name: a, duration_s: 6, relative: {deadline: 1e6}}]\n",
                "s:2:56: phases.0.relative.deadline: expected a number from 1e-06 to 3600000 ms as "
                "the product with 12, found 12000000");
}

DOCTEST_TEST_CASE("a scenario may say how requests arrive") {
  const std::string phases = "phases: [{name: a, duration_s: 6}]\n";
  DOCTEST_CHECK_FALSE(read("name: s\n" + phases).arrival);
  DOCTEST_CHECK(read("name: s\narrival: poisson\n" + phases).arrival ==
                RequestSpec::Arrival::kPoisson);
  const Scenario played = read("name: s\narrival: recorded\nrecording: " REIN_SOURCE_DIR
                               "/configs/arrivals/azure-llm-code.csv\nrecording_from_s: 60\n" +
                               phases);
  DOCTEST_CHECK(played.recording.arrivals->size() == 8819);
  DOCTEST_CHECK(played.recording.from_s == 60.0);
  check_message("name: s\narrival: daily\n" + phases,
                "s:2:10: arrival: expected one of periodic, poisson, closed_loop, recorded, found "
                "'daily'");
  // Of what is not there, and where nothing is recorded.
  check_message("name: s\narrival: recorded\nrecording: /none.csv\n" + phases,
                "s:3:12: recording: expected a file that exists (looked for /none.csv), found "
                "'/none.csv'");
  DOCTEST_CHECK_THROWS_AS(read("name: s\narrival: recorded\n" + phases), ConfigError);
  DOCTEST_CHECK_THROWS_AS(read("name: s\narrival: poisson\nrecording: x.csv\n" + phases),
                          ConfigError);
}

}  // namespace
}  // namespace rein
