// Every run file in configs/runs on a simulated board, with every scenario that can be simulated.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "study/run/simulated_run.hpp"
#include "support/environment_contract.hpp"

namespace rein {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> files_in(const std::string& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(REIN_SOURCE_DIR "/configs/" + folder)) {
    files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

/// All but those that are for real machines.
std::vector<fs::path> simulated(const std::string& folder) {
  const std::set<std::string> real = {"quickstart", "mobile"};
  auto files = files_in(folder);
  std::erase_if(files, [&](const fs::path& file) { return real.contains(file.stem().string()); });
  return files;
}

DOCTEST_TEST_CASE("every shipped scenario keeps the contract of environments on every board") {
  const auto runs = simulated("runs");
  const auto scenarios = simulated("scenarios");
  DOCTEST_REQUIRE(runs.size() >= 7);
  DOCTEST_REQUIRE(scenarios.size() >= 9);
  for (const auto& run : runs) {
    for (const auto& scenario : scenarios) {
      DOCTEST_CAPTURE(run.stem().string());
      DOCTEST_CAPTURE(scenario.stem().string());
      RunOverrides overrides;
      overrides.scenario = scenario;
      const RunConfig config = RunConfig::load(run, overrides);
      SimulatedWorld world(task_of(config));
      check_environment_contract(world.environment());
      SimulatedWorld other(task_of(config));
      check_rollouts_repeat(world.environment(), other.environment(), 30);
      const std::size_t actions = world.environment().action_space().size();
      // The quickstart's machine has no clocks to set.
      DOCTEST_CHECK(actions >= (run.stem() == "quickstart-simulated" ? 24 : 100));
      DOCTEST_CHECK(actions <= 1000);
    }
  }
}

DOCTEST_TEST_CASE("every shipped scenario is named as its file, and has a page") {
  for (const auto& file : simulated("scenarios")) {
    const ConfigNode node = ConfigNode::load(file);
    DOCTEST_CHECK(node.at("name").text() == file.stem().string());
    DOCTEST_CHECK(fs::exists(REIN_SOURCE_DIR "/docs/scenarios/" + file.stem().string() + ".md"));
  }
}

}  // namespace
}  // namespace rein
