// The planner's options, and that the documentation has each of them as it is.
#include "agent/model_based/planner_options.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "agent/model_based/model_based.hpp"
#include "common/error.hpp"
#include "common/files.hpp"
#include "support/driven.hpp"
#include "support/responsive_machine.hpp"

namespace rein {
namespace {

std::string row_of(const PlannerOption& option) {
  return fmt::format("| `{}` | {:g} | {}{:g} to {:g} | {} | {} |", option.name, option.standard,
                     option.range.min_excluded ? "above " : "", option.range.min, option.range.max,
                     option.unit, option.meaning);
}

/// The rows of the table whose head names `planner.`.
std::vector<std::string> documented() {
  std::istringstream page(read_file(REIN_SOURCE_DIR "/docs/agents.md"));
  std::vector<std::string> rows;
  bool is_inside = false;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("| `planner.`")) {
      is_inside = true;
    } else if (is_inside && !line.starts_with("|")) {
      break;
    } else if (is_inside && !line.starts_with("| ---")) {
      rows.push_back(line);
    }
  }
  return rows;
}

DOCTEST_TEST_CASE("docs/agents.md has every option of the planner as it is, and no other") {
  std::vector<std::string> expected;
  for (const auto& option : planner_table()) {
    expected.push_back(row_of(option));
  }
  const auto found = documented();
  for (std::size_t i = 0; i < std::max(expected.size(), found.size()); ++i) {
    const std::string is = i < found.size() ? found[i] : "nothing";
    const std::string should = i < expected.size() ? expected[i] : "nothing";
    DOCTEST_CHECK(is == should);
  }
}

DOCTEST_TEST_CASE("every option of the planner is read, by a name of its own, within its range") {
  std::set<std::string> names;
  for (const auto& option : planner_table()) {
    DOCTEST_CAPTURE(option.name);
    DOCTEST_CHECK(names.insert(option.name).second);
    DOCTEST_CHECK(option.range.contains(option.standard));
    DOCTEST_CHECK(PlannerOptions().*option.value == option.standard);
    const auto read = [&](double value) {
      return PlannerOptions::from_yaml(
          ConfigNode::parse(fmt::format("{{{}: {}}}", option.name, value), "run.yaml"));
    };
    // A little less than the default contradicts no other option, but for what is a least.
    const std::string name = option.name;
    const double other = option.is_whole ? option.standard + 1.0 : 0.99 * option.standard;
    DOCTEST_CHECK(read(other).*option.value == doctest::Approx(other));
    DOCTEST_CHECK_THROWS_AS(read(option.range.max * 1.01 + 1.0), ConfigError);
    DOCTEST_CHECK_THROWS_AS(read(option.range.min - 1.0), ConfigError);
  }
  DOCTEST_CHECK_THROWS_AS(
      PlannerOptions::from_yaml(ConfigNode::parse("{surprises: 4}", "run.yaml")), ConfigError);
  DOCTEST_CHECK_THROWS_WITH_AS(
      PlannerOptions::from_yaml(ConfigNode::parse("{miss_margin_least: 0.6}", "run.yaml")),
      doctest::Contains("miss_margin_least not to be above miss_margin, found 0.6 and 0.5"),
      ConfigError);
}

DOCTEST_TEST_CASE("the run file's planner is the agent's") {
  const ResponsiveMachine machine;
  const auto options = ModelBased::Options::from_yaml(
      ConfigNode::parse("{planner: {haste: 0, broken_price: 7}}", "run.yaml"));
  DOCTEST_CHECK(options.planner.haste == 0.0);
  DOCTEST_CHECK(options.planner.broken_price == 7.0);
  DOCTEST_CHECK(options.planner.surprise == PlannerOptions().surprise);
  // What was never read lately is as if it were worth nothing: with a chance of 0 nothing changes.
  const auto changes_with = [&](const std::string& planner) {
    const auto of = ModelBased::Options::from_yaml(ConfigNode::parse(planner, "run.yaml"));
    ResponsiveMachine world;
    ModelBased agent(of, world.problem());
    Random random(1);
    const auto session = agent.policy().begin_episode(random);
    auto& now = session->as<ModelBasedPolicy::Now>();
    const auto observation = ResponsiveMachine::asked(20.0, 3.0);
    const ActionId action = world.id(1, 1, 1);
    for (int i = 0; i < 40; ++i) {
      world.slowdown = i < 20 ? 1.0 : 1.6;
      world.others = i < 20 ? 0.1 : 0.8;
      agent.policy().follow(
          record_of(observation, world.actions.decode(action), world.period(action)), now);
    }
    return now.model.changes();
  };
  DOCTEST_CHECK(changes_with("{}") == 1);
  DOCTEST_CHECK(changes_with("{planner: {surprise: 1000}}") == 0);
}

}  // namespace
}  // namespace rein
