#include "agent/core/action_limits.hpp"

#include <doctest/doctest.h>

#include "agent/make_agent.hpp"
#include "common/error.hpp"
#include "support/rival_task.hpp"

namespace rein {
namespace {

Knob knob(const std::string& name, std::size_t levels) {
  Knob result{name, "1", Knob::Kind::kFrequency, {}};
  for (std::size_t i = 0; i < levels; ++i) {
    result.levels.push_back({std::to_string(i), 100.0 + static_cast<double>(i)});
  }
  return result;
}

DOCTEST_TEST_CASE("too many actions are told with what multiplies and what to do about it") {
  const ActionSpace actions({knob("width.dnn", 4), knob("mapping.dnn", 1),
                             knob("frequency.big", 19), knob("bandwidth.cpu", 2)});
  DOCTEST_CHECK_FALSE(too_many_actions(actions, 152));
  DOCTEST_CHECK(too_many_actions(actions, 151) ==
                "expected at most 151 actions, found 152 (frequency.big 19 x width.dnn 4 x "
                "bandwidth.cpu 2): give some of its frequencies in the run file (`controls: "
                "{frequency: {big: [100, 118]}}`) or in `opps_mhz` of the board file");
}

DOCTEST_TEST_CASE("more actions than an integer holds ended in an allocation that fails") {
  std::vector<Knob> knobs;
  for (int i = 0; i < 16; ++i) {
    knobs.push_back(knob("frequency.policy" + std::to_string(i), 20));
  }
  const ActionSpace actions(knobs);
  const auto mistake = too_many_actions(actions, kMostActions);
  DOCTEST_REQUIRE(mistake);
  DOCTEST_CHECK(mistake->find("found 6.6e+20 (frequency.policy0 20 x ") != std::string::npos);
}

DOCTEST_TEST_CASE("an agent is refused more actions than it bears, whoever makes it") {
  const RivalTask task;
  const ActionSpace many({knob("width.dnn", 100), knob("frequency.cpu", 800)});
  const Problem known = task.problem();
  const Problem problem{many, known.observations, {}, known.signals, known.task};
  Random random(1);
  for (const auto& each : {std::pair{"q_learning", "8000"}, {"model_based", "60000"}}) {
    const auto& [kind, most] = each;
    DOCTEST_CAPTURE(each.first);
    const auto node = ConfigNode::parse(std::string("agent: {kind: ") + kind + "}", "run.yaml");
    const std::string message =
        std::string("run.yaml:1:15: agent.kind: ") + kind +
        " bears not so many: expected at most " + most +
        " actions, found 80000 (frequency.cpu 800 x width.dnn 100): give some of its "
        "frequencies in the run file (`controls: {frequency: {cpu: [100, 899]}}`) or in `opps_mhz` "
        "of the board file";
    DOCTEST_CHECK_THROWS_WITH_AS(make_agent(node.at("agent"), problem, random), message.c_str(),
                                 ConfigError);
  }
}

}  // namespace
}  // namespace rein
