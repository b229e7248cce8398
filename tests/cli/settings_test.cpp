// What is set on the command line counts, or is refused: nothing is dropped without a word.
#include "study/run/settings.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "common/config_node.hpp"
#include "common/error.hpp"
#include "support/process.hpp"
#include "support/run_files.hpp"
#include "support/simulated_run_files.hpp"

namespace rein {
namespace {

using Words = std::vector<std::string>;

struct Files : SimulatedRunFiles {
  std::filesystem::path output() const { return folder.path() / "out"; }

  /// Of `rein VERB RUN --output OUT MORE`, which is refused with one line and leaves nothing.
  void refuses(const std::string& verb, const Words& more, int status,
               const std::string& part) const {
    Words words = {REIN_PROGRAM, verb, run().string(), "--output", output().string()};
    words.insert(words.end(), more.begin(), more.end());
    Process process(words);
    const int found = process.wait();
    DOCTEST_CAPTURE(verb);
    DOCTEST_CAPTURE(part);
    DOCTEST_CAPTURE(process.errors());
    DOCTEST_CHECK(found == status);
    DOCTEST_CHECK(process.errors().find(part) != std::string::npos);
    DOCTEST_CHECK(process.errors().find('\n') == process.errors().size() - 1);
    DOCTEST_CHECK_FALSE(std::filesystem::exists(output()));
  }
};

DOCTEST_TEST_CASE("parameters that were set for the agent of --agent were dropped") {
  const Files files;
  for (const std::string verb : {"run", "train"}) {
    files.refuses(
        verb, {"--agent", "dqn", "--set", "agent.discount=5"}, 3,
        "rein: --set agent.discount=5: agent.discount: expected a number from 0 to 0.999");
    files.refuses(verb, {"--agent", "dqn", "--set", "agent.dicsount=0.9"}, 3,
                  "rein: --set agent.dicsount=0.9: agent.dicsount: expected one of batch, ");
    files.refuses(verb, {"--agent", "dqn", "--set", "agent.profile=none.csv"}, 3,
                  "rein: --set agent.profile=none.csv: agent.profile: expected one of ");
    files.refuses(verb, {"--agent", "dqn", "--set", "agent.kind=static"}, 2,
                  "--set agent.kind: has no effect: --agent dqn sets it");
  }
  files.refuses("run", {"--agent", "alert", "--set", "agent.profile=none.csv"}, 3, "none.csv");
  files.refuses("run", {"--set", "agent={kind: dqn, dicsount: 1}"}, 3,
                "rein: --set agent={kind: dqn, dicsount: 1}: agent.dicsount: expected one of ");

  const auto run = [&](const std::string& name, const Words& more) {
    const auto output = files.folder.path() / name;
    Words words = {REIN_PROGRAM, "run", files.run().string(), "--output", output.string()};
    words.insert(words.end(), more.begin(), more.end());
    DOCTEST_REQUIRE(Process(words).wait() == 0);
    return read_file(output / "trace.csv");
  };
  const Words chosen = {"--agent", "static", "--set", "agent.configuration={width: 0.5}"};
  DOCTEST_CHECK(run("chosen", chosen) != run("default", {"--agent", "static"}));
}

DOCTEST_TEST_CASE("an evaluation dropped what was set for an agent that it does not play") {
  const Files files;
  files.refuses("evaluate", {"--agents", "dqn", "--set", "agent.discount=5"}, 2,
                "--set agent.discount: has no effect: the agent of small is q_learning");
  files.refuses("evaluate", {"--agents", "q_learning", "--set", "agent.discount=5"}, 3,
                "--set agent.discount=5: agent.discount: expected a number");
  files.refuses("evaluate", {"--set", "seed=3"}, 2, "--set seed: has no effect: episodes have");
  files.refuses("evaluate", {"--agents", "static", "--practice", "1"}, 2,
                "--practice: has no effect: no agent learns");
  files.refuses("evaluate", {"--agents", "static", "--set", "shield=true"}, 2,
                "--set shield: has no effect: only agents that learn");
  files.refuses("evaluate", {"--duration", "1", "--set", "duration_s=2"}, 2,
                "--set duration_s: has no effect: --duration 1 sets it");
  files.refuses("evaluate",
                {"--scenarios", files.scenario().string(), "--set", "scenario=other.yaml"}, 2,
                "--set scenario: has no effect: --scenarios ");
  const auto variants = files.folder.path() / "variants.yaml";
  write_file(variants, "- {name: fixed, agent: {kind: static}, practice: 3}\n");
  files.refuses("evaluate", {"--variants", variants.string()}, 3,
                "variants.yaml:1:31: 0.agent.kind: `practice` has no effect");
}

DOCTEST_TEST_CASE("what has no part in a training or a profile could be set") {
  const Files files;
  for (const std::string setting : {"scenario={}", "time_scale=2", "duration_s=3", "shield=true"}) {
    const std::string key = setting.substr(0, setting.find('='));
    files.refuses("train", {"--set", setting}, 2, "--set " + key + ": has no effect: ");
    files.refuses("profile", {"--set", setting}, 2, "--set " + key + ": has no effect: ");
  }
  files.refuses("profile", {"--set", "agent.discount=0.5"}, 2,
                "--set agent.discount: has no effect: a profile is measured without an agent");
  files.refuses("profile", {"--set", "prices={power: 1}"}, 2, "--set prices: has no effect");
  files.refuses("train", {"--max-error", "10"}, 2, "--max-error requires --profile");
}

DOCTEST_TEST_CASE("of two that set the same, one was dropped") {
  const Files files;
  files.refuses("run", {"--seed", "1", "--set", "seed=2"}, 2,
                "--set seed: has no effect: --seed 1 sets it");
  files.refuses("run", {"--set", "seed=1", "--set", "seed=2"}, 2,
                "--set seed: has no effect: --set seed=2 comes later and replaces it");
  files.refuses("run", {"--set", "agent.discount=0.5", "--set", "agent={kind: dqn}"}, 2,
                "--set agent.discount: has no effect: --set agent={kind: dqn} comes later");
  // In this order both count.
  DOCTEST_CHECK(read_settings({"agent={kind: dqn}", "agent.discount=0.5"}).size() == 2);
  DOCTEST_CHECK_THROWS_WITH_AS(refuse_setting({"a.b.c=1"}, "a.b", "why"),
                               "--set a.b.c: has no effect: why", UsageError);
  DOCTEST_CHECK_THROWS_AS(refuse_setting({"a={b: 1}"}, "a.b", "why"), UsageError);
  refuse_setting({"a.bc=1"}, "a.b", "why");
}

DOCTEST_TEST_CASE("a time scale without a scenario had no effect") {
  const Files files;
  RunFiles::edit(files.run(), "scenario: scenario.yaml", "duration_s: 2\ntime_scale: 3");
  files.refuses("run", {}, 3, "small.yaml:13:13: time_scale: has no effect: there is no scenario");
}

DOCTEST_TEST_CASE("a checkpoint of another configuration replaced the one that was asked for") {
  const Files files;
  const auto first = files.folder.path() / "first";
  DOCTEST_REQUIRE(Process({REIN_PROGRAM, "run", files.run().string(), "--agent", "static",
                           "--output", first.string()})
                      .wait() == 0);
  const std::string checkpoint = (first / "checkpoint").string();
  files.refuses(
      "run",
      {"--agent", "static", "--set", "agent.configuration={width: 0.5}", "--load", checkpoint}, 3,
      "action: expected the agent's `configuration` (");
}

DOCTEST_TEST_CASE("a checkpoint of another period, objective or price was taken") {
  const Files files;
  const auto first = files.folder.path() / "first";
  for (const std::string agent : {"dqn", "model_based"}) {
    DOCTEST_REQUIRE(Process({REIN_PROGRAM, "run", files.run().string(), "--agent", agent,
                             "--output", (first / agent).string()})
                        .wait() == 0);
    const auto with = [&](const std::string& setting) {
      return std::vector<std::string>{
          "--agent", agent, "--load", (first / agent / "checkpoint").string(), "--set", setting};
    };
    files.refuses("run", with("period_ms=50"), 3,
                  "for.period_s: expected 0.05 as in this run, found '0.1'");
    if (agent == "dqn") {
      files.refuses("run", with("objective=min_latency"), 3,
                    "for.objective: expected 'min_latency' as in this run, found 'max_accuracy'");
      files.refuses("run", with("agent.discount=0.9"), 3,
                    "for.options.discount: expected 0.9 as in this run, found '0.5'");
    }
  }
}

DOCTEST_TEST_CASE("what was set within a section was named by what set the section") {
  ConfigNode node = ConfigNode::parse("{}", "file");
  node.set("agent", "{kind: dqn}", "--agent dqn");
  node.set("agent.discount", "much", "--set agent.discount=much");
  DOCTEST_CHECK_THROWS_WITH_AS(
      node.at("agent").at("discount").number(),
      "--set agent.discount=much: agent.discount: expected a number, found 'much'", ConfigError);
  DOCTEST_CHECK_THROWS_WITH_AS(node.at("agent").at("kind").number(),
                               "--agent dqn: agent.kind: expected a number, found 'dqn'",
                               ConfigError);
}

}  // namespace
}  // namespace rein
