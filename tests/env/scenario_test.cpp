#include "env/scenario.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.hpp"
#include "common/files.hpp"
#include "support/fake_world.hpp"
#include "support/temporary_folder.hpp"

namespace rein {
namespace {

Scenario read(const std::string& text, double time_scale = 1.0) {
  return Scenario::from_yaml(ConfigNode::parse(text, "s"), FakeWorld::budgets(), time_scale);
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
  const Scenario scenario = read(FakeWorld::kScenario);
  DOCTEST_CHECK(scenario.phase_at(0.0) == 0);
  DOCTEST_CHECK(scenario.phase_at(1.999) == 0);
  DOCTEST_CHECK(scenario.phase_at(2.0) == 1);
  DOCTEST_CHECK(scenario.phase_at(1e9) == 3);
}

DOCTEST_TEST_CASE("mistakes in a scenario are named") {
  check_message("name: x\n", "s:1:1: phases: expected this key, found nothing");
  check_message("name: x\nphases: []\n",
                "s:2:9: phases: expected at least one phase, found a list");
  check_message("name: x\nphases:\n- {name: a, duration_s: -1}\n",
                "s:3:25: phases.0.duration_s: expected a number above 0, found '-1'");
  check_message("name: x\nphases:\n- {name: a, duration_s: 1, co_runners: [b]}\n",
                "s:3:41: phases.0.co_runners.0: expected a name from co_runners, which is empty, "
                "found 'b'");
  check_message("name: x\nco_runners:\n  b: {command: []}\nphases: []\n",
                "s:3:16: co_runners.b.command: expected a list of an executable and its arguments, "
                "found a list");
  check_message("name: x\nco_runners:\n  b: {command: [ls], cpus: two}\nphases: []\n",
                "s:3:28: co_runners.b.cpus: expected CPU numbers such as \"0\" or \"0-1,3\", found "
                "'two'");
  check_message("name: x\nco_runners:\n  b: {command: [ls], nice: 3}\nphases: []\n",
                "s:3:22: co_runners.b.nice: expected one of command, cpus, user, found the unknown "
                "key 'nice'");
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
    player.reset();
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

}  // namespace
}  // namespace rein
