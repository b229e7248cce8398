// Every kind of mistake in a run file, its board and its scenario gives one line that names file,
// line, column and key, what was expected and what was found.
#include "study/run/run_config.hpp"

#include <doctest/doctest.h>

#include "common/error.hpp"
#include "common/random.hpp"
#include "common/yaml_text.hpp"
#include "support/odd_text.hpp"
#include "support/run_files.hpp"
#include "support/simulated_run_files.hpp"

namespace rein {
namespace {

template <typename Files>
void check_message(const Files& files, const std::string& message,
                   const RunOverrides& overrides = {}) {
  DOCTEST_CHECK_THROWS_WITH_AS(RunConfig::load(files.run(), overrides), message.c_str(),
                               ConfigError);
}

void check_edit(std::filesystem::path (RunFiles::*file)() const, const std::string& what,
                const std::string& by, const std::string& message) {
  const RunFiles files;
  const auto path = (files.*file)();
  RunFiles::edit(path, what, by);
  check_message(files, path.string() + ":" + message);
}

DOCTEST_TEST_CASE("a run file in good order is read with all that it names") {
  const RunFiles files;
  const RunConfig config = RunConfig::load(files.run(), {});
  DOCTEST_CHECK(config.board.name == "test board");
  DOCTEST_CHECK(config.scenario.phases.size() == 2);
  DOCTEST_CHECK(config.duration_s == 1001.0);
  DOCTEST_CHECK(config.budgets.latency->deadline_ms == 50.0);
  DOCTEST_CHECK(to_milliseconds(config.period) == 20.0);
  DOCTEST_CHECK(config.applications[0].requests.batch == 1);
}

DOCTEST_TEST_CASE("the effective configuration is complete and reads back to itself") {
  const RunFiles files;
  RunOverrides overrides;
  overrides.settings = {"budgets.latency.deadline_ms=30", "time_scale=0.5"};
  overrides.seed = 7;
  const RunConfig config = RunConfig::load(files.run(), overrides);
  const RunFiles elsewhere;
  const auto effective = elsewhere.folder.path() / "config.yaml";
  write_file(effective, config.effective);
  const RunConfig again = RunConfig::load(effective, {});
  DOCTEST_CHECK(again.effective == config.effective);
  DOCTEST_CHECK(again.seed == 7);
  DOCTEST_CHECK(again.scenario.phases[1].budgets.latency->deadline_ms == 30.0);
  DOCTEST_CHECK(again.scenario.duration_s() == 500.5);
  DOCTEST_CHECK(again.scenario.co_runners[0].command == config.scenario.co_runners[0].command);
}

DOCTEST_TEST_CASE(
    "a run with ` #` or `: ` in its paths was not to be repeated from its config.yaml") {
  Random random(1);
  std::vector<std::string> names = {"a #b",       "a: b", " a ",  "null", "1e3", "~",
                                    "it's \"a\"", "{a}",  "@a",   "a\nb", "é",   "\xE9",
                                    "yes",        "- a",  "a\\b", "*a"};
  for (int i = 0; i < 100; ++i) {
    std::string name = odd_text(random);
    std::erase(name, '/');
    if (!name.empty() && name.find_first_not_of('.') != std::string::npos) {
      names.push_back(name);
    }
  }
  for (const auto& name : names) {
    DOCTEST_CAPTURE(name);
    const RunFiles files;
    const auto folder = files.folder.path() / name;
    write_file(folder / "network", "");
    RunFiles::edit(files.run(), REIN_SOURCE_DIR "/models/trained/fashion-mnist.rein",
                   yaml_quoted((folder / "network").string()));
    RunFiles::edit(files.run(), "fashion-mnist}",
                   "fashion-mnist, folder: " + yaml_quoted(name) + "}");
    RunFiles::edit(files.run(), "kind: random",
                   "kind: alert, profile: " + yaml_quoted(name + "/profile"));
    const RunConfig config = RunConfig::load(files.run(), {});
    const RunFiles elsewhere;
    const auto effective = elsewhere.folder.path() / "config.yaml";
    write_file(effective, config.effective);
    const RunConfig again = RunConfig::load(effective, {});
    DOCTEST_REQUIRE(again.effective == config.effective);
    DOCTEST_REQUIRE(again.applications[0].files.at(0).second == folder / "network");
    DOCTEST_REQUIRE(again.applications[0].files.at(1).second == folder);
    DOCTEST_REQUIRE(again.agent.at("profile").text() == (folder / "profile").string());
  }
}

DOCTEST_TEST_CASE("a scenario, kind or command with odd characters is the same in config.yaml") {
  Random random(2);
  for (int i = 0; i < 100; ++i) {
    const RunFiles files;
    const std::string text = odd_text(random);
    const std::string kind = odd_text(random);
    DOCTEST_CAPTURE(text);
    DOCTEST_CAPTURE(kind);
    RunFiles::edit(files.scenario(), "\"1000\"", yaml_quoted(text));
    RunOverrides overrides;
    overrides.agent = kind;
    const RunConfig config = RunConfig::load(files.run(), overrides);
    const RunFiles elsewhere;
    write_file(elsewhere.run(), config.effective);
    const RunConfig again = RunConfig::load(elsewhere.run(), {});
    DOCTEST_REQUIRE(again.effective == config.effective);
    DOCTEST_REQUIRE(again.agent.at("kind").text() == kind);
    DOCTEST_REQUIRE(again.scenario.co_runners[0].command[1] == text);
  }
}

DOCTEST_TEST_CASE("an unknown key is refused in every file") {
  check_edit(&RunFiles::run, "period_ms", "perod_ms: 5\nperiod_ms",
             "12:1: perod_ms: expected one of agent, applications, board, budgets, controls, "
             "duration_s, objective, period_ms, platform, prices, scenario, seed, shield, "
             "time_scale, found the unknown key 'perod_ms'");
  check_edit(
      &RunFiles::scenario, "duration_s: 1}", "duration_s: 1, lasts: 2}",
      "5:34: phases.0.lasts: expected one of ambient_c, budgets, co_runners, duration_s, name, "
      "rate_hz, relative, found the unknown key 'lasts'");
  check_edit(
      &RunFiles::board, "threads: 1", "threads: 1, cores: 2",
      "4:41: places.0.cores: expected one of cpus, device, name, offline, threads, found the "
      "unknown key 'cores'");
}

DOCTEST_TEST_CASE("a run may choose domains and operating points of its board") {
  const RunFiles files;
  RunFiles::edit(files.board(), "places:",
                 "domains:\n"
                 "  - {name: little, policy: policy0, cpus: \"0\", opps_mhz: [200, 600, 1400]}\n"
                 "  - {name: big, policy: policy4, cpus: \"0\"}\n"
                 "places:");
  RunFiles::edit(files.run(), "period_ms",
                 "controls: {frequency: {little: [200, 1400]}}\nperiod_ms");
  const RunConfig config = RunConfig::load(files.run(), {});
  DOCTEST_REQUIRE(config.frequencies.size() == 1);
  DOCTEST_CHECK(config.frequencies[0].name == "little");
  DOCTEST_CHECK(config.frequencies[0].opps_mhz == std::vector<double>{200, 1400});
  DOCTEST_CHECK(config.use_frequency);
  DOCTEST_CHECK(config.board.domains.size() == 2);  // What is not a knob is there all the same.

  const auto message = [&files](const std::string& frequency) -> std::string {
    const std::string text = read_file(files.run());
    RunFiles::edit(files.run(), "{little: [200, 1400]}", frequency);
    std::string what;
    try {
      RunConfig::load(files.run(), {});
    } catch (const ConfigError& error) {
      what = error.what();
    }
    write_file(files.run(), text);
    return what.substr(files.run().string().size() + 1);
  };
  DOCTEST_CHECK(message("{little: [300]}") ==
                "12:32: controls.frequency.little: expected operating points of the board file "
                "(200, 600, 1400 MHz), found 300");
  DOCTEST_CHECK(message("{gpu: [300]}") ==
                "12:29: controls.frequency.gpu: the board test board has no domain 'gpu'");
  DOCTEST_CHECK(message("{big: [600, 200]}") ==
                "12:29: controls.frequency.big: expected frequencies in MHz in ascending order, "
                "or all, found a list");
}

DOCTEST_TEST_CASE("a wrong type is refused in every file") {
  check_edit(&RunFiles::run, "rate_hz: 50", "rate_hz: fast",
             "6:44: applications.0.requests.rate_hz: expected a number from 1e-06 to 100000 Hz, "
             "found 'fast'");
  check_edit(&RunFiles::scenario, "[busy]", "busy",
             "6:50: phases.1.co_runners: expected a list, found 'busy'");
  check_edit(&RunFiles::board, "cpu_w: 3", "cpu_w: [3]",
             "6:33: power_model.cpu_w: expected a number from 0 to 1000000 W, found a list");
}

DOCTEST_TEST_CASE("a missing key is refused in every file") {
  check_edit(&RunFiles::run, "objective: max_accuracy\n", "",
             "1:1: objective: expected this key, found nothing");
  check_edit(&RunFiles::scenario, "name: test\n", "",
             "1:1: name: expected this key, found nothing");
  check_edit(&RunFiles::board, "name: test board\n", "",
             "1:1: name: expected this key, found nothing");
}

DOCTEST_TEST_CASE("a value out of range is refused in every file") {
  check_edit(&RunFiles::run, "period_ms: 20", "period_ms: 0",
             "12:12: period_ms: expected a number from 1 to 3600000 ms, found '0'");
  check_edit(
      &RunFiles::run, "deadline_ms: 50", "deadline_ms: -1",
      "8:26: budgets.latency.deadline_ms: expected a number from 1e-06 to 3600000 ms, found '-1'");
  check_edit(&RunFiles::scenario, "duration_s: 1}", "duration_s: 0}",
             "5:31: phases.0.duration_s: expected a number from 1e-06 to 100000000 s, found '0'");
  check_edit(&RunFiles::board, "threads: 1", "threads: 0",
             "4:38: places.0.threads: expected a whole number from 1 to 1, found '0'");
}

DOCTEST_TEST_CASE("a file that does not exist is refused where it is named") {
  const RunFiles files;
  const std::string folder = files.folder.path().string();
  RunFiles::edit(files.run(), "scenario.yaml", "nowhere.yaml");
  check_message(files, files.run().string() +
                           ":11:11: scenario: expected a file that exists "
                           "(looked for " +
                           folder + "/nowhere.yaml), found 'nowhere.yaml'");
  const RunFiles others;
  RunFiles::edit(others.run(), "board.yaml", "none.yaml");
  check_message(others, others.run().string() +
                            ":1:8: board: expected a file that exists "
                            "(looked for " +
                            others.folder.path().string() + "/none.yaml), found 'none.yaml'");
  const RunFiles third;
  RunFiles::edit(third.run(), REIN_SOURCE_DIR "/models/trained/fashion-mnist.rein", "/no/net");
  check_message(third, third.run().string() +
                           ":4:44: applications.0.network.checkpoint: expected "
                           "a file that exists (looked for /no/net), found '/no/net'");
  DOCTEST_CHECK_THROWS_WITH_AS(RunConfig::load("/no/run.yaml", {}),
                               "/no/run.yaml: cannot be read: No such file or directory",
                               ConfigError);
}

DOCTEST_TEST_CASE("a co-runner that cannot be run is refused before anything starts") {
  check_edit(&RunFiles::scenario, "[sleep", "[no-such-program",
             "3:20: co_runners.busy.command.0: expected a command that exists, found "
             "'no-such-program'");
  check_edit(&RunFiles::scenario, "cpus: \"0\"", "cpus: \"0\", user: no-such-user",
             "3:53: co_runners.busy.user: expected a user of this machine, found 'no-such-user'");
  check_edit(&RunFiles::scenario, "cpus: \"0\"", "cpus: \"4000\"",
             "3:42: co_runners.busy.cpus: expected CPUs of this machine (0), found '4000'");
}

DOCTEST_TEST_CASE("names that do not exist are refused with those that do") {
  check_edit(&RunFiles::run, "batch: 1}", "batch: 1}\n    places: [gpu]",
             "7:14: applications.0.places.0: expected a place of the board (cpu0), found 'gpu'");
  check_edit(&RunFiles::run, "max_accuracy", "max_speed",
             "9:12: objective: expected one of max_accuracy, min_energy, min_power, min_latency, "
             "found 'max_speed'");
  check_edit(&RunFiles::scenario, "[busy]", "[idle]",
             "6:51: phases.1.co_runners.0: expected a name from co_runners (busy), found 'idle'");
}

DOCTEST_TEST_CASE("more than one application is refused for now") {
  const RunFiles files;
  RunFiles::edit(files.run(), "budgets:",
                 "  - name: other\n"
                 "    network: {kind: slimmable, checkpoint: " REIN_SOURCE_DIR
                 "/models/trained/fashion-mnist.rein}\n"
                 "    images: {kind: fashion-mnist}\n"
                 "    requests: {arrival: closed_loop}\n"
                 "budgets:");
  check_message(files, files.run().string() +
                           ":3:3: applications: expected one application (a "
                           "process serves one for now), found 2");
}

DOCTEST_TEST_CASE("what comes from the command line is checked like the file and named") {
  const RunFiles files;
  RunOverrides overrides;
  overrides.settings = {"period_ms=soon"};
  check_message(files,
                "--set period_ms=soon: period_ms: expected a number from 1 to 3600000 ms, "
                "found 'soon'",
                overrides);
  overrides.settings = {"colour=blue"};
  DOCTEST_CHECK_THROWS_AS(RunConfig::load(files.run(), overrides), ConfigError);
  overrides.settings = {"period_ms"};
  DOCTEST_CHECK_THROWS_WITH_AS(RunConfig::load(files.run(), overrides),
                               "--set: expected dotted.key=value, found 'period_ms'", UsageError);
}

/// What is said of a run on a simulated board in which `what` was replaced in a file.
std::string message_of(std::filesystem::path (SimulatedRunFiles::*file)() const,
                       const std::string& what, const std::string& by) {
  const SimulatedRunFiles files;
  RunFiles::edit((files.*file)(), what, by);
  std::string message = "no error";
  try {
    RunConfig::load(files.run(), {});
  } catch (const ConfigError& error) {
    message = error.what();
  }
  const std::string folder = files.folder.path().string() + "/";
  for (auto at = message.find(folder); at != std::string::npos; at = message.find(folder)) {
    message.erase(at, folder.size());
  }
  return message;
}

DOCTEST_TEST_CASE("a run on a simulated board is read with all that it names") {
  const SimulatedRunFiles files;
  const RunConfig config = RunConfig::load(files.run(), {});
  DOCTEST_CHECK(config.platform == PlatformKind::kSimulated);
  DOCTEST_REQUIRE(config.board.simulation.has_value());
  DOCTEST_REQUIRE(config.applications[0].simulated.has_value());
  DOCTEST_CHECK(config.applications[0].simulated->levels.size() == 2);
  DOCTEST_CHECK(config.frequencies.size() == 1);
  DOCTEST_CHECK(config.scenario.co_runners[0].contention.has_value());
  const RunFiles live;
  DOCTEST_CHECK(RunConfig::load(live.run(), {}).platform == PlatformKind::kLinux);
}

DOCTEST_TEST_CASE("the effective configuration of a simulated run holds board and network") {
  const SimulatedRunFiles files;
  RunOverrides overrides;
  overrides.settings = {"controls.frequency={cpu: [1000]}"};
  const RunConfig config = RunConfig::load(files.run(), overrides);
  const TemporaryFolder elsewhere;
  const auto effective = elsewhere.path() / "config.yaml";
  write_file(effective, config.effective);
  const RunConfig again = RunConfig::load(effective, {});
  DOCTEST_CHECK(again.effective == config.effective);
  DOCTEST_CHECK(again.board.simulation.has_value());
  DOCTEST_CHECK(again.board.domains[0].opps_v == std::vector<double>{0.5, 1.0});
  DOCTEST_CHECK(again.frequencies[0].opps_mhz == std::vector<double>{1000});
  DOCTEST_CHECK(again.applications[0].simulated->levels[1].mflops == 100.0);
}

DOCTEST_TEST_CASE("a scenario from the command line replaces the run's") {
  const SimulatedRunFiles files;
  const auto other = files.folder.path() / "it's \"other\": #1.yaml";
  write_file(other, "name: other\nphases: [{name: all, duration_s: 3}]\n");
  RunOverrides overrides;
  overrides.scenario = other;
  DOCTEST_CHECK(RunConfig::load(files.run(), overrides).scenario.name == "other");
}

DOCTEST_TEST_CASE("what does not fit a run's platform is refused with its place") {
  DOCTEST_CHECK(
      message_of(&SimulatedRunFiles::run, "kind: simulated}\nboard", "kind: real}\nboard") ==
      "small.yaml:1:18: platform.kind: expected one of linux, simulated, found 'real'");
  DOCTEST_CHECK(
      message_of(&SimulatedRunFiles::run, "simulated}\nboard", "simulated, at: 1}\nboard") ==
      "small.yaml:1:29: platform.at: expected one of kind, found the unknown key 'at'");
  DOCTEST_CHECK(message_of(&SimulatedRunFiles::run, "board: board.yaml", "board: auto") ==
                "small.yaml:2:8: board: expected a board file with `simulation`, found 'auto'");
  DOCTEST_CHECK(
      message_of(&SimulatedRunFiles::board, "simulation:", "not_read:").starts_with("board.yaml:"));
  DOCTEST_CHECK(message_of(&SimulatedRunFiles::run,
                           "network: {kind: simulated, levels: network.yaml}",
                           "network: {kind: slimmable, checkpoint: x}") ==
                "small.yaml:5:21: applications.0.network.kind: expected simulated with "
                "`platform: {kind: simulated}`, found 'slimmable'");
  DOCTEST_CHECK(message_of(&SimulatedRunFiles::run, "platform: {kind: simulated}",
                           "platform: {kind: linux}") ==
                "small.yaml:5:21: applications.0.network.kind: expected slimmable with "
                "`platform: {kind: linux}`, found 'simulated'");
  DOCTEST_CHECK(
      message_of(&SimulatedRunFiles::run, "levels: network.yaml", "levels: none.yaml") ==
      "small.yaml:5:40: applications.0.network.levels: expected a file that exists (looked "
      "for none.yaml), found 'none.yaml'");
  DOCTEST_CHECK(message_of(&SimulatedRunFiles::run, "levels: network.yaml}",
                           "levels: network.yaml}\n    images: {kind: fashion-mnist}")
                    .starts_with("small.yaml:6:5: applications.0.images: expected one of"));
  DOCTEST_CHECK(message_of(&SimulatedRunFiles::scenario, "{contention: {cpu: {all: 1}}}",
                           "{command: [sleep, \"1\"]}") ==
                "scenario.yaml:3:9: co_runners.busy: expected `contention`, what it takes of a "
                "simulated board, found none");
  const RunFiles live;
  RunFiles::edit(live.scenario(), "{command: [sleep, \"1000\"], cpus: \"0\"}",
                 "{contention: {cpu: {all: 1}}}");
  check_message(live, live.scenario().string() +
                          ":3:9: co_runners.busy: expected `command`, what is to be run on a real "
                          "machine, found none");
}

DOCTEST_TEST_CASE("a board without a simulation cannot be simulated") {
  const SimulatedRunFiles files;
  write_file(files.board(), RunFiles::kBoard);
  try {
    RunConfig::load(files.run(), {});
    DOCTEST_FAIL("was accepted");
  } catch (const ConfigError& error) {
    DOCTEST_CHECK(error.what() == files.board().string() +
                                      ":1:1: expected a board with `simulation`, found that of "
                                      "test board without");
  }
}

DOCTEST_TEST_CASE("every file in configs/ is read") {
  for (const auto& entry : std::filesystem::directory_iterator(REIN_SOURCE_DIR "/configs/runs")) {
    DOCTEST_CAPTURE(entry.path().string());
    DOCTEST_CHECK_NOTHROW(RunConfig::load(entry.path(), {}));
  }
}

DOCTEST_TEST_CASE("a kind of work that the board does not know failed without a place") {
  const SimulatedRunFiles files;
  RunFiles::edit(files.network(), "kind: cnn", "kind: rnn");
  check_message(files, files.network().string() +
                           ":2:7: kind: expected a kind of work that the simulation of small knows "
                           "for the place cpu0, found 'rnn'");
}

DOCTEST_TEST_CASE("numbers that are in range each made a run that never ends") {
  const auto message_with = [](const std::string& from, const std::string& to) {
    const SimulatedRunFiles files;
    RunFiles::edit(files.run(), from, to);
    try {
      RunConfig::load(files.run(), {});
    } catch (const ConfigError& error) {
      return std::string(error.what()).substr(files.folder.path().string().size() + 1);
    }
    return std::string("taken");
  };
  DOCTEST_CHECK(message_with("rate_hz: 30", "rate_hz: 1e-10") ==
                "small.yaml:6:43: applications.0.requests.rate_hz: expected a number from 1e-06 to "
                "100000 Hz, found '1e-10'");
  DOCTEST_CHECK(message_with("deadline_ms: 15", "deadline_ms: 1e13") ==
                "small.yaml:8:26: budgets.latency.deadline_ms: expected a number from 1e-06 to "
                "3600000 ms, found '1e13'");
  DOCTEST_CHECK(message_with("period_ms: 100", "period_ms: 3.6e6\ntime_scale: 1") == "taken");
  RunOverrides often{.settings = {"period_ms=3600000", "applications.0.requests.rate_hz=100000"}};
  const SimulatedRunFiles files;
  check_message(
      files,
      files.run().string() +
          ":6:15: applications.0.requests: expected at most 1000000 requests in a control "
          "period, found 100000 Hz, which are 360000000 in 3600 s",
      often);
  const SimulatedRunFiles heavy;
  RunFiles::edit(heavy.network(), "mflops: 100", "mflops: 1e12");
  try {
    RunConfig::load(heavy.run(), {});
    DOCTEST_FAIL("was taken");
  } catch (const ConfigError& error) {
    const std::string message = error.what();
    DOCTEST_CHECK(message.find("small.yaml:4:5: applications.0: expected requests of at most 3600 "
                               "s, found one of ") != message.npos);
  }
}

DOCTEST_TEST_CASE("a path of 300 characters failed while running") {
  const SimulatedRunFiles files;
  RunFiles::edit(files.run(), "board: board.yaml", "board: " + std::string(300, 'b'));
  DOCTEST_CHECK_THROWS_AS(RunConfig::load(files.run(), {}), ConfigError);
  const SimulatedRunFiles other;
  RunFiles::edit(other.run(), "levels: network.yaml", "levels: " + std::string(300, 'b'));
  DOCTEST_CHECK_THROWS_AS(RunConfig::load(other.run(), {}), ConfigError);
}

}  // namespace
}  // namespace rein
