#include "agent/rivals/governor.hpp"

#include <doctest/doctest.h>

#include "agent/make_agent.hpp"
#include "common/error.hpp"
#include "support/rival_task.hpp"

namespace rein {
namespace {

const std::vector<Knob::Level> kClocks = {{"200MHz", 200}, {"600MHz", 600}, {"1000MHz", 1000}};

std::size_t next(Governor::Rule rule, std::size_t level, double load) {
  return Governor::next_level({.rule = rule}, kClocks, level, load);
}

DOCTEST_TEST_CASE("performance and powersave ask nothing") {
  DOCTEST_CHECK(next(Governor::Rule::kPerformance, 0, 0.0) == 2);
  DOCTEST_CHECK(next(Governor::Rule::kPowersave, 2, 1.0) == 0);
}

DOCTEST_TEST_CASE("ondemand goes to the highest above its threshold, else in proportion to load") {
  DOCTEST_CHECK(next(Governor::Rule::kOndemand, 0, 0.81) == 2);
  DOCTEST_CHECK(next(Governor::Rule::kOndemand, 2, 0.80) == 2);  // 200 + 0.8 x 800 = 840 MHz.
  DOCTEST_CHECK(next(Governor::Rule::kOndemand, 2, 0.70) == 1);  // 760 MHz.
  DOCTEST_CHECK(next(Governor::Rule::kOndemand, 2, 0.24) == 0);  // 392 MHz.
}

DOCTEST_TEST_CASE("schedutil takes the lowest clock with a quarter more than what was used") {
  DOCTEST_CHECK(next(Governor::Rule::kSchedutil, 2, 0.48) == 1);  // 1.25 x 1000 x 0.48 = 600 MHz.
  DOCTEST_CHECK(next(Governor::Rule::kSchedutil, 2, 0.49) == 2);
  DOCTEST_CHECK(next(Governor::Rule::kSchedutil, 0, 1.0) == 1);  // 250 MHz.
  DOCTEST_CHECK(next(Governor::Rule::kSchedutil, 2, 0.1) == 0);
}

struct Made {
  explicit Made(const std::string& text) : node(ConfigNode::parse(text, "run.yaml")) {
    Foresight foresight;
    foresight.measure_profile = [] { return RivalTask::profile(); };
    learner = make_agent(node.at("agent"), task.problem(), random, foresight);
    agent.emplace(*learner, task.actions, random);
  }
  RivalTask task;
  Random random{1};
  ConfigNode node;
  std::unique_ptr<Learner> learner;
  std::optional<Driven> agent;
};

DOCTEST_TEST_CASE("a domain's load is that of its busiest CPU, ours and others' together") {
  Made made("agent: {kind: governor, governor: schedutil}");
  const auto observation = RivalTask::asked(50, 10);
  StepInfo info = RivalTask::info(10, 3);
  // CPU 1 is busy for 0.7 of the time: 875 MHz.
  DOCTEST_CHECK(step(*made.agent, observation, info) == 3);
  DOCTEST_CHECK(step(*made.agent, observation, info) == 3);
  info.signals[3] = 0.15;  // Now CPU 0, for 0.4: 500 MHz.
  step(*made.agent, observation, info);
  DOCTEST_CHECK(made.agent->act(observation) == 2);
  made.agent->begin_episode();
  DOCTEST_CHECK(made.agent->act(observation) == 3);
}

DOCTEST_TEST_CASE("without a measured load, the share in which requests were served is it") {
  Made made("agent: {kind: governor, governor: ondemand}");
  const auto observation = RivalTask::asked(50, 10);
  StepInfo info = RivalTask::info(12, 3);  // 24 of 100 ms: 620 MHz is nearer to 500 than to 1000.
  info.signals.assign(info.signals.size(), std::nullopt);
  step(*made.agent, observation, info);
  DOCTEST_CHECK(made.agent->act(observation) == 2);
}

DOCTEST_TEST_CASE("a governor read the signals of a period of which there were none") {
  Made made("agent: {kind: governor, governor: ondemand}");
  const auto observation = RivalTask::asked(50, 10);
  StepInfo info = RivalTask::info(12, 3);
  info.signals.clear();
  step(*made.agent, observation, info);
  DOCTEST_CHECK(made.agent->act(observation) == 2);
}

DOCTEST_TEST_CASE("a governor's width is the highest, a given one, or the best by the profile") {
  const auto observation = RivalTask::asked(10, 10);  // Full width takes 10 ms: no slack.
  DOCTEST_CHECK(Made("agent: {kind: governor}").agent->act(observation) == 3);
  DOCTEST_CHECK(Made("agent: {kind: governor, width: 0.5}").agent->act(observation) == 1);
  DOCTEST_CHECK(Made("agent: {kind: governor, width: best}").agent->act(observation) == 1);
  DOCTEST_CHECK(Made("agent: {kind: governor, width: best}").agent->act(RivalTask::asked(50, 10)) ==
                3);
  DOCTEST_CHECK_THROWS_WITH_AS(Made("agent: {kind: governor, width: 0.7}"),
                               "run.yaml:1:32: agent.width: width.app: expected one of 0.5, 1.0, "
                               "found '0.7'",
                               ConfigError);
  DOCTEST_CHECK_THROWS_AS(Made("agent: {kind: governor, mapping: gpu}"), ConfigError);
  DOCTEST_CHECK_THROWS_AS(Made("agent: {kind: governor, governor: conservative}"), ConfigError);
  DOCTEST_CHECK_THROWS_AS(Made("agent: {kind: governor, up_threshold: 0}"), ConfigError);
}

}  // namespace
}  // namespace rein
